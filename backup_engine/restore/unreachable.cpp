#include "backup_engine/restore/unreachable.hpp"

#include <fmt/format.h>

#include "backup_engine/refusal.hpp"
#include "backup_engine/restore/candidates.hpp"
#include "backup_engine/restore/target_value.hpp"

namespace backup_engine::restore {

using base::Error;
using base::ErrorKind;
using base::to_rfc3339;

namespace {

std::string target_text(const RecoveryTarget& target) {
  switch (target.kind) {
    case TargetKind::end_of_wal:
      return "the end of WAL";
    case TargetKind::immediate:
      return "the backup's own consistent point";
    case TargetKind::name:
      return fmt::format("restore point \"{}\"", target.value);
    case TargetKind::time:
      return "time " + target.value;
    case TargetKind::lsn:
      return "LSN " + target.value;
    case TargetKind::xid:
      return "transaction " + target.value;
  }
  return target.value;
}

std::string transaction_text(const EndedTransaction& transaction) {
  return fmt::format("transaction {} at {} ({})", transaction.xid, to_string(transaction.record),
                     to_rfc3339(transaction.time));
}

std::string backup_text(const BackupSummary& backup) {
  return fmt::format("the end of backup {} at {} ({})", backup.label, to_string(backup.stop_lsn),
                     to_rfc3339(end_time(backup)));
}

// Where there is more than one way to look.
std::string on_the_way(const Unreachable& facts) {
  return facts.others.empty() ? "" : fmt::format(" on the way to timeline {}", facts.timeline.number());
}

std::string why_transaction_is_not_found(const Unreachable& facts) {
  if (facts.search.parent) {
    return fmt::format(
        "it is a subtransaction of transaction {}, and recovery stops only where a whole transaction ends",
        *facts.search.parent);
  }
  if (facts.search.prepared) return "it was prepared, and neither committed nor rolled back in the WAL held";
  if (facts.search.seen) return "it had not ended yet where the WAL held ends";
  return fmt::format("no transaction of this id ended{} since backup {} began", on_the_way(facts), facts.oldest.label);
}

std::string why_time_is_not_reached(const Unreachable& facts) {
  const std::string rule = "PostgreSQL stops at a time only before a commit or rollback that is later";
  if (!facts.search.latest) return rule + ", and no transaction ended since the backup";
  return fmt::format("{}, and the latest is {}", rule, transaction_text(*facts.search.latest));
}

postgres::Lsn last_before(const std::vector<MinimalStretch>& minimal, postgres::Lsn record) {
  auto last = minimal.front().begin;
  for (const auto& stretch : minimal) {
    if (stretch.begin <= record) last = stretch.begin;
  }
  return last;
}

std::string why(const Unreachable& facts) {
  const auto& target = facts.request.target;
  if (target.kind == TargetKind::time && parse_target_time(target.value) < end_time(facts.oldest)) {
    return "it lies before " + backup_text(facts.oldest);
  }
  if (facts.beyond) {
    return fmt::format(
        "recovery would stop {}, and at {} the server was started with wal_level = minimal: PostgreSQL recovers "
        "nothing past that from a backup taken before it",
        facts.beyond->text, to_string(last_before(facts.minimal, facts.beyond->record)));
  }
  if (facts.stop) return fmt::format("recovery would stop {}, before {}", facts.stop->text, backup_text(facts.oldest));
  switch (target.kind) {
    case TargetKind::name:
      return fmt::format("no restore point of this name was made{} since backup {} began", on_the_way(facts),
                         facts.oldest.label);
    case TargetKind::time:
      return why_time_is_not_reached(facts);
    case TargetKind::xid:
      return why_transaction_is_not_found(facts);
    case TargetKind::lsn:
      if (postgres::parse_lsn(target.value) < facts.oldest.stop_lsn) {
        return "it lies before " + backup_text(facts.oldest);
      }
      return fmt::format("the last record in the WAL held ends at {}", to_string(facts.tail.end));
    case TargetKind::end_of_wal:
    case TargetKind::immediate:
      break;
  }
  return "it is not in the WAL held";
}

bool ends_in_minimal(const Unreachable& facts) {
  return !facts.minimal.empty() && facts.minimal.back().next == nullptr;
}

std::string what_can_be_reached(const Unreachable& facts) {
  auto text = fmt::format("What can be reached: from {} up to {}, where {}", backup_text(facts.oldest),
                          to_string(facts.tail.end),
                          ends_in_minimal(facts) ? "wal_level = minimal begins" : "the WAL held ends");
  if (facts.tail.last) {
    text += fmt::format("; its last commit or rollback is that of {}", transaction_text(*facts.tail.last));
  }
  if (facts.wal_held_again) {
    text += fmt::format("; WAL is missing from there to {}", to_string(*facts.wal_held_again));
  }
  for (const auto& stretch : facts.minimal) {
    if (stretch.next == nullptr) continue;
    text += fmt::format("; not from {}, where wal_level = minimal begins, to {}", to_string(stretch.begin),
                        backup_text(*stretch.next));
  }
  return text + ".";
}

std::string advice(const Unreachable& facts) {
  const auto& target = facts.request.target;
  if (!facts.request.backup_label.empty())
    return " Without --backup the newest one that can reach the target is taken.";
  if (facts.search.parent) return fmt::format(" Give transaction {} instead.", *facts.search.parent);
  if (!facts.others.empty() && !facts.stop && (target.kind == TargetKind::name || target.kind == TargetKind::xid)) {
    return fmt::format(" WAL that does not lie on this way is held too: --target-timeline {} looks there.",
                       facts.others.rbegin()->number());
  }
  if (ends_in_minimal(facts)) return " What was written behind that only a new backup holds: take one.";
  const bool behind_the_end = !facts.stop && (target.kind == TargetKind::time || target.kind == TargetKind::lsn);
  return behind_the_end ? " Without a target recovery takes everything up to the end." : "";
}

// A stop that lies behind a gap was not found, and may be there.
std::string_view reason_for(const Unreachable& facts) {
  if (facts.beyond) return refusal::wal_minimal;
  return facts.wal_held_again && !facts.stop ? refusal::wal_gap : refusal::target_unreachable;
}

}  // namespace

base::Refusal describe_unreachable(const Unreachable& facts) {
  const bool other_backup = !facts.request.backup_label.empty();
  return {reason_for(facts),
          Error(other_backup ? ErrorKind::usage : ErrorKind::not_found,
                fmt::format("cannot recover {} to {}{}: {}", facts.request.cluster, target_text(facts.request.target),
                            other_backup ? fmt::format(" from backup {}", facts.request.backup_label) : "", why(facts)))
              .with_remedy(what_can_be_reached(facts) + advice(facts))};
}

}  // namespace backup_engine::restore
