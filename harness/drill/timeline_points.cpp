#include "harness/drill/timeline_points.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/utc_time.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace record = reports::record;
using scenario::TargetKind;

namespace {

std::string_view word(TargetKind kind) {
  switch (kind) {
    case TargetKind::end_of_wal:
      return "end_of_wal";
    case TargetKind::immediate:
      return "immediate";
    case TargetKind::mark:
      return "mark";
    case TargetKind::name:
      return "name";
    case TargetKind::time:
      return "time";
    case TargetKind::lsn:
      return "lsn";
    case TargetKind::xid:
      return "xid";
  }
  return "unknown";
}

restore::Stop stop_of(TargetKind kind) {
  switch (kind) {
    case TargetKind::end_of_wal:
      return restore::Stop::end_of_wal;
    case TargetKind::immediate:
      return restore::Stop::immediate;
    case TargetKind::mark:
    case TargetKind::name:
      return restore::Stop::name;
    case TargetKind::time:
      return restore::Stop::time;
    case TargetKind::lsn:
      return restore::Stop::lsn;
    case TargetKind::xid:
      return restore::Stop::xid;
  }
  return restore::Stop::end_of_wal;
}

restore::Action action_of(scenario::TargetAction action) {
  switch (action) {
    case scenario::TargetAction::promote:
      return restore::Action::promote;
    case scenario::TargetAction::pause:
      return restore::Action::pause;
    case scenario::TargetAction::shutdown:
      return restore::Action::shutdown;
  }
  return restore::Action::promote;
}

const TimelinePoint& find_point(const std::string& name, const std::vector<TimelinePoint>& points) {
  const auto found = std::find_if(points.begin(), points.end(), [&](const auto& point) { return point.name == name; });
  if (found != points.end()) return *found;
  throw base::Error(base::ErrorKind::usage, fmt::format("the timeline came to no point '{}'", name))
      .with_remedy("name a mark, a restore point or the disaster of the timeline");
}

struct LoadHistory {
  const std::vector<record::LedgerTransaction>& ledger;
  const std::vector<record::CommitRecord>& commits;  // in WAL order
};

const record::LedgerTransaction& last_acknowledged(const TimelinePoint& point, const LoadHistory& load) {
  std::unordered_map<std::uint32_t, std::size_t> place;
  for (const auto& commit : load.commits) place.emplace(commit.xid, place.size() + 1);
  const auto key = [&place](const record::LedgerTransaction& transaction) {
    const auto found = place.find(static_cast<std::uint32_t>(transaction.xid));
    return std::pair(found == place.end() ? 0 : found->second, transaction.answered_microseconds);
  };
  const auto instant = base::parse_rfc3339(point.time);
  const record::LedgerTransaction* last = nullptr;
  for (const auto& transaction : load.ledger) {
    if (transaction.outcome != record::LedgerOutcome::acknowledged || !instant) continue;
    if (transaction.answered_microseconds > instant->time_since_epoch().count()) continue;
    if (last == nullptr || key(transaction) > key(*last)) last = &transaction;
  }
  if (last != nullptr) return *last;
  throw base::Error(base::ErrorKind::usage,
                    fmt::format("no transaction of the load was acknowledged before {}", point.name))
      .with_remedy("put a load step before it");
}

// recovery_target_xid takes 32 bits, as WAL has them; these ids carry the epoch above.
std::string xid_at(const TimelinePoint& point, const LoadHistory& load) {
  if (!point.restore_point.empty()) {
    return std::to_string(static_cast<std::uint32_t>(last_acknowledged(point, load).xid));
  }
  return point.xid.empty() ? "" : std::to_string(static_cast<std::uint32_t>(std::stoull(point.xid)));
}

std::string value_at(TargetKind kind, const TimelinePoint& point, const LoadHistory& load) {
  std::string value;
  if (kind == TargetKind::mark || kind == TargetKind::name) value = point.restore_point;
  if (kind == TargetKind::time) value = point.time;
  if (kind == TargetKind::lsn) value = point.lsn;
  if (kind == TargetKind::xid) value = xid_at(point, load);
  if (!value.empty()) return value;
  throw base::Error(base::ErrorKind::usage,
                    fmt::format("{} has no {} that recovery could stop at", point.name, word(kind)))
      .with_remedy("choose another kind of target");
}

ResolvedTarget with_value(const scenario::Restore& restore, const std::string& value) {
  const auto& asked = restore.target;
  ResolvedTarget resolved;
  resolved.target.stop = stop_of(asked.kind);
  resolved.target.inclusive = asked.inclusive;
  resolved.target.action = action_of(restore.action);
  resolved.target.value = value;
  resolved.record.type = word(asked.kind);
  resolved.record.value = value;
  resolved.record.inclusive = asked.inclusive;
  resolved.record.timeline = asked.kind == TargetKind::immediate ? "current" : "latest";
  return resolved;
}

}  // namespace

TimelinePoint point_of(const record::Mark& mark) {
  return {mark.name, mark.restore_point, mark.lsn, mark.time, ""};
}

ResolvedTarget resolve_target(const scenario::Restore& restore, const std::vector<TimelinePoint>& points,
                              const std::vector<record::LedgerTransaction>& ledger,
                              const std::vector<record::CommitRecord>& commits) {
  const auto& asked = restore.target;
  const bool is_point = asked.kind != TargetKind::end_of_wal && asked.kind != TargetKind::immediate;
  return with_value(
      restore, is_point ? value_at(asked.kind, find_point(asked.point, points), {ledger, commits}) : std::string());
}

ResolvedTarget resolve_stored_target(const scenario::Restore& restore) {
  return with_value(restore, restore.target.point);
}

std::string_view to_string(scenario::RestoreKind kind) {
  switch (kind) {
    case scenario::RestoreKind::full:
      return "full";
    case scenario::RestoreKind::pitr:
      return "pitr";
    case scenario::RestoreKind::partial:
      return "partial";
    case scenario::RestoreKind::pitr_sweep:
      return "pitr_sweep";
  }
  return "unknown";
}

}  // namespace harness::drill
