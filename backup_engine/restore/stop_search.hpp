// Where PostgreSQL would stop: its rules for each kind of recovery target, applied to the records of the WAL held
// before anything is restored. Source of the rules: recoveryStopsBefore and recoveryStopsAfter in PostgreSQL's
// src/backend/access/transam/xlogrecovery.c. Defined in docs/recovery-targets.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backup_engine/restore.hpp"
#include "backup_engine/wal/record_reader.hpp"

namespace backup_engine::restore {

struct Stop {
  postgres::Lsn position;  // everything before it is replayed; a backup whose stop lies behind it cannot be used
  postgres::Lsn record;    // the start of the record that decides
  std::string text;        // "before the commit of transaction 755 at 0/3000110 (2026-11-20T02:15:00.000000Z)"
};

struct EndedTransaction {
  std::uint32_t xid = 0;
  base::UtcTime time;
  postgres::Lsn record;
};

struct NamedPoint {
  postgres::Lsn record;
  base::UtcTime time;
};

// What one stretch of WAL told.
struct Findings {
  std::optional<Stop> stop;                          // the first
  std::optional<EndedTransaction> last;              // in the order of WAL
  std::optional<EndedTransaction> latest;            // by its time, which goes backwards at times
  std::vector<NamedPoint> points;                    // of the name asked for; the first is the stop
  std::vector<wal::TablespaceCreation> tablespaces;  // that are created there
  std::optional<postgres::Lsn> minimal;              // where wal_level = minimal begins: no recovery goes past it
  std::optional<Stop> beyond;                        // what would be the stop, if it did not lie past that
  std::optional<std::uint32_t> parent;               // of the transaction asked for, when it is a subtransaction
  bool seen = false, prepared = false;               // of the transaction asked for
  bool wal_ended = false;                            // before the stretch did
  postgres::Lsn end;                                 // of the last record looked at
};

class TargetRule {
 public:
  // `target` is spelled for PostgreSQL and has a position: time, lsn, xid or name.
  TargetRule(const RecoveryTarget& target, int major);

  [[nodiscard]] TargetKind kind() const { return target_.kind; }
  // Looks at one record: takes down what it tells, and the stop when it is the first. An LSN is looked for wherever it
  // lies: what is read before its record may lie before the backup.
  void look_at(const wal::WalRecord& record, Findings& findings) const;

 private:
  void look_at(const wal::TransactionEnd& transaction, const wal::WalRecord& record, Findings& findings) const;
  [[nodiscard]] bool reached_by(const wal::TransactionEnd& transaction) const;

  RecoveryTarget target_;
  int major_;
  base::UtcTime time_;
  postgres::Lsn lsn_;
  std::uint32_t xid_ = 0;
};

// From where `reader` stands to the first stop, or to `to` (nullopt: to the end of WAL). A restore point's name is
// looked for up to `to` in any case, because it can occur again.
[[nodiscard]] Findings search(wal::RecordReader& reader, const TargetRule& rule, std::optional<postgres::Lsn> to);

// The last transaction that ended in the WAL from `from` until `until`, and where its last whole record ends. Reads
// backwards, a segment at a time.
[[nodiscard]] Findings read_tail(wal::RecordReader& reader, postgres::Lsn from, postgres::Lsn until);

}  // namespace backup_engine::restore
