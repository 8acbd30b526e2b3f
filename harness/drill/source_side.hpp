// The source of a drill and everything that lives beside it: dataset, load, ledger, witness, repository and WAL
// receiver. A disaster may end it, or harm only what it holds: then it lives on through the rest of the timeline, until
// it is shut down or, for a partial restore, repaired.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "harness/backup/engine_backup.hpp"
#include "harness/backup/wal_archiver.hpp"
#include "harness/disaster/disaster.hpp"
#include "harness/drill/drill_directory.hpp"
#include "harness/drill/observer.hpp"
#include "harness/drill/timeline_points.hpp"
#include "harness/drill/workplace.hpp"
#include "harness/plan/plan.hpp"
#include "harness/restore/served_wal.hpp"
#include "harness/server/server.hpp"
#include "harness/server/standby.hpp"
#include "harness/server/wal_witness.hpp"
#include "harness/verify/cluster.hpp"
#include "harness/workload/load.hpp"
#include "reports/record/evidence.hpp"
#include "reports/record/journal.hpp"
#include "reports/record/mark.hpp"
#include "reports/record/report.hpp"

namespace harness::drill {

// What a drill's parts are handed. All outlive the parts.
struct Context {
  const plan::Plan& plan;
  const DrillDirectory& directory;
  Workplace& workplace;
  reports::record::Journal& journal;
  Observer& observer;
  std::stop_token stop;

  // Tells the journal and whoever watches that a step begins.
  void step(std::string_view event, std::string_view text) const;
};

// What probes connect to. The server must outlive it.
[[nodiscard]] verify::Cluster cluster_of(const server::Server& server, const workload::Dataset& dataset);

// The same of a restored server, and no more of it than the scenario restores: of one database only that.
[[nodiscard]] verify::Cluster view_of(const Context& context, const server::Server& server,
                                      const std::string& database);

// What is restored, from where, and how the server that comes of it is reached.
struct Origin {
  backup::Repository repository;
  std::string database;        // that probes connect to first
  std::string backup_label{};  // empty: the engine chooses
  std::string superuser = "postgres";
  std::filesystem::path wal_socket{};  // where WAL is served to that server; empty: it reads the repository itself
  bool foreign =
      false;  // a cluster made elsewhere: its owner, access rules, settings and tablespaces are another host's
};

// Of a running server, those settings that a reader of the report wants to know (fsync, data_checksums …).
[[nodiscard]] std::map<std::string, std::string> telling_settings(const server::Server& server);

// Whether the restore goes into the source that lives on, and not into a server of its own.
[[nodiscard]] bool restores_into_source(const scenario::Restore& restore);

class SourceSide {
 public:
  // Provisions and starts the source, loads the dataset, starts witness, repository and receiver. Throws base::Error.
  explicit SourceSide(Context context);

  // Plays the scenario's timeline in order. Throws base::Error.
  void play();
  // False once a disaster has ended the server.
  [[nodiscard]] bool survived() { return server_->running(); }

  // What passed between the disaster and the restore, in seconds of the RTO: the rest of the timeline; then what it
  // took to bring source and receiver to their end. What only a drill does (the witness) is in neither.
  struct Spent {
    double detect = 0, end = 0;
  };
  // After play(), for a restore into the source that lives on: the load is held, and all WAL so far is acknowledged by
  // the receiver.
  [[nodiscard]] Spent hold();
  // After play() or hold(). The load ends. A source that lives on has all its WAL acknowledged by the receiver and is
  // shut down in good order. Then the receiver ends, syncing and acknowledging what it still had; throws
  // base::Error(process) when it could not, or the source ended badly.
  [[nodiscard]] Spent end();
  // After end(): from now on origin() says through which socket restored servers get their WAL, where they do not see
  // the repository. Where it cannot be served they are shown the repository.
  void serve_wal();

  // Alive, and only between play() and end().
  [[nodiscard]] const server::Server& server() const { return *server_; }

