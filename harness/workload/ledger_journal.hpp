// The load's journal outside the database: evidence/ledger.log (docs/formats/ledger.md, reports/record/ledger.hpp).
// Group sync: writers append to memory; one thread writes what has gathered and syncs it, again and again, so that one
// fdatasync serves everyone who came meanwhile. Only what is on disk counts as acknowledged.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file_system.hpp"
#include "reports/record/ledger.hpp"

namespace harness::workload {

// Thread-safe, all of it.
class LedgerJournal {
 public:
  // Creates FILE, which must not exist. Throws base::Error.
  explicit LedgerJournal(const std::filesystem::path& file,
                         backup_engine::base::FileSystem& file_system = backup_engine::base::posix_file_system());
  ~LedgerJournal();  // close(), errors dropped: call close() to hear them
  LedgerJournal(const LedgerJournal&) = delete;
  LedgerJournal& operator=(const LedgerJournal&) = delete;

  // Cheap; waits only when the disk is many megabytes behind. Once a write or sync has failed, this and every function
  // below throws that base::Error: nothing that is appended afterwards could count.
  void append(const reports::record::LedgerRecord& record);
  // Blocks until all that was appended before the call is on disk. Throws Error(timed_out | interrupted) too.
  void wait_durable(const backup_engine::base::Deadline& deadline, const std::stop_token& stop = {});
  // Syncs what is left and ends the thread. Later appends throw Error(internal); a second close does nothing.
  void close();

  [[nodiscard]] std::uint64_t durable_acknowledged() const;  // acknowledgements on disk; never throws
  [[nodiscard]] std::int64_t highest_id() const;  // of all attempts appended, 0 before the first; never throws

 private:
  void sync_groups();
  void throw_if_failed() const;  // mutex_ held

  mutable std::mutex mutex_;
  std::condition_variable_any appended_, synced_;
  std::string pending_;
  std::uint64_t pending_acknowledged_ = 0, durable_acknowledged_ = 0;
  std::uint64_t appended_bytes_ = 0, durable_bytes_ = 0;
  std::int64_t highest_id_ = 0;
  bool closing_ = false;
  std::optional<backup_engine::base::Error> failure_;
  std::unique_ptr<backup_engine::base::WritableFile> file_;
  std::thread thread_;
};

}  // namespace harness::workload
