#include "backup_engine/wal/start_position.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"

namespace backup_engine::wal {

using postgres::Lsn;
using postgres::SegmentSize;
using postgres::TimelineId;

namespace {

Lsn start_of_segment_holding(Lsn lsn, SegmentSize size) {
  return Lsn(lsn.position_bytes() / size.bytes() * size.bytes());
}

StreamPosition first_start(const StartFacts& facts) {
  const auto lsn = facts.slot.restart_lsn.value_or(facts.server.flushed);
  const auto timeline = facts.slot.restart_lsn ? facts.slot.restart_timeline : std::nullopt;
  return {timeline.value_or(facts.server.timeline), start_of_segment_holding(lsn, facts.segment_size)};
}

}  // namespace

StreamPosition choose_start(const StartFacts& facts) {
  if (facts.held.empty()) return first_start(facts);
  const auto newest = std::ranges::max(facts.held, {}, &WalRange::timeline).timeline;
  const auto end = durable_end(facts.held, newest).value();
  if (newest == facts.server.timeline) return {newest, end};

  const auto left = std::ranges::find(facts.history, newest, &postgres::TimelineSwitch::parent);
  if (left == facts.history.end()) {
    throw base::Error(
        base::ErrorKind::mismatch,
        fmt::format("the repository holds WAL of timeline {}, which is not in the history of the server's timeline {}",
                    newest.number(), facts.server.timeline.number()))
        .with_remedy(
            "this server went another way than the WAL kept so far: connect to the one that continued it, or "
            "receive into another cluster name");
  }
  if (end < left->switch_lsn) return {newest, end};
  const auto next = std::next(left) == facts.history.end() ? facts.server.timeline : std::next(left)->parent;
  return {next, start_of_segment_holding(left->switch_lsn, facts.segment_size)};
}

StreamPosition choose_start_after_loss(const StreamPosition& lost, const StartFacts& facts) {
  auto start = first_start(facts);
  if (start.at <= lost.at) {
    start = {facts.server.timeline, start_of_segment_holding(facts.server.flushed, facts.segment_size)};
  }
  // The segment that the server writes now is the last that can be missing.
  if (start.at <= lost.at)
    start.at = start_of_segment_holding(lost.at, facts.segment_size) + facts.segment_size.bytes();
  return start;
}

}  // namespace backup_engine::wal
