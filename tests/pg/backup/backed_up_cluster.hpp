// A cluster, a repository and a receiver of its WAL, for the tests of backups and restores.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "backup_engine/backup.hpp"
#include "backup_engine/restore.hpp"
#include "tests/pg/server/disposable_cluster.hpp"

namespace backup_engine {

class BackedUpCluster : public harness::server::DisposableCluster {
 protected:
  BackedUpCluster();
  ~BackedUpCluster() override;

  // Starts the source (data directory "data", unless options say otherwise).
  void start_source();
  void start_source(const harness::server::ServerOptions& wanted);
  // In a thread of its own, until the fixture goes or lose_source(). Returns when it streams: a slot that is made while
  // a checkpoint runs does not keep the WAL that the checkpoint removes.
  void receive_wal();
  void wait_for_all_wal();  // until the receiver made durable what the source has flushed
  void stop_receiving();
  void lose_source();  // receives the rest, kills the server; its data directory stays for comparison

  std::string ask(const std::string& sql) { return source_->connect().query(sql).single(); }
  void run(const std::string& sql) { source_->connect().execute(sql); }

  [[nodiscard]] BackupRequest backup_request() const;
  BackupResult back_up();
  [[nodiscard]] RestoreRequest restore_request() const;
  // Restores to "restored" and has pg_verifybackup accept it.
  RestoreResult restore(const RestoreRequest& request);
  [[nodiscard]] harness::server::ServerOptions restored_options() const;
  [[nodiscard]] harness::server::Server start_restored(std::map<std::string, std::string> settings = {});
  void wait_until_promoted(harness::server::Server& server);

  // A repository is its owner's alone; restore_command runs as the server's user.
  void let_server_user_read_repository() const;

  // pg_verifybackup -n: exit status and output.
  [[nodiscard]] std::string verify_backup(const std::filesystem::path& directory) const;

  [[nodiscard]] std::filesystem::path data() const { return directory_.path() / "data"; }
  [[nodiscard]] std::filesystem::path restored() const { return directory_.path() / "restored"; }
  [[nodiscard]] std::filesystem::path repository() const { return directory_.path() / "repository"; }

  std::optional<harness::server::Server> source_;
  bool streaming_ = false;  // backups come over the connection

 private:
  std::mutex mutex_;
  postgres::Lsn durable_;
  std::string receiver_error_;
  bool receiver_streams_ = false;
  std::jthread receiver_;
};

}  // namespace backup_engine
