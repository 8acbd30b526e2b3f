#include "harness/workload/ledger_journal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

#include "backup_engine/base/temporary_directory.hpp"

namespace harness::workload {
namespace {

using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::base::TemporaryDirectory;
using reports::record::LedgerEvent;
using reports::record::LedgerOutcome;
using reports::record::LedgerRecord;
using ::testing::HasSubstr;

LedgerRecord record_of(LedgerEvent event, std::int64_t id) {
  LedgerRecord record;
  record.event = event;
  record.id = id;
  record.time_microseconds = 1795140907250113 + id;
  record.xid = 700;
  record.digest = "5d41402abc4b2a76";
  return record;
}

Deadline soon() {
  return Deadline::after(std::chrono::seconds(30));
}

// While it lives, files of this process cannot grow beyond `size_bytes`: a full disk without a file system of its own.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t size_bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limited{size_bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limited);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

class LedgerJournalTest : public ::testing::Test {
 protected:
  TemporaryDirectory directory_{std::filesystem::temp_directory_path(), "lifeboat-ledger"};
  std::filesystem::path file_ = directory_.path() / "ledger.log";
};

TEST_F(LedgerJournalTest, KeepsWhatManyWritersAppendedAtOnce) {
  constexpr int writers = 8, transactions = 200;
  LedgerJournal journal(file_);
  {
    std::vector<std::jthread> threads;
    for (int writer = 0; writer < writers; ++writer) {
      threads.emplace_back([&, writer] {
        for (int n = 1; n <= transactions; ++n) {
          const auto id = std::int64_t{n} * 4096 + writer;
          journal.append(record_of(LedgerEvent::attempt, id));
          journal.append(record_of(n % 2 == 0 ? LedgerEvent::acknowledged : LedgerEvent::aborted, id));
        }
      });
    }
  }
  journal.close();

  EXPECT_EQ(journal.durable_acknowledged(), writers * transactions / 2U);
  EXPECT_EQ(journal.highest_id(), transactions * 4096 + writers - 1);
  std::size_t acknowledged = 0;
  const auto ledger = reports::record::read_ledger(file_);
  for (const auto& transaction : ledger) acknowledged += transaction.outcome == LedgerOutcome::acknowledged ? 1U : 0U;
  EXPECT_EQ(ledger.size(), static_cast<std::size_t>(writers * transactions));
  EXPECT_EQ(acknowledged, static_cast<std::size_t>(writers * transactions / 2));
}

TEST_F(LedgerJournalTest, HasOnDiskWhatItSaysIsDurable) {
  LedgerJournal journal(file_);
  journal.append(record_of(LedgerEvent::attempt, 4096));
  journal.append(record_of(LedgerEvent::acknowledged, 4096));
  journal.wait_durable(soon());
  EXPECT_EQ(journal.durable_acknowledged(), 1U);
  const auto ledger = reports::record::read_ledger(file_);  // the journal is still open
  ASSERT_EQ(ledger.size(), 1U);
  EXPECT_EQ(ledger[0].outcome, LedgerOutcome::acknowledged);
}

// A file system whose files take every write and fail to sync: nothing may count.
class Unsyncable final : public backup_engine::base::WritableFile {
 public:
  void write_at(std::uint64_t, std::span<const std::byte>) override {}
  void resize(std::uint64_t) override {}
  void sync() override { throw Error(ErrorKind::io, "cannot sync"); }
  void close() override {}
};

TEST_F(LedgerJournalTest, CountsNothingThatWasWrittenButNotSynced) {
  struct Disk : backup_engine::base::FileSystem {
    std::unique_ptr<backup_engine::base::WritableFile> create(const std::filesystem::path&, mode_t) override {
      return std::make_unique<Unsyncable>();
    }
    std::unique_ptr<backup_engine::base::WritableFile> open(const std::filesystem::path&) override { return {}; }
    void rename(const std::filesystem::path&, const std::filesystem::path&) override {}
    void rename_if_absent(const std::filesystem::path&, const std::filesystem::path&) override {}
    void remove(const std::filesystem::path&) override {}
    void create_directory(const std::filesystem::path&, mode_t) override {}
    void create_symlink(const std::filesystem::path&, const std::filesystem::path&) override {}
    void set_owner(const std::filesystem::path&, uid_t, gid_t) override {}
    void set_mode(const std::filesystem::path&, mode_t) override {}
    void sync_directory(const std::filesystem::path&) override {}
    std::unique_ptr<backup_engine::base::HeldFileSystem> hold(const std::filesystem::path&) override { return {}; }
  } disk;
  LedgerJournal journal(file_, disk);
  journal.append(record_of(LedgerEvent::attempt, 4096));
  try {
    journal.append(record_of(LedgerEvent::acknowledged, 4096));
    journal.wait_durable(soon());
    FAIL() << "the failed sync was silent";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
  }
  EXPECT_EQ(journal.durable_acknowledged(), 0U);
  EXPECT_THROW(journal.close(), Error);
}

TEST_F(LedgerJournalTest, StopsWithAnErrorWhenTheDiskIsFull) {
  const FileSizeLimit full(4096);
  LedgerJournal journal(file_);
  try {
    for (std::int64_t n = 1; n <= 10000; ++n) journal.append(record_of(LedgerEvent::attempt, n * 4096));
    journal.wait_durable(soon());
    FAIL() << "the full disk was silent";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("ledger journal failed"));
    EXPECT_THAT(error.what(), HasSubstr(file_.string()));
    EXPECT_FALSE(error.remedy().empty());
  }
  EXPECT_THROW(journal.append(record_of(LedgerEvent::acknowledged, 4096)), Error);
  EXPECT_THROW(journal.close(), Error);
}

TEST_F(LedgerJournalTest, RefusesRecordsAfterItsEnd) {
  LedgerJournal journal(file_);
  journal.close();
  EXPECT_THROW(journal.append(record_of(LedgerEvent::attempt, 4096)), Error);
  EXPECT_NO_THROW(journal.close());
}

TEST_F(LedgerJournalTest, RefusesAFileThatExists) {
  { const LedgerJournal first(file_); }
  try {
    const LedgerJournal second(file_);
    FAIL() << "an old ledger was taken over";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::already_exists);
  }
}

}  // namespace
}  // namespace harness::workload
