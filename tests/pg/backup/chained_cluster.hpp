// A cluster whose rows are digested, and backups of it that build on each other: for the tests of chains that live
// through what happens to servers and their files.
#pragma once

#include <unistd.h>

#include <string>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/remove_tree.hpp"
#include "tests/pg/backup/backed_up_cluster.hpp"

namespace backup_engine {

class ChainedCluster : public BackedUpCluster {
 protected:
  inline static const std::string digest_ =
      "SELECT count(*) || ':' || coalesce(md5(string_agg(t::text, ',' ORDER BY id)), '') FROM rows t";

  void make_rows() {
    // Autovacuum would change pages by itself, which the next incremental backup then holds.
    run("CREATE TABLE rows (id int PRIMARY KEY, filling text) WITH (autovacuum_enabled = false); "
        "INSERT INTO rows SELECT i, md5(i::text) || md5((i + 1)::text) FROM generate_series(1, 20000) i");
  }

  BackupSummary take(BackupType type) { return take_of(*source_, type); }

  // Of any server of the cluster.
  BackupSummary take_of(const harness::server::Server& server, BackupType type) {
    auto request = backup_request();
    request.type = type;
    request.conninfo = server.conninfo();
    if (!streaming_) request.pgdata = server.options().data_directory;
    base::NoProgress progress;
    return take_backup(request, progress).summary;
  }

  [[nodiscard]] harness::server::Server start_in(const std::string& name, std::map<std::string, std::string> settings) {
    auto wanted = restored_options();
    wanted.data_directory = directory_.path() / name;
    wanted.log_file = directory_.path() / (name + ".log");
    wanted.settings.merge(settings);
    try {
      return started(wanted);
    } catch (const base::Error& error) {
      ADD_FAILURE() << describe(error);
      throw;
    }
  }

  // Restores the backup to its own consistent point, has pg_verifybackup accept it, and asks the server that starts.
  // Only after lose_source(): WAL that a receiver takes meanwhile is not yet the server user's to read.
  std::string in_backup(const std::string& label, const std::string& question = digest_) {
    auto request = restore_request();
    request.backup_label = label;
    request.to = directory_.path() / "again";
    request.other_tablespaces = directory_.path() / "again_spaces";
    std::filesystem::create_directory(request.other_tablespaces);
    if (user_) {
      EXPECT_EQ(::chown(request.other_tablespaces.c_str(), user_->uid, user_->gid), 0);
    }
    request.target = {TargetKind::immediate, "", true, "", TargetAction::promote};
    restore(request);
    std::string answer;
    {
      auto server = start_in("again", {});
      wait_until_promoted(server);
      answer = server.connect().query(question).single();
    }
    EXPECT_FALSE(base::remove_tree(request.to));
    EXPECT_FALSE(base::remove_tree(request.other_tablespaces));
    return answer;
  }

  // A standby in the directory `name`, restored from the repository's newest backup, that streams from the source.
  [[nodiscard]] harness::server::Server start_standby(const std::string& name) {
    auto request = restore_request();
    request.to = directory_.path() / name;
    restore(request);
    std::filesystem::rename(request.to / "recovery.signal", request.to / "standby.signal");
    auto standby = start_in(name, {{"primary_conninfo", source_->conninfo()}, {"restore_command", ""}});
    wait_until_replayed(standby);
    return standby;
  }

  // Until `standby` has replayed what the source has flushed.
  void wait_until_replayed(harness::server::Server& standby) {
    const auto flushed = ask("SELECT pg_current_wal_flush_lsn()");
    base::poll_until(harness::server::soon(), "replay of " + flushed, [&]() -> std::optional<std::string> {
      const auto row = standby.connect().query("SELECT pg_last_wal_replay_lsn() >= '" + flushed +
                                               "', coalesce(pg_last_wal_replay_lsn()::text, 'nothing')")[0];
      if (row.at(0) == "t") return std::nullopt;
      return row.at(1);
    });
  }
};

}  // namespace backup_engine
