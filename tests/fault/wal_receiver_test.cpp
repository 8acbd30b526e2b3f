// The receiver's writer over a file system that fails at each of its operations in turn: whatever it said was durable
// is fetched afterwards, byte for byte, and the next run goes on from there.
#include <gtest/gtest.h>

#include <optional>

#include "backup_engine/base/error.hpp"
#include "backup_engine/wal/wal_writer.hpp"
#include "tests/fault/faulty_file_system.hpp"
#include "tests/unit/backup_engine/wal/temporary_archive.hpp"

namespace backup_engine::wal {
namespace {

using postgres::Lsn;
using postgres::TimelineId;
using tests::Fault;
using tests::FaultyFileSystem;

constexpr TimelineId one{1};
constexpr Lsn start{3 * megabyte};

// Sizes of the groups that arrive, one sync after each.
using Groups = std::vector<std::uint64_t>;

class Trial {
 public:
  explicit Trial(std::size_t parts_before) {
    const auto end = start + 100 * parts_before;
    for (auto at = start; at < end; at = at + 100) real().put_part(one, at, wal_bytes(at, at + 100));
    files_ = std::make_unique<FaultyFileSystem>(repository_.location().text);
  }

  [[nodiscard]] FaultyFileSystem& files() { return *files_; }
  [[nodiscard]] WalArchive& real() { return repository_.archive(); }

  // What a receiver does from its start on: finds where to resume, says so, goes on. False when it failed.
  bool run(base::FileSystem& file_system, const Groups& groups) {
    try {
      const auto storage = store::open_repository(repository_.location(), file_system);
      WalArchive archive(*storage, TemporaryArchive::cluster, repository_.size, {Codec::lz4, 1});
      for (const auto& segment : archive.unsettled_segments()) settle(archive, {SettleTask::Kind::close, segment});
      const auto held = durable_end(archive.ranges(), one);
      const auto resumed = held.value_or(start);
      if (held) archive.confirm(one, resumed);
      EXPECT_GE(resumed, acknowledged_);
      acknowledged_ = resumed;
      WalWriter writer(archive, {one, resumed}, [&](const SettleTask& task) { settle(archive, task); });
      for (const auto size : groups) {
        writer.append(writer.received(), wal_bytes(writer.received(), writer.received() + size));
        writer.sync();
        acknowledged_ = writer.durable();
      }
      return true;
    } catch (const base::Error&) {
      return false;
    }
  }

  void expect_everything_acknowledged() {
    for (auto at = start; at < acknowledged_; at = at + megabyte) {
      const auto name = file_name(segment_holding(one, at, repository_.size), repository_.size);
      ASSERT_EQ(repository_.fetch(name), WalFetchOutcome::fetched) << name;
      const auto expected = text_of(wal_bytes(at, std::min(acknowledged_, at + megabyte)));
      ASSERT_TRUE(repository_.fetched().compare(0, expected.size(), expected) == 0) << name;
    }
  }
  [[nodiscard]] Lsn acknowledged() const { return acknowledged_; }

 private:
  TemporaryArchive repository_;
  std::unique_ptr<FaultyFileSystem> files_;
  Lsn acknowledged_ = start;
};

// Each fault at each operation of `groups`, received by a writer that found `parts_before` small parts.
// from_last: only that many operations at the end, and every other one of them.
void strike_everywhere(std::size_t parts_before, const Groups& groups,
                       std::optional<std::uint64_t> from_last = std::nullopt) {
  std::uint64_t operations = 0;
  {
    Trial whole(parts_before);
    ASSERT_TRUE(whole.run(whole.files(), groups));
    operations = whole.files().operations();
    whole.expect_everything_acknowledged();
  }
  ASSERT_GT(operations, 5U * groups.size());
  for (const auto fault : tests::all_faults) {
    for (std::uint64_t operation = from_last ? operations - *from_last : 1; operation <= operations;
         operation += from_last ? 2U : 1U) {
      SCOPED_TRACE(tests::to_string(fault) + " at operation " + std::to_string(operation) + " of " +
                   std::to_string(operations));
      Trial trial(parts_before);
      trial.files().strike_at(operation, fault);
      (void)trial.run(trial.files(), groups);
      ASSERT_TRUE(trial.files().struck());
      trial.expect_everything_acknowledged();
      // The next run works, and ends a segment that the first one left open.
      ASSERT_TRUE(trial.run(base::posix_file_system(), {megabyte / 2, megabyte}));
      trial.expect_everything_acknowledged();
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST(WalReceiverFaults, WhatWasAcknowledgedSurvivesWhileSegmentsFillAndClose) {
  strike_everywhere(0, {1000, megabyte - 5000, 4000, 20, megabyte + 500});
}

TEST(WalReceiverFaults, WhatWasAcknowledgedSurvivesAMerge) {
  // The writer merges after most_parts puts of its own: here the first one is near enough.
  strike_everywhere(3, Groups(most_parts, 10), 80);
}

// A failed sync leaves a name that is visible and not durable. Whoever resumes there says that it is durable, so it
// must be by then.
TEST(WalReceiverFaults, WhatAResumedRunFoundSurvivesToo) {
  const Groups groups = {1000, megabyte - 1000, 500};
  Trial whole(0);
  ASSERT_TRUE(whole.run(whole.files(), groups));
  const auto operations = whole.files().operations();
  for (std::uint64_t operation = 1; operation <= operations; ++operation) {
    SCOPED_TRACE("operation " + std::to_string(operation) + " of " + std::to_string(operations));
    Trial trial(0);
    trial.files().strike_at(operation, Fault::fail);
    (void)trial.run(trial.files(), groups);
    ASSERT_TRUE(trial.run(trial.files(), {}));
    trial.files().lose_power();
    trial.expect_everything_acknowledged();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace backup_engine::wal
