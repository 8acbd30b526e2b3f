// archive_command over a file system that fails at each of its operations in turn: where it succeeded, the segment is
// there even after a loss of power; where it failed, the next attempt succeeds and nothing else was harmed.
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/wal/push.hpp"
#include "tests/fault/faulty_file_system.hpp"
#include "tests/unit/backup_engine/wal/pg_wal_folder.hpp"
#include "tests/unit/backup_engine/wal/temporary_archive.hpp"

namespace backup_engine::wal {
namespace {

using postgres::Lsn;
using postgres::TimelineId;
using tests::Fault;
using tests::FaultyFileSystem;

constexpr TimelineId one{1};

// A repository that holds segment 2 and a receiver's part of 3; PostgreSQL hands over 3, behind which 4 is ready.
class Trial {
 public:
  Trial() {
    repository_.archive().put_segment({one, 2}, bytes_of(2));
    repository_.archive().put_part(one, Lsn(3 * megabyte), std::span(third_).first(1000));
    for (const std::uint64_t number : {3U, 4U}) folder_.mark_ready(folder_.put(name_of(number), bytes_of(number)));
    files_ = std::make_unique<FaultyFileSystem>(repository_.location().text);
  }

  [[nodiscard]] FaultyFileSystem& files() { return *files_; }

  // As archive_command says it: true is "I have it".
  bool push(base::FileSystem& file_system, std::uint64_t number) {
    WalPushRequest request;
    request.repository = repository_.location();
    request.cluster = TemporaryArchive::cluster;
    request.file = folder_.path() / name_of(number);
    request.ahead = 1;
    request.jobs = 1;
    try {
      (void)wal::push(request, file_system);
      return true;
    } catch (const base::Error&) {
      return false;
    }
  }

  void expect_fetched(std::uint64_t number) {
    ASSERT_EQ(repository_.fetch(name_of(number)), WalFetchOutcome::fetched) << name_of(number);
    ASSERT_TRUE(repository_.fetched() == text_of(bytes_of(number))) << name_of(number);
  }

 private:
  [[nodiscard]] std::string name_of(std::uint64_t number) const { return file_name({one, number}, repository_.size); }
  [[nodiscard]] std::vector<std::byte> bytes_of(std::uint64_t number) const {
    return segment_bytes({one, number}, repository_.size);
  }

  TemporaryArchive repository_;
  PgWalFolder folder_;
  const std::vector<std::byte> third_ = bytes_of(3);
  std::unique_ptr<FaultyFileSystem> files_;
};

TEST(PushFaults, WhatWasTakenSurvivesAndWhatWasNotIsTakenNextTime) {
  std::uint64_t operations = 0;
  {
    Trial whole;
    ASSERT_TRUE(whole.push(whole.files(), 3));
    operations = whole.files().operations();
    whole.expect_fetched(4);
  }
  ASSERT_GT(operations, 8U);
  for (const auto fault : tests::all_faults) {
    for (std::uint64_t operation = 1; operation <= operations; ++operation) {
      SCOPED_TRACE(tests::to_string(fault) + " at operation " + std::to_string(operation) + " of " +
                   std::to_string(operations));
      Trial trial;
      trial.files().strike_at(operation, fault);
      const bool taken = trial.push(trial.files(), 3);
      ASSERT_TRUE(trial.files().struck());
      // "I have it" holds whatever happens next: PostgreSQL may remove its own at once.
      if (taken && (fault == Fault::fail || fault == Fault::short_write)) trial.files().lose_power();
      if (taken) trial.expect_fetched(3);
      trial.expect_fetched(2);
      for (const std::uint64_t number : {3U, 4U}) {
        ASSERT_TRUE(trial.push(base::posix_file_system(), number));
        trial.expect_fetched(number);
      }
      trial.expect_fetched(2);
      if (testing::Test::HasFailure()) return;
    }
  }
}

// An attempt that failed after its rename left a name that is not durable. The next attempt finds the same content
// there, and must make it durable before it says so.
TEST(PushFaults, WhatAnEarlierAttemptLeftIsMadeDurableBeforeItCounts) {
  std::uint64_t operations = 0;
  {
    Trial whole;
    ASSERT_TRUE(whole.push(whole.files(), 3));
    operations = whole.files().operations();
  }
  for (std::uint64_t operation = 1; operation <= operations; ++operation) {
    SCOPED_TRACE("operation " + std::to_string(operation) + " of " + std::to_string(operations));
    Trial trial;
    trial.files().strike_at(operation, Fault::fail);
    (void)trial.push(trial.files(), 3);
    ASSERT_TRUE(trial.push(trial.files(), 3));
    trial.files().lose_power();
    trial.expect_fetched(3);
    trial.expect_fetched(2);
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace backup_engine::wal
