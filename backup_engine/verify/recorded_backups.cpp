#include "backup_engine/verify/recorded_backups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "backup_engine/operations/log.hpp"
#include "backup_engine/store/names.hpp"

namespace backup_engine::verify {

namespace {

constexpr auto rounding = std::chrono::seconds(2);

// Whether the operation took it: no other one can have, unless it ran at the same time.
bool lies_within(base::UtcTime from, base::UtcTime to, const Operation& taken) {
  return from >= taken.started_at - rounding && to <= taken.finished_at + rounding;
}

// The start of one is written before the first manifest goes: it may have been killed, or be at work.
bool removes_backups(const Operation& operation) {
  return operation.verb == "expire" || operation.verb == "expire start";
}

}  // namespace

RecordedBackups::RecordedBackups(store::Storage& storage, std::string cluster, Findings& findings)
    : storage_(storage), cluster_(std::move(cluster)), findings_(findings) {
  auto log = operations::read(storage_, cluster_).operations;
  for (std::size_t i = 0; i < log.size(); ++i) {
    // One that found damaged pages was published too, and says so in its exit code.
    if (log[i].verb == "backup" && log[i].outcome.starts_with("done")) taken_.push_back({std::move(log[i]), i});
  }
}

std::set<std::string> RecordedBackups::check(const std::vector<BackupSummary>& there,
                                             const std::set<std::string>& folders) const {
  std::set<std::string> lost;
  for (const auto& each : taken_) {
    const auto& taken = each.operation;
    const bool is_there = std::ranges::any_of(
        there, [&](const auto& backup) { return lies_within(backup.started_at, backup.finished_at, taken); });
    if (is_there || is_expired_since(each)) continue;
    const auto label = left_by(taken, there, folders);
    const auto when = fmt::format("by {} on {} from {} to {}", taken.user, taken.host,
                                  base::to_rfc3339(taken.started_at), base::to_rfc3339(taken.finished_at));
    if (label.empty()) {
      findings_.add_damage(
          store::backups_prefix(cluster_),
          fmt::format("the backup that was taken {} (operations log) is gone, and nobody expired it", when));
    } else {
      findings_.add_damage(store::manifest_name(cluster_, label),
                           fmt::format("missing: backup {} was taken {} (operations log), nobody expired it, and its "
                                       "manifest is gone; do not run expire before it was put back",
                                       label, when));
      lost.insert(label);
    }
  }
  return lost;
}

// Of this cluster, or of all. Read again: one may have ended meanwhile. What it removed is not in the log. A log has an
// order, whatever the clocks of those who wrote it said; two logs have only the clocks.
bool RecordedBackups::is_expired_since(const Taken& taken) const {
  const auto own = operations::read(storage_, cluster_).operations;
  auto since = taken.operation.started_at;
  for (auto i = taken.position + 1; i < own.size(); ++i) {
    if (removes_backups(own[i])) return true;
    since = std::min(since, own[i].finished_at);  // a clock that was put back
  }
  const auto expires_since = [&](const Operation& operation) {
    return removes_backups(operation) && operation.finished_at >= since;
  };
  return std::ranges::any_of(own, expires_since) ||
         std::ranges::any_of(operations::read(storage_, std::string()).operations, expires_since);
}

// What is left of it below its label; empty when nothing is. One with an intent is another one that is being taken.
std::string RecordedBackups::left_by(const Operation& taken, const std::vector<BackupSummary>& there,
                                     const std::set<std::string>& folders) const {
  for (const auto& label : folders) {
    const auto second = store::label_second(label);
    const bool published = std::ranges::any_of(there, [&](const auto& backup) { return backup.label == label; });
    if (!second || published || !lies_within(*second, *second, taken)) continue;
    if (!storage_.size(store::intent_name(cluster_, label))) return label;
  }
  return {};
}

}  // namespace backup_engine::verify
