#include "backup_engine/wal/start_position.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"

namespace backup_engine::wal {

using postgres::Lsn;
using postgres::SegmentSize;
using postgres::TimelineId;

Lsn start_of_segment(Lsn lsn, SegmentSize size) {
  return Lsn(lsn.position_bytes() / size.bytes() * size.bytes());
}

namespace {

StreamPosition first_start(const StartFacts& facts) {
  const auto lsn = facts.slot.restart_lsn.value_or(facts.server.flushed);
  const auto timeline = facts.slot.restart_lsn ? facts.slot.restart_timeline : std::nullopt;
  return {timeline.value_or(facts.server.timeline), start_of_segment(lsn, facts.segment_size)};
}

// Where the server's history left `newest`, which is not its own timeline.
std::span<const postgres::TimelineSwitch>::iterator switch_from(TimelineId newest, const StartFacts& facts) {
  const auto history = facts.history;
  const auto left = std::ranges::find(history, newest, &postgres::TimelineSwitch::parent);
  if (left != history.end()) return left;
  throw base::Error(
      base::ErrorKind::mismatch,
      fmt::format("the repository holds WAL of timeline {}, which is not in the history of the server's timeline {}",
                  newest.number(), facts.server.timeline.number()))
      .with_remedy(
          "this server went another way than the WAL kept so far: connect to the one that continued it, or "
          "receive into another cluster name");
}

}  // namespace

std::optional<StreamPosition> common_end(const StartFacts& facts) {
  if (facts.held.empty()) return std::nullopt;
  const auto newest = std::ranges::max(facts.held, {}, &WalRange::timeline).timeline;
  const auto end = durable_end(facts.held, newest).value();
  if (newest == facts.server.timeline) return StreamPosition{newest, end};
  return StreamPosition{newest, std::min(end, switch_from(newest, facts)->switch_lsn)};
}

StreamPosition choose_start(const StartFacts& facts) {
  const auto common = common_end(facts);
  if (!common) return first_start(facts);
  if (common->timeline == facts.server.timeline) return *common;
  const auto left = switch_from(common->timeline, facts);
  if (common->at < left->switch_lsn) return *common;
  const auto next = std::next(left) == facts.history.end() ? facts.server.timeline : std::next(left)->parent;
  return {next, start_of_segment(left->switch_lsn, facts.segment_size)};
}

StreamPosition choose_start_after_loss(const StreamPosition& lost, const StartFacts& facts) {
  auto start = first_start(facts);
  if (start.at <= lost.at) {
    start = {facts.server.timeline, start_of_segment(facts.server.flushed, facts.segment_size)};
  }
  // The segment that the server writes now is the last that can be missing.
  if (start.at <= lost.at) start.at = start_of_segment(lost.at, facts.segment_size) + facts.segment_size.bytes();
  return start;
}

}  // namespace backup_engine::wal
