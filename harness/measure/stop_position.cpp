#include "harness/measure/stop_position.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "harness/measure/ledger_index.hpp"

namespace harness::measure {

using backup_engine::base::UtcTime;
using backup_engine::postgres::Lsn;
using reports::record::BackupRecord;
using reports::record::CommitOrderEvidence;
using reports::record::CommitRecord;
using reports::record::RestoreTarget;

namespace {

constexpr std::uint64_t page_bytes = 8192;  // XLOG_BLCKSZ of every packaged PostgreSQL
constexpr std::uint64_t short_header_bytes = 24, long_header_bytes = 40;

StopPosition at(Lsn position) {
  return {StopPosition::Kind::position, position, {}};
}

StopPosition unknown(std::string why) {
  return {StopPosition::Kind::unknown, {}, std::move(why)};
}

Lsn start_of(const CommitRecord& record) {
  return position_of(record.lsn, "a commit record's position");
}

StopPosition end_of(const CommitRecord& record) {
  if (record.end_lsn.empty()) return unknown(fmt::format("where the record at {} ends is not known", record.lsn));
  return at(position_of(record.end_lsn, "a commit record's end"));
}

// Replay begins at the backup's start: what lies before it is never looked at.
class Replayed {
 public:
  Replayed(const CommitOrderEvidence& order, Lsn start) : order_(order), start_(start) {}

  template <typename Wanted>
  [[nodiscard]] const CommitRecord* first(Wanted wanted) const {
    for (const auto& record : order_.records) {
      if (start_of(record) >= start_ && wanted(record)) return &record;
    }
    return nullptr;
  }

  [[nodiscard]] StopPosition behind_restore_point(const std::string& name) const {
    for (const auto& point : order_.restore_points) {
      if (point.name != name || position_of(point.lsn, "a restore point's position") < start_) continue;
      return at(position_of(point.end_lsn, "a restore point's end"));
    }
    return unknown(fmt::format("the witness WAL holds no restore point '{}' after the backup's start", name));
  }

