#include "harness/drill/sweep_points.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "backup_engine/base/error.hpp"

namespace harness::drill {
namespace {

namespace pg = backup_engine::postgres;
namespace record = reports::record;
using pg::Lsn;
using testing::Contains;
using testing::Field;
using testing::IsSupersetOf;

constexpr std::uint64_t megabyte = 1024 * 1024, first_stop = megabyte + 512, last_end = 4 * megabyte - 1024;

// WAL of 1 MB segments, full of records of 184 bytes, each hundredth of which is a commit or, now and then, an abort.
class MadeUpWal {
 public:
  static constexpr std::uint64_t length = 184;

  MadeUpWal() {
    for (std::uint64_t at = first_stop - 4096, i = 0; at + length <= last_end; at += length, ++i) {
      starts_.push_back(at);
      if (i % 100 != 99) continue;
      order_.records.push_back({text(at),
                                text(at + length),
                                static_cast<std::uint32_t>(700 + i),
                                {},
                                fmt::format("2026-11-20T02:{:02}:{:02}.000000Z", i / 6000, i / 100 % 60),
                                1,
                                i % 300 != 299});
    }
    order_.restore_points = {{"here", text(starts_[50]), text(starts_[51]), 1}};
    record::BackupRecord backup;
    backup.label = "first";
    backup.start_lsn = text(first_stop - 2048);
    backup.stop_lsn = text(first_stop);
    backup.timeline = 1;
    backups_.push_back(backup);
    backup.label = "second";
    backup.stop_lsn = text(starts_[2000]);
    backups_.push_back(backup);
  }

  [[nodiscard]] SweptWal swept() const {
    const auto segment_size = pg::SegmentSize::of_bytes(megabyte);
    return {order_,
            backups_,
            Lsn(starts_.back() + length),
            segment_size,
            [this](Lsn from) -> std::optional<record::RecordPlace> {
              const auto found = std::lower_bound(starts_.begin(), starts_.end(), from.position_bytes());
              if (found == starts_.end()) return std::nullopt;
              return record::RecordPlace{text(*found), text(*found + length)};
            },
            [this](Lsn until) -> std::optional<record::RecordPlace> {
              const auto behind = std::upper_bound(starts_.begin(), starts_.end(), until.position_bytes() - length);
              if (behind == starts_.begin()) return std::nullopt;
              return record::RecordPlace{text(*(behind - 1)), text(*(behind - 1) + length)};
            }};
  }

  // Timeline 1 before the first backup's stop, timeline 2 at the place returned.
  std::uint64_t leave_timelines() {
    order_.line = {{1, text(first_stop - 1024)}, {2, text(starts_[3000])}, {3, ""}};
    return starts_[3000];
  }

  void set_time(std::uint64_t record, const std::string& time) {
    for (auto& commit : order_.records) {
      if (commit.xid == 700 + record) commit.time = time;
    }
  }

 private:
  static std::string text(std::uint64_t at) { return to_string(Lsn(at)); }

