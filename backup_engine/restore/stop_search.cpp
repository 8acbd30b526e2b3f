#include "backup_engine/restore/stop_search.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/restore/target_value.hpp"

namespace backup_engine::restore {

using base::to_rfc3339;
using postgres::Lsn;

namespace {

std::string described(const wal::TransactionEnd& transaction, const wal::WalRecord& record) {
  return fmt::format(
      "{} of {}transaction {} at {} ({})", transaction.ending == wal::Ending::commit ? "commit" : "rollback",
      transaction.prepared ? "prepared " : "", transaction.xid, to_string(record.start), to_rfc3339(transaction.time));
}

void take_down(const wal::TransactionEnd& transaction, const wal::WalRecord& record, Findings& findings) {
  findings.last = {transaction.xid, transaction.time, record.start};
  if (!findings.latest || findings.latest->time <= transaction.time) findings.latest = findings.last;
}

void stop_at(Stop stop, Findings& findings) {
  if (findings.stop) return;
  auto& place = findings.minimal ? findings.beyond : findings.stop;
  if (!place) place = std::move(stop);
}

}  // namespace

TargetRule::TargetRule(const RecoveryTarget& target, int major) : target_(target), major_(major) {
  if (target.kind == TargetKind::time) time_ = parse_target_time(target.value);
  if (target.kind == TargetKind::lsn) lsn_ = postgres::parse_lsn(target.value).value();
  if (target.kind == TargetKind::xid) xid_ = parse_target_xid(target.value);
}

bool TargetRule::reached_by(const wal::TransactionEnd& transaction) const {
  if (target_.kind == TargetKind::xid) return transaction.xid == xid_;
  if (target_.kind != TargetKind::time) return false;
  return target_.inclusive ? transaction.time > time_ : transaction.time >= time_;
}

void TargetRule::look_at(const wal::TransactionEnd& transaction, const wal::WalRecord& record,
                         Findings& findings) const {
  take_down(transaction, record, findings);
  if (target_.kind == TargetKind::xid && std::ranges::count(transaction.subtransactions, xid_) != 0) {
    findings.parent = transaction.xid;
  }
  if (!reached_by(transaction)) return;
  // A time is passed by the first transaction that is too late, so recovery always stops before it.
  const bool before = target_.kind == TargetKind::time || !target_.inclusive;
  stop_at({before ? record.start : record.end, record.start,
           fmt::format("{} the {}", before ? "before" : "after", described(transaction, record))},
          findings);
}

void TargetRule::look_at(const wal::WalRecord& record, Findings& findings) const {
  findings.end = record.end;
  if (target_.kind == TargetKind::lsn && record.start >= lsn_ && !findings.stop) {
    findings.stop =
        Stop{target_.inclusive ? record.end : record.start, record.start,
             fmt::format("{} the record at {}", target_.inclusive ? "after" : "before", to_string(record.start))};
  }
  if (target_.kind == TargetKind::xid && record.xid == xid_) {
    findings.seen = true;
    findings.prepared = findings.prepared || is_prepare(record);
  }
  if (const auto transaction = parse_transaction_end(record, major_)) {
    look_at(*transaction, record, findings);
    return;
  }
  if (!findings.minimal && begins_minimal_wal(record)) findings.minimal = record.start;
  if (auto creation = parse_tablespace_creation(record)) findings.tablespaces.push_back(std::move(*creation));
  if (target_.kind != TargetKind::name) return;
  const auto point = parse_restore_point(record);
  if (!point || point->name != target_.value) return;
  findings.points.push_back({record.start, point->time});
  stop_at({record.end, record.start,
           fmt::format("after restore point \"{}\" at {} ({})", point->name, to_string(record.start),
                       to_rfc3339(point->time))},
          findings);
}

Findings search(wal::RecordReader& reader, const TargetRule& rule, std::optional<Lsn> to) {
  Findings findings;
  while ((!findings.stop && !findings.beyond) || rule.kind() == TargetKind::name) {
    const auto record = reader.next();
    if (!record) {
      findings.wal_ended = true;
      findings.end = reader.end();
      break;
    }
    if (to && record->start >= *to) break;
    rule.look_at(*record, findings);
  }
  return findings;
}

Findings read_tail(wal::RecordReader& reader, Lsn from, Lsn until) {
  const auto segment_bytes = reader.archive().segment_size().bytes();
  Findings tail;
  tail.end = from;
  auto behind = until;  // of what was not read yet
  while (behind > from) {
    const auto before = behind.position_bytes() - 1;
    const auto begin = std::max(from, Lsn(before - before % segment_bytes));
    if (begin == from) {
      reader.begin_at(from);
    } else {
      reader.begin_in_segment_of(begin);
    }
    while (const auto record = reader.next()) {
      if (record->start >= behind) break;
      tail.end = std::max(tail.end, record->end);
      if (const auto transaction = parse_transaction_end(*record, reader.major())) {
        take_down(*transaction, *record, tail);
      }
    }
    if (tail.last) break;
    behind = begin;
  }
  return tail;
}

}  // namespace backup_engine::restore