 private:
  const CommitOrderEvidence& order_;
  Lsn start_;
};

// Before the first record that carries a later time; inclusive says whether the very same time is later.
StopPosition by_time(const Replayed& replayed, const RestoreTarget& target) {
  const auto wanted = parse_target_time(target.value);
  if (!wanted) return unknown(fmt::format("the target's time '{}' cannot be read", target.value));
  const auto* record = replayed.first([&](const CommitRecord& candidate) {
    const auto time = backup_engine::base::parse_rfc3339(candidate.time);
    return time && (target.inclusive ? *time > *wanted : *time >= *wanted);
  });
  if (record != nullptr) return at(start_of(*record));
  return unknown(fmt::format("the witness WAL holds no commit or abort {} {}",
                             target.inclusive ? "after" : "at or after", target.value));
}

// PostgreSQL compares the lower 32 bits with the record's own xid; a subtransaction has no record of its own.
StopPosition by_xid(const Replayed& replayed, const RestoreTarget& target) {
  std::uint64_t xid = 0;
  const auto* const end = target.value.data() + target.value.size();
  const auto read = std::from_chars(target.value.data(), end, xid);
  if (read.ec != std::errc() || read.ptr != end) return unknown(fmt::format("'{}' is no transaction id", target.value));
  const auto* record =
      replayed.first([&](const CommitRecord& candidate) { return candidate.xid == static_cast<std::uint32_t>(xid); });
  if (record == nullptr) {
    return unknown(fmt::format("the witness WAL holds no commit or abort of transaction {} itself", target.value));
  }
  return target.inclusive ? end_of(*record) : at(start_of(*record));
}

// Inclusive: behind the first record that starts there or later, so one more than what lies before the target when no
// record starts exactly there.
StopPosition by_lsn(const CommitOrderEvidence& order, const Replayed& replayed, const RestoreTarget& target) {
  const auto wanted = backup_engine::postgres::parse_lsn(target.value);
  if (!wanted) return unknown(fmt::format("'{}' is no LSN", target.value));
  if (order.at_target) {
    const auto start = position_of(order.at_target->lsn, "the record at the target");
    if (start < *wanted) return unknown("the evidence holds a record before the target in place of the one at it");
    return at(target.inclusive ? position_of(order.at_target->end_lsn, "the end of the record at the target") : start);
  }
  const auto* record = replayed.first([&](const CommitRecord& candidate) { return start_of(candidate) == *wanted; });
  if (record != nullptr) return target.inclusive ? end_of(*record) : at(start_of(*record));
  return unknown(fmt::format("the witness WAL holds no record at {} or later", target.value));
}

StopPosition by_kind(const CommitOrderEvidence& order, const RestoreTarget& target, const BackupRecord& backup) {
  const Replayed replayed(order, position_of(backup.start_lsn, "the backup's start"));
  if (target.type == "immediate") return at(position_of(backup.stop_lsn, "the backup's stop"));
  if (target.type == "mark" || target.type == "name") return replayed.behind_restore_point(target.value);
  if (target.type == "time") return by_time(replayed, target);
  if (target.type == "xid") return by_xid(replayed, target);
  if (target.type == "lsn") return by_lsn(order, replayed, target);
  return unknown(fmt::format("'{}' is no kind of target", target.type));
}

std::optional<int> two_digits(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 2 || !digit(text[0]) || !digit(text[1])) return std::nullopt;
  return (text[0] - '0') * 10 + (text[1] - '0');
}

// "Z", " UTC", "+HH", "+HH:MM"; how far that zone is ahead of UTC.
std::optional<std::chrono::minutes> parse_zone(std::string_view text) {
  if (text == "Z" || text == " UTC" || text == "UTC" || text == " Z") return std::chrono::minutes(0);
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const auto hours = two_digits(text.substr(1, 2));
  const auto minutes = text.size() == 3                     ? std::optional(0)
                       : text.size() == 6 && text[3] == ':' ? two_digits(text.substr(4))
                                                            : std::nullopt;
  if (!hours || !minutes) return std::nullopt;
  const std::chrono::minutes ahead(*hours * 60 + *minutes);
  return text[0] == '-' ? -ahead : ahead;
}

}  // namespace

StopPosition stop_position(const CommitOrderEvidence& order, const RestoreTarget& target, const BackupRecord* backup) {
  if (target.type == "end_of_wal") return {StopPosition::Kind::end_of_wal, {}, {}};
  if (backup == nullptr) return unknown("which backup was restored is not known");
  auto stop = by_kind(order, target, *backup);
  if (stop.kind != StopPosition::Kind::position) return stop;
  const auto consistent = position_of(backup->stop_lsn, "the backup's stop");
  if (stop.position >= consistent || ended_at(stop.position, consistent)) return stop;
  return unknown(
      fmt::format("the target lies at {}, before the backup's stop at {}", to_string(stop.position), backup->stop_lsn));
}

bool ended_at(Lsn reached, Lsn stop) {
  const auto first = std::min(reached, stop);
  const auto between = std::max(reached, stop) - first;
  if (between == 0) return true;
  return first.position_bytes() % page_bytes == 0 && (between == short_header_bytes || between == long_header_bytes);
}

std::optional<UtcTime> parse_target_time(std::string_view text) {
  constexpr std::size_t up_to_seconds = 19;  // 2026-11-20 02:15:00
  if (text.size() <= up_to_seconds || (text[10] != ' ' && text[10] != 'T')) return std::nullopt;
  const auto fraction_end =
      text[up_to_seconds] == '.' ? text.find_first_not_of("0123456789", up_to_seconds + 1) : up_to_seconds;
  if (fraction_end == std::string_view::npos) return std::nullopt;
  const auto ahead = parse_zone(text.substr(fraction_end));
  auto instant = std::string(text.substr(0, fraction_end)) + "Z";
  instant[10] = 'T';
  const auto local = backup_engine::base::parse_rfc3339(instant);
  if (!ahead || !local) return std::nullopt;
  return *local - *ahead;
}

}  // namespace harness::measure