  [[nodiscard]] std::map<std::string, std::string> settings() const { return telling_settings(*server_); }
  [[nodiscard]] const std::vector<reports::record::BackupRecord>& backups() const { return backups_; }
  [[nodiscard]] const std::vector<reports::record::DisasterRecord>& disasters() const { return disasters_; }
  [[nodiscard]] const std::vector<reports::record::Mark>& marks() const { return marks_; }
  // Marks, restore points and the disasters, in order.
  [[nodiscard]] const std::vector<TimelinePoint>& points() const { return points_; }
  // What the WAL receiver or the archiver had acknowledged as durable when the source was about to end.
  [[nodiscard]] const std::string& acknowledged_lsn() const { return acknowledged_lsn_; }
  [[nodiscard]] const workload::Dataset& dataset() const { return dataset_; }
  [[nodiscard]] Origin origin() const;
  // Commits and aborts of the whole timeline, in WAL order, as the witness holds them once the source has ended.
  [[nodiscard]] std::vector<reports::record::CommitRecord> commits() const;
  // Full-named segments for pg_waldump, complete once the source has ended.
  [[nodiscard]] const std::filesystem::path& witness_directory() const;

 private:
  void start_server();
  void put_wal_on_volume();
  void start_witnesses();
  void start_receiver(const backup_engine::base::Deadline& limit);
  void make_commits_synchronous();
  void bring_home(const reports::record::Mark& mark);
  // By the WAL receiver or the archiver, durably.
  void wait_until_acknowledged(const std::string& lsn);
  void wait_for_the_last_wal();
  void note_acknowledged_wal();
  [[nodiscard]] std::optional<std::string> time_of_harm(const std::string& xid) const;
  void complete_witness();
  void end_load();
  void shut_down();
  void end_receiver();
  void play_step(const scenario::LoadStep& step);
  void play_step(const scenario::BackupStep& step);
  void play_step(const scenario::MarkStep& step);
  void play_step(const scenario::RestorePointStep& step);
  void play_step(const scenario::DisasterStep& step);
  // disaster_surroundings.cpp
  [[nodiscard]] disaster::Surroundings surroundings();
  [[nodiscard]] std::vector<std::filesystem::path> segment_files(const std::string& point);
  [[nodiscard]] std::vector<faults::ExpendableDirectory> newest_backups(int count) const;
  [[nodiscard]] std::string interrupt_backup(const std::string& type);
  void break_archiving();
  void mend_archiving();
  // failover.cpp
  void make_standby();
  void write_until_it_strikes();
  [[nodiscard]] std::string go_on_at_standby();
  void let_writers_connect_again();
  void let_wal_leave_again();

  Context context_;
  server::Installation installation_;
  std::shared_ptr<const process::Volume> wal_volume_;  // where a disaster fills the disk
  workload::Dataset dataset_;
  backup::Repository repository_;
  std::optional<server::Server> server_;
  std::optional<server::Server> standby_;  // for the time of a failover
  int failovers_ = 0;
  std::optional<server::WalWitness> witness_;
  std::optional<backup::WalReceiver> receiver_;  // one of the two
  std::optional<backup::WalArchiver> archiver_;
  std::optional<workload::LedgerJournal> ledger_;
  std::optional<workload::Load> load_;  // after the ledger: it is stopped first
  bool load_running_ = false;
  std::vector<reports::record::BackupRecord> backups_;
  std::vector<reports::record::DisasterRecord> disasters_;
  std::vector<reports::record::Mark> marks_;
  std::vector<TimelinePoint> points_;
  std::map<std::string, std::string> harmed_segments_;  // of the repository, by name: the point they were harmed for
  std::optional<backup_engine::base::UtcTime> harmed_at_, ended_at_;  // by the first disasters that did
  bool archiving_broken_ = false;
  double detect_seconds_ = 0;
  std::unique_ptr<restore::ServedWal> served_wal_;
  std::string acknowledged_lsn_;
};

}  // namespace harness::drill