  std::vector<std::uint64_t> starts_;
  record::CommitOrderEvidence order_;
  std::vector<record::BackupRecord> backups_;
};

std::multiset<std::string> boundaries(const std::vector<PrefixPoint>& points) {
  std::multiset<std::string> found;
  for (const auto& point : points) found.insert(point.boundary);
  return found;
}

bool same(const PrefixPoint& a, const PrefixPoint& b) {
  return a.boundary == b.boundary && a.position == b.position && a.served == b.served;
}

TEST(ChooseSweepPoints, TakesEveryBoundaryHoweverFewPointsAreAskedFor) {
  const MadeUpWal wal;
  const auto points = boundaries(choose_prefixes(wal.swept(), 2, 7));
  for (const auto* const boundary : {"first_record", "before_last_record", "last_record"}) {
    EXPECT_EQ(points.count(boundary), 1U) << boundary;
  }
  EXPECT_EQ(points.count("backup_stop"), 2U);
  for (const auto* const boundary : {"segment_end", "segment_start", "segment_first_record"}) {
    EXPECT_EQ(points.count(boundary), 2U) << boundary << ", at 2 MB and 3 MB";
  }
  for (const auto* const boundary : {"before_commit", "in_commit", "after_commit"}) {
    EXPECT_GE(points.count(boundary), 2U) << boundary;
  }
  EXPECT_EQ(points.count("restore_point"), 1U);
  EXPECT_EQ(points.count("random") + points.count("fork"), 0U);
}

// A fork before the first backup's stop is none that recovery goes over.
TEST(ChooseSweepPoints, TakesBothSidesOfEachForkThatRecoveryGoesOver) {
  MadeUpWal wal;
  const auto left_at = wal.leave_timelines();
  std::vector<std::pair<std::string, std::uint64_t>> forks;
  for (const auto& point : choose_prefixes(wal.swept(), 2, 7)) {
    if (point.boundary.find("fork") == std::string::npos) continue;
    forks.emplace_back(point.boundary, point.position.position_bytes());
  }
  EXPECT_THAT(forks,
              testing::ElementsAre(std::pair("before_fork", left_at - MadeUpWal::length), std::pair("fork", left_at),
                                   std::pair("after_fork", left_at + MadeUpWal::length)));
}

TEST(ChooseSweepPoints, FillsUpWithRandomOnes) {
  const MadeUpWal wal;
  const auto points = choose_prefixes(wal.swept(), 60, 7);
  EXPECT_EQ(points.size(), 60U);
  EXPECT_GT(boundaries(points).count("random"), 30U);
}

TEST(ChooseSweepPoints, ServesEverMoreAndNeverTheSameTwice) {
  const MadeUpWal wal;
  const auto points = choose_prefixes(wal.swept(), 60, 7);
  for (std::size_t i = 1; i < points.size(); ++i) {
    EXPECT_GT(points[i].served, points[i - 1].served);
    EXPECT_GE(points[i].position, points[i - 1].position);
    EXPECT_LE(points[i].position, points[i].served);
  }
  EXPECT_EQ(points.front().position, Lsn(first_stop));
}

TEST(ChooseSweepPoints, CutsACommitInTwo) {
  const MadeUpWal wal;
  for (const auto& point : choose_prefixes(wal.swept(), 2, 7)) {
    EXPECT_EQ(point.served > point.position, point.boundary == "in_commit" || point.boundary == "segment_end");
  }
}

TEST(ChooseSweepPoints, ChoosesTheSameForTheSameSeed) {
  const MadeUpWal wal;
  const auto points = choose_prefixes(wal.swept(), 40, 7), again = choose_prefixes(wal.swept(), 40, 7),
             others = choose_prefixes(wal.swept(), 40, 8);
  EXPECT_TRUE(std::equal(points.begin(), points.end(), again.begin(), again.end(), same));
  EXPECT_FALSE(std::equal(points.begin(), points.end(), others.begin(), others.end(), same));
}

TEST(ChooseSweepPoints, RefusesWalWithNothingBehindTheBackup) {
  const MadeUpWal wal;
  auto swept = wal.swept();
  swept.until = Lsn(first_stop);
  EXPECT_THROW((void)choose_prefixes(swept, 10, 7), backup_engine::base::Error);
}

TEST(ChooseSweepTargets, HasEachKindInclusiveAndExclusiveWhereThatMeansSomething) {
  const MadeUpWal wal;
  std::set<std::pair<std::string, bool>> kinds;
  for (const auto& own : choose_targets(wal.swept(), 7)) kinds.emplace(own.target.type, own.target.inclusive);
  EXPECT_EQ(kinds, (std::set<std::pair<std::string, bool>>{{"immediate", true},
                                                           {"time", true},
                                                           {"time", false},
                                                           {"lsn", true},
                                                           {"lsn", false},
                                                           {"xid", true},
                                                           {"xid", false},
                                                           {"name", true}}));
}

TEST(ChooseSweepTargets, NamesTheOtherBoundariesByAnLsn) {
  MadeUpWal wal;
  const auto fork = wal.leave_timelines();
  std::map<std::string, OwnPoint> found;
  for (const auto& own : choose_targets(wal.swept(), 7)) {
    if (!own.position) continue;
    EXPECT_TRUE(found.emplace(own.boundary, own).second) << own.boundary;
  }
  const auto until = wal.swept().until.position_bytes();
  const auto is = [&](const std::string& boundary, std::uint64_t lsn, bool inclusive, std::uint64_t position) {
    ASSERT_TRUE(found.contains(boundary)) << boundary;
    const auto& [type, value, included, timeline] = found[boundary].target;
    EXPECT_EQ(type, "lsn");
    EXPECT_EQ(value, to_string(Lsn(lsn))) << boundary;
    EXPECT_EQ(included, inclusive) << boundary;
    EXPECT_EQ(timeline, "latest");
    EXPECT_EQ(*found[boundary].position, Lsn(position)) << boundary;
  };
  const auto newest = first_stop - 4096 + 2000 * MadeUpWal::length;
  is("first_record", newest, true, newest + MadeUpWal::length);
  const auto segment = (until - 1) / megabyte * megabyte;
  const auto first_in_segment = wal.swept().first_from(Lsn(segment)).value();
  is("segment_start", segment, false, pg::parse_lsn(first_in_segment.lsn).value().position_bytes());
  is("segment_first_record", segment, true, pg::parse_lsn(first_in_segment.end_lsn).value().position_bytes());
  is("fork", fork, false, fork);
  is("before_last_record", until - MadeUpWal::length, false, until - MadeUpWal::length);
  is("last_record", until - MadeUpWal::length, true, until);
  EXPECT_EQ(found.size(), 6U);
}

// Over WAL that ends with that record of it: the values of the kind that are chosen, whatever the seed.
std::set<std::string> values_until(std::uint64_t last_record, const std::string& kind) {
  const MadeUpWal wal;
  auto swept = wal.swept();
  swept.until = Lsn(first_stop - 4096 + (last_record + 1) * MadeUpWal::length);
  std::set<std::string> found;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    for (const auto& own : choose_targets(swept, seed)) {
      if (own.target.type == kind) found.insert(own.target.value);
    }
  }
  return found;
}

// PostgreSQL stops at a time before a commit of a later one. The commits behind the second backup are 2199, 2299, 2499,
// 2599 and so on.
TEST(ChooseSweepTargets, HasTheTimeOfACommitOnlyWhereALaterOneFollows) {
  using testing::ElementsAre;
  EXPECT_THAT(values_until(2199, "time"), testing::IsEmpty());
  EXPECT_THAT(values_until(2199, "xid"), ElementsAre("2899"));
  EXPECT_THAT(values_until(2299, "time"), ElementsAre("2026-11-20T02:00:21.000000Z"));
  EXPECT_THAT(values_until(2299, "xid"), ElementsAre("2899", "2999"));
  EXPECT_THAT(values_until(2499, "time"), ElementsAre("2026-11-20T02:00:21.000000Z", "2026-11-20T02:00:22.000000Z"));
}

// Writers that commit at once may have their records in another order than their times.
TEST(ChooseSweepTargets, TakesATimeBehindWhichOnlyEarlierOnesFollowForNone) {
  MadeUpWal wal;
  wal.set_time(2499, "2026-11-20T02:00:22.500000Z");
  wal.set_time(2299, "2026-11-20T02:00:23.000000Z");
  auto swept = wal.swept();
  swept.until = Lsn(first_stop - 4096 + 2500 * MadeUpWal::length);
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    for (const auto& own : choose_targets(swept, seed)) {
      EXPECT_TRUE(own.target.type != "time" || own.target.value == "2026-11-20T02:00:21.000000Z") << own.target.value;
    }
  }
}

TEST(ChooseSweepTargets, ChoosesTheSameForTheSameSeed) {
  const MadeUpWal wal;
  const auto values = [&](std::uint64_t seed) {
    std::vector<std::string> found;
    for (const auto& own : choose_targets(wal.swept(), seed)) found.push_back(own.target.value);
    return found;
  };
  EXPECT_EQ(values(7), values(7));
  EXPECT_NE(values(7), values(8));
}

}  // namespace
}  // namespace harness::drill
