// What can be recovered, told from what was found sound: whether records of WAL go on from a backup's start to its
// stop, and which points its recovery can reach on each timeline. Rules of recovery: docs/recovery-targets.md.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backup_engine/store/manifest.hpp"
#include "backup_engine/verify/findings.hpp"
#include "backup_engine/wal/record_walk.hpp"
#include "backup_engine/wal/timeline_path.hpp"
#include "backup_engine/wal/wal_archive.hpp"
#include "backup_engine/wal/wal_record.hpp"
#include "backup_engine/wal_check.hpp"

namespace backup_engine::verify {

// What the records of a backup's own WAL told.
struct OwnWal {
  std::string wrong;  // empty when they are whole
  std::vector<CopiedDatabase> copied_databases;
};

class ReachCheck {
 public:
  // `sound`: the stretches of WAL without damage. What damage must not repeat was found before. All outlive this.
  ReachCheck(store::Storage& storage, const std::string& cluster, postgres::SegmentSize size,
             std::vector<wal::WalRange> sound, Findings& findings);

  // Reads every history and every recorded gap; those that cannot be read are findings, and so is a history that is
  // missing.
  void read_timelines();
  // Walks the records of the backup's own WAL. What is wrong is a finding too.
  [[nodiscard]] OwnWal walk(const store::Manifest& manifest);
  // That the newest WAL is of use to one of `backups`, as wal check judges it: from names, and from where spans() met
  // WAL of wal_level = minimal. If it is not, the hole before it, or that record, is a finding, unless damage or a
  // history that is missing says so already.
  void check_newest(const std::vector<BackupSummary>& backups);
  // One list for each of `backups`, which are in order of their start. Walks the records of all WAL that they promise,
  // on `jobs` threads: a span ends where they end, and where WAL goes on behind that is a finding; it also ends where
  // wal_level = minimal begins.
  [[nodiscard]] std::vector<std::vector<RecoverySpan>> spans(const std::vector<BackupSummary>& backups, unsigned jobs);

 private:
  struct Walked {
    postgres::TimelineId timeline;  // to which the path leads
    postgres::Lsn from, until, end;
  };
  struct Tail {
    postgres::Lsn until;
    std::optional<postgres::Lsn> record;  // the last that ends a transaction
    base::UtcTime time;
  };
  [[nodiscard]] wal::TimelinePath path_of(postgres::TimelineId timeline) const;
  [[nodiscard]] std::optional<WalOutOfReach> newest_out_of_reach(const std::vector<BackupSummary>& backups);
  [[nodiscard]] std::string object_of(const WalHole& hole) const;
  [[nodiscard]] std::string object_at(postgres::TimelineId timeline, postgres::Lsn position) const;
  void read_histories();
  void read_history(postgres::TimelineId timeline);
  // Empty, or what is wrong. Adds what the records tell of databases.
  [[nodiscard]] std::string walk_records(const BackupSummary& summary, std::vector<wal::DatabaseChange>& databases);
  // Nothing when the timeline cannot be reached. Throws Error(corrupt) when parts of a segment contradict each other.
  [[nodiscard]] std::optional<RecoverySpan> span_of(postgres::TimelineId timeline, postgres::Lsn by_name,
                                                    const BackupSummary& backup, unsigned jobs);
  [[nodiscard]] postgres::Lsn records_end(postgres::TimelineId timeline, postgres::Lsn until,
                                          const BackupSummary& backup, unsigned jobs);
  void take_down(const wal::TimelinePath& path, const std::vector<wal::MinimalWal>& minimal);
  [[nodiscard]] postgres::Lsn begin_of_walk(const wal::TimelinePath& path, const BackupSummary& backup) const;
  [[nodiscard]] const Tail& tail_of(postgres::TimelineId timeline, postgres::Lsn until, const BackupSummary& backup);

  store::Storage& storage_;
  const std::string cluster_;
  wal::WalArchive archive_;
  const std::vector<wal::WalRange> sound_;
  Findings& findings_;
  std::map<postgres::TimelineId, std::vector<postgres::TimelineSwitch>> histories_;
  std::vector<std::pair<wal::WalGap, std::string>> gaps_;
  std::vector<Walked> walked_;
  std::vector<std::pair<postgres::TimelineId, postgres::Lsn>> minimal_;  // where wal_level = minimal begins, in order
  std::map<postgres::TimelineId, Tail> tails_;
};

}  // namespace backup_engine::verify
