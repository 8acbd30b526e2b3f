// A source whose WAL holds commits, aborts, prepared transactions and subtransactions of several sessions at once and a
// restore point twice, with a plain copy of it as a backup and its whole WAL in a folder; and recoveries from both by
// PostgreSQL alone.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "harness/verify/cluster.hpp"
#include "harness/verify/tool_runs.hpp"
#include "reports/record/evidence.hpp"
#include "reports/record/report.hpp"
#include "tests/pg/server/disposable_cluster.hpp"

namespace harness::verify {

struct Recovered {
  std::set<std::uint64_t> xids;  // of the transactions whose rows are there
  std::string reached_lsn;
  std::uint32_t reached_timeline = 1;
  reports::record::LedgerRows rows;  // id and xid
};

class ArchivedSource {
 public:
  static constexpr const char* restore_point = "here";

  ArchivedSource();
  // With a load of another kind, which runs when the backup has been taken.
  using Load = std::function<void(const server::Server&)>;
  explicit ArchivedSource(const Load& load);

  [[nodiscard]] const reports::record::BackupRecord& backup() const { return backup_; }
  [[nodiscard]] std::filesystem::path archive(const std::string& name = "archive") const {
    return directory_.path() / name;
  }
  // Every transaction of the load, whatever became of it, and those that were prepared and then committed.
  [[nodiscard]] const std::set<std::uint64_t>& loaded() const { return loaded_; }
  [[nodiscard]] const std::set<std::uint64_t>& prepared() const { return prepared_; }
  [[nodiscard]] ToolOptions tools() const;

  // nullopt: the server ended instead, with PostgreSQL's own words that the target was not reached.
  // `look` is called when the server is there; for "end_of_wal" the action is promote.
  using Look = std::function<void(const Cluster&)>;
  [[nodiscard]] std::optional<Recovered> recover(const std::string& name, const reports::record::RestoreTarget& target,
                                                 const std::string& action, const std::string& archive = "archive",
                                                 const Look& look = {}) const;
  // Recovers a copy to the target, promotes it and lets the load run there; then the folder `archive` holds the WAL of
  // both timelines.
  void branch_off(const reports::record::RestoreTarget& target, const Load& load, const std::string& archive) const;

 private:
  [[nodiscard]] server::ServerOptions options(const std::string& name) const;
  [[nodiscard]] server::ServerOptions recovery_options(const std::string& name,
                                                       const reports::record::RestoreTarget& target,
                                                       const std::string& action, const std::string& archive) const;
  static void wait_until_there(server::Server& server, const std::string& action);
  void copy(const std::string& from, const std::string& to) const;
  void take_backup(const server::Server& source);
  void load(const server::Server& source, int session, int transactions);
  void note(std::uint64_t xid, bool was_prepared);

  std::optional<process::OsUser> user_;
  server::OwnedDirectory directory_;
  reports::record::BackupRecord backup_;
  std::mutex mutex_;
  std::set<std::uint64_t> loaded_, prepared_;
};

}  // namespace harness::verify
