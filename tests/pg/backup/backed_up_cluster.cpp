#include "tests/pg/backup/backed_up_cluster.hpp"

#include <unistd.h>

#include <cerrno>

#include "backup_engine/base/error.hpp"
#include "backup_engine/wal.hpp"

namespace backup_engine {

namespace fs = std::filesystem;
using harness::server::Server;
using harness::server::ServerOptions;
using harness::server::soon;

BackedUpCluster::BackedUpCluster() {
  init_repository({repository().string()});
  let_server_user_read_repository();  // and what comes into it is its owner's
  // The restored server's user must reach what restore_command runs, wherever the build lies.
  fs::copy_file(WAL_FETCH_COMMAND, directory_.path() / "wal_fetch_command");
}

BackedUpCluster::~BackedUpCluster() {
  receiver_.request_stop();
  if (receiver_.joinable()) receiver_.join();
  EXPECT_EQ(receiver_error_, "");
}

void BackedUpCluster::start_source() {
  start_source(options());
}

void BackedUpCluster::start_source(const ServerOptions& wanted) {
  source_.emplace(started(wanted));
}

void BackedUpCluster::receive_wal() {
  WalReceiveRequest request;
  request.repository = {repository().string()};
  request.cluster = "main";
  request.conninfo = source_->conninfo();
  request.slot = "lifeboat";
  request.slot_action = SlotAction::create;
  {
    const std::lock_guard lock(mutex_);
    durable_ = {};  // another timeline may be shorter
    receiver_streams_ = false;
  }
  request.on_streaming = [this] {
    const std::lock_guard lock(mutex_);
    receiver_streams_ = true;
  };
  request.on_durable = [this](postgres::Lsn lsn) {
    const std::lock_guard lock(mutex_);
    durable_ = lsn;
  };
  receiver_ = std::jthread([this, request](const std::stop_token& stop) {
    try {
      backup_engine::receive_wal(request, stop);
    } catch (const base::Error& error) {
      const std::lock_guard lock(mutex_);
      receiver_error_ = describe(error);
    }
  });
  base::poll_until(soon(), "the receiver to stream", [&]() -> std::optional<std::string> {
    const std::lock_guard lock(mutex_);
    if (receiver_streams_ || !receiver_error_.empty()) return std::nullopt;
    return "not yet";
  });
}

void BackedUpCluster::wait_for_all_wal() {
  const auto flushed = postgres::parse_lsn(ask("SELECT pg_current_wal_flush_lsn()")).value();
  base::poll_until(soon(), "WAL up to " + to_string(flushed), [&]() -> std::optional<std::string> {
    const std::lock_guard lock(mutex_);
    if (durable_ >= flushed) return std::nullopt;
    return receiver_error_.empty() ? to_string(durable_) : receiver_error_;
  });
}

void BackedUpCluster::stop_receiving() {
  receiver_.request_stop();
  receiver_.join();
}

void BackedUpCluster::lose_source() {
  wait_for_all_wal();
  stop_receiving();
  source_->kill();
}

BackupRequest BackedUpCluster::backup_request() const {
  BackupRequest request;
  request.repository = {repository().string()};
  request.cluster = "main";
  request.conninfo = source_->conninfo();
  if (!streaming_) request.pgdata = source_->options().data_directory;
  request.jobs = 2;
  return request;
}

BackupResult BackedUpCluster::back_up() {
  base::NoProgress progress;
  return take_backup(backup_request(), progress);
}

RestoreRequest BackedUpCluster::restore_request() const {
  RestoreRequest request;
  request.repository = {repository().string()};
  request.cluster = "main";
  request.to = restored();
  request.jobs = 2;
  request.lifeboat = directory_.path() / "wal_fetch_command";
  return request;
}

void BackedUpCluster::let_server_user_read_repository() const {
  if (!user_) return;
  const auto give = [this](const fs::path& path) {
    // A receiver may rename or remove what was listed.
    if (::lchown(path.c_str(), user_->uid, user_->gid) != 0) {
      ASSERT_EQ(errno, ENOENT) << path;
    }
  };
  give(repository());
  std::error_code gone;
  for (auto each = fs::recursive_directory_iterator(repository(), gone); each != fs::end(each); each.increment(gone)) {
    give(each->path());
  }
}

RestoreResult BackedUpCluster::restore(const RestoreRequest& request) {
  let_server_user_read_repository();
  base::NoProgress progress;
  auto result = restore_backup(request, progress);
  EXPECT_EQ(verify_backup(request.to), "exit code 0: backup successfully verified\n");
  return result;
}

ServerOptions BackedUpCluster::restored_options() const {
  ServerOptions wanted;
  wanted.installation = harness::server::test_installation();
  wanted.data_directory = restored();
  wanted.log_file = directory_.path() / "restored.log";
  wanted.settings["recovery_init_sync_method"] = "syncfs";  // the restore synced everything
  wanted.run_as = user_;
  return wanted;
}

Server BackedUpCluster::start_restored(std::map<std::string, std::string> settings) {
  auto wanted = restored_options();
  wanted.settings.merge(settings);
  try {
    return started(wanted);
  } catch (const base::Error& error) {
    ADD_FAILURE() << describe(error);
    throw;
  }
}

void BackedUpCluster::wait_until_promoted(Server& server) {
  base::poll_until(soon(), "the end of recovery", [&]() -> std::optional<std::string> {
    if (server.connect().query("SELECT pg_is_in_recovery()").single() == "f") return std::nullopt;
    return "in recovery";
  });
}

std::string BackedUpCluster::verify_backup(const fs::path& directory) const {
  const auto installation = harness::server::test_installation();
  harness::process::Command command;
  command.program = installation.program("pg_verifybackup");
  command.arguments = {"-n", directory.string()};
  const auto done = harness::process::run(command, soon());
  return to_text(done.status) + ": " + done.output;
}

}  // namespace backup_engine
