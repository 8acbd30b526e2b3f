#include "harness/workload/ledger_journal.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace harness::workload {

using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using reports::record::LedgerEvent;
using reports::record::LedgerRecord;

namespace {
// Writers wait beyond this: a disk that stands still must not eat the memory.
constexpr std::size_t pending_limit_bytes = 16U << 20U;
}  // namespace

LedgerJournal::LedgerJournal(const std::filesystem::path& file, backup_engine::base::FileSystem& file_system)
    : file_(file_system.create(file, 0600)) {
  file_system.sync_directory(file.parent_path());
  thread_ = std::thread([this] { sync_groups(); });
}

LedgerJournal::~LedgerJournal() {
  try {
    close();
  } catch (const Error&) {
    // Whoever wants to know calls close().
  }
}

void LedgerJournal::throw_if_failed() const {
  if (failure_) throw Error(*failure_);
}

void LedgerJournal::append(const LedgerRecord& record) {
  const auto line = encode(record);
  std::unique_lock lock(mutex_);
  synced_.wait(lock, [&] { return failure_ || closing_ || pending_.size() < pending_limit_bytes; });
  throw_if_failed();
  if (closing_) throw Error(ErrorKind::internal, "the ledger journal is closed: a record came after its end");
  pending_ += line;
  appended_bytes_ += line.size();
  if (record.event == LedgerEvent::acknowledged) ++pending_acknowledged_;
  if (record.event == LedgerEvent::attempt) highest_id_ = std::max(highest_id_, record.id);
  lock.unlock();
  appended_.notify_one();
}

void LedgerJournal::wait_durable(const Deadline& deadline, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const auto wanted_bytes = appended_bytes_;
  const auto there =
      synced_.wait_for(lock, stop, deadline.remaining(), [&] { return failure_ || durable_bytes_ >= wanted_bytes; });
  throw_if_failed();
  if (there) return;
  if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted while the ledger journal was synced");
  throw Error(ErrorKind::timed_out, "gave up waiting for the ledger journal to reach the disk")
      .with_remedy("look for a disk that stands still below the drill directory");
}

void LedgerJournal::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  appended_.notify_all();
  synced_.notify_all();
  if (thread_.joinable()) thread_.join();
  throw_if_failed();
}

std::uint64_t LedgerJournal::durable_acknowledged() const {
  const std::lock_guard lock(mutex_);
  return durable_acknowledged_;
}

std::int64_t LedgerJournal::highest_id() const {
  const std::lock_guard lock(mutex_);
  return highest_id_;
}

void LedgerJournal::sync_groups() {
  std::string group;
  std::uint64_t written_bytes = 0;
  try {
    for (;;) {
      std::uint64_t acknowledged = 0;
      {
        std::unique_lock lock(mutex_);
        appended_.wait(lock, [&] { return closing_ || !pending_.empty(); });
        if (pending_.empty()) break;
        std::swap(group, pending_);
        acknowledged = std::exchange(pending_acknowledged_, 0);
      }
      file_->write_at(written_bytes, std::as_bytes(std::span(group)));
      file_->sync();
      written_bytes += group.size();
      group.clear();
      {
        const std::lock_guard lock(mutex_);
        durable_bytes_ = written_bytes;
        durable_acknowledged_ += acknowledged;
      }
      synced_.notify_all();
    }
    file_->close();
  } catch (const Error& error) {
    {
      const std::lock_guard lock(mutex_);
      // An acknowledgement that cannot be kept is none, so the load has to end.
      failure_ = Error(error.kind(), std::string("the ledger journal failed, so the load was stopped: ") + error.what())
                     .with_remedy("give the drill directory space and a healthy disk, and run the drill again");
    }
    synced_.notify_all();
  }
}

}  // namespace harness::workload
