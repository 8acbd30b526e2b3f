// A real server, a repository beside it, and a receiver on a thread of its own, for the tests of WAL.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "backup_engine/repository.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/wal.hpp"
#include "backup_engine/wal/wal_ranges.hpp"
#include "tests/pg/server/disposable_cluster.hpp"

namespace tests {

// receive_wal until stop() or the end of its life.
class RunningReceiver {
 public:
  explicit RunningReceiver(backup_engine::WalReceiveRequest request);
  ~RunningReceiver();
  RunningReceiver(const RunningReceiver&) = delete;
  RunningReceiver& operator=(const RunningReceiver&) = delete;

  void stop();  // rethrows what the receiver threw
  void wait_until_durable(backup_engine::postgres::Lsn lsn);
  [[nodiscard]] bool said(const std::string& text) const;
  void wait_until_said(const std::string& text);
  [[nodiscard]] std::string told() const;

 private:
  [[nodiscard]] bool ended() const { return ended_; }

  std::atomic<std::uint64_t> durable_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> events_;
  std::exception_ptr failure_;
  std::atomic<bool> ended_ = false;
  std::jthread thread_;
};

class Receiving : public harness::server::DisposableCluster {
 protected:
  using Lsn = backup_engine::postgres::Lsn;
  using TimelineId = backup_engine::postgres::TimelineId;

  Receiving();

  // Starts or restarts the server; connections by way of conninfo() follow it.
  void start(const std::map<std::string, std::string>& settings = {});
  // The same for a cluster with segments of this size.
  void make_cluster_with_segments(int megabytes);
  [[nodiscard]] std::string conninfo() const;
  [[nodiscard]] backup_engine::WalReceiveRequest request(
      backup_engine::SlotAction action = backup_engine::SlotAction::create) const;

  [[nodiscard]] std::string ask(const std::string& sql) const;
  void execute(const std::string& sql) const;
  [[nodiscard]] Lsn flushed() const;
  // Writes about this much WAL in many transactions.
  void write_wal(int megabytes) const;
  // PostgreSQL's own load, in the background, until the server goes.
  [[nodiscard]] harness::process::Subprocess start_pgbench() const;

  [[nodiscard]] backup_engine::store::Storage& storage();
  [[nodiscard]] std::vector<backup_engine::wal::WalRange> ranges();
  [[nodiscard]] Lsn durable_end(TimelineId timeline = TimelineId(1));
  // Fetches every segment of the range and compares it with the server's own file, byte for byte. Returns how many.
  int compare_with_server(const backup_engine::wal::WalRange& range);
  [[nodiscard]] backup_engine::WalFetchOutcome fetch(const std::string& name) const;

  std::filesystem::path repository_, socket_link_;
  std::optional<harness::server::Server> server_;
  std::unique_ptr<backup_engine::store::Storage> storage_;
};

}  // namespace tests
