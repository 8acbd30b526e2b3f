#include "backup_engine/wal/reach.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/wal/check_server.hpp"
#include "backup_engine/wal/continuity.hpp"

namespace backup_engine::wal {
namespace {

using postgres::Lsn;
using postgres::TimelineId;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr TimelineId one{1}, two{2}, four{4};

BackupSummary backup(const std::string& label, Lsn start, Lsn stop, TimelineId timeline = one) {
  BackupSummary made;
  made.label = label;
  made.start_lsn = start;
  made.stop_lsn = stop;
  made.timeline = timeline;
  return made;
}

std::vector<std::string> texts(const WalCheckResult& result, WalSeverity severity) {
  std::vector<std::string> all;
  for (const auto& finding : result.findings) {
    EXPECT_FALSE(finding.remedy.empty()) << finding.text;
    if (finding.severity == severity) all.push_back(finding.text);
  }
  return all;
}

class Reach : public testing::Test {
 protected:
  WalCheckResult check() {
    WalCheckResult result;
    describe_reach(facts_, result);
    return result;
  }
  RepositoryFacts facts_{.ranges = {{one, Lsn(0x100000), Lsn(0x900000)}},
                         .gaps = {},
                         .histories = {},
                         .backups = {backup("first", Lsn(0x200028), Lsn(0x200100))},
                         .unreadable = {}};
};

TEST_F(Reach, ContinuousWalIsSoundAndReachesItsEnd) {
  const auto result = check();
  EXPECT_TRUE(result.sound());
  EXPECT_THAT(result.findings, IsEmpty());
  ASSERT_THAT(result.backups, SizeIs(1));
  ASSERT_THAT(result.backups[0].reaches, SizeIs(1));
  EXPECT_EQ(result.backups[0].reaches[0].until, Lsn(0x900000));
  EXPECT_FALSE(result.backups[0].missing);
}

TEST_F(Reach, WithoutABackupNothingCanBeRecovered) {
  facts_.backups.clear();
  EXPECT_THAT(texts(check(), WalSeverity::problem), ElementsAre(HasSubstr("there is no backup")));
}

TEST_F(Reach, AHoleBehindTheNewestBackupIsAProblemAndIsNamed) {
  facts_.ranges = {{one, Lsn(0x100000), Lsn(0x300000)}, {one, Lsn(0x500000), Lsn(0x900000)}};
  facts_.gaps = {{{one, Lsn(0x300000), Lsn(0x500000)}, "2026-11-21T00:00:00Z removed on the server"}};
  const auto result = check();
  EXPECT_FALSE(result.sound());
  EXPECT_THAT(texts(result, WalSeverity::problem), ElementsAre(HasSubstr("WAL is missing from 0/300000 to 0/500000")));
  EXPECT_EQ(result.backups[0].reaches.at(0).until, Lsn(0x300000));
  ASSERT_THAT(result.timelines[0].holes, SizeIs(1));
  EXPECT_THAT(result.timelines[0].holes[0].recorded, HasSubstr("removed on the server"));
}

TEST_F(Reach, EndsWhereMinimalWalBeginsUnlessABackupFollows) {
  facts_.minimal = {{one, Lsn(0x400040)}, {one, Lsn(0x500040)}};
  auto result = check();
  EXPECT_EQ(result.backups[0].reaches.at(0).until, Lsn(0x400040));
  EXPECT_THAT(texts(result, WalSeverity::problem), ElementsAre(AllOf(HasSubstr("from 0/500040 to 0/900000"),
                                                                     HasSubstr("wal_level = minimal begins there"))));
  ASSERT_TRUE(result.out_of_reach);
  EXPECT_EQ(result.out_of_reach->wal.start, Lsn(0x500040));
  facts_.backups.push_back(backup("second", Lsn(0x600028), Lsn(0x600100)));
  result = check();
  EXPECT_THAT(texts(result, WalSeverity::problem), IsEmpty());
  EXPECT_EQ(result.backups[0].reaches.at(0).until, Lsn(0x400040));
  EXPECT_EQ(result.backups[1].reaches.at(0).until, Lsn(0x900000));
}

TEST_F(Reach, OfAnotherTimelineIsNotEndedByMinimalWalBehindTheBranch) {
  facts_.ranges.push_back({two, Lsn(0x300000), Lsn(0x700000)});
  facts_.histories[two] = {{one, Lsn(0x380000), "promoted"}};
  facts_.minimal = {{one, Lsn(0x400040)}};
  const auto reaches = check().backups.at(0).reaches;
  ASSERT_THAT(reaches, SizeIs(2));
  EXPECT_EQ(reaches[0].until, Lsn(0x400040));
  EXPECT_EQ(reaches[1].until, Lsn(0x700000));
  facts_.minimal = {{one, Lsn(0x370000)}};
  EXPECT_THAT(check().backups.at(0).reaches, SizeIs(1)) << "timeline 2 is never got to";
}

TEST_F(Reach, ATimelineThatHasOnlyBegunWithItsParentsWalIsNoProblem) {
  facts_.histories[two] = {{one, Lsn(0x880000), "promoted"}};
  facts_.ranges.push_back({two, Lsn(0x800000), Lsn(0x880000)});
  EXPECT_THAT(check().findings, IsEmpty());
  facts_.ranges.back().end = Lsn(0x880100);
  const auto result = check();
  EXPECT_THAT(result.findings, IsEmpty());
  EXPECT_THAT(result.backups[0].reaches, SizeIs(2));
}

TEST_F(Reach, OfTheHoleBeforeTheNewestWalItTellsTheEnds) {
  facts_.ranges = {{one, Lsn(0x100000), Lsn(0x300000)}, {one, Lsn(0x500000), Lsn(0x900000)}};
  const auto result = check();
  ASSERT_TRUE(result.out_of_reach && result.out_of_reach->hole);
  EXPECT_EQ(result.out_of_reach->wal.start, Lsn(0x500000));
  EXPECT_EQ(result.out_of_reach->hole->from, Lsn(0x300000));
  EXPECT_THAT(texts(result, WalSeverity::problem), ElementsAre(result.out_of_reach->text));
}

TEST_F(Reach, AHoleBeforeTheNewestBackupIsListedAndNoProblem) {
  facts_.ranges = {{one, Lsn(0x100000), Lsn(0x300000)}, {one, Lsn(0x500000), Lsn(0x900000)}};
  facts_.backups.push_back(backup("second", Lsn(0x600028), Lsn(0x600100)));
  const auto result = check();
  EXPECT_TRUE(result.sound());
  EXPECT_THAT(result.timelines[0].holes, SizeIs(1));
  EXPECT_EQ(result.backups[0].reaches.at(0).until, Lsn(0x300000));
  EXPECT_EQ(result.backups[1].reaches.at(0).until, Lsn(0x900000));
}

TEST_F(Reach, ABackupWhoseOwnWalIsMissingIsNotRecoverable) {
  facts_.backups.push_back(backup("late", Lsn(0x8F0028), Lsn(0x900100)));
  const auto result = check();
  EXPECT_THAT(texts(result, WalSeverity::problem), ElementsAre(HasSubstr("late cannot be restored")));
  EXPECT_THAT(result.backups[1].reaches, IsEmpty());
  ASSERT_TRUE(result.backups[1].missing);
  EXPECT_EQ(result.backups[1].missing->from, Lsn(0x900000));
}

TEST_F(Reach, RecordsAGapBehindWhichNothingCameYet) {
  facts_.gaps = {{{one, Lsn(0x900000), Lsn(0xA00000)}, "lost"}};
  EXPECT_THAT(check().timelines[0].holes, SizeIs(1));
  const std::vector<WalGap> gaps = {{one, Lsn(0x900000), Lsn(0xA00000)}};
  const auto hole = first_hole(facts_.ranges, gaps, path_along({}, one), Lsn(0x200028));
  ASSERT_TRUE(hole);
  EXPECT_EQ(*hole, gaps[0]);
}

TEST_F(Reach, FollowsEachTimelineAsFarAsItsWalGoes) {
  facts_.histories[two] = {{one, Lsn(0x480100), "promoted"}};
  facts_.ranges.push_back({two, Lsn(0x480000), Lsn(0x700000)});
  const auto result = check();
  EXPECT_TRUE(result.sound());
  ASSERT_THAT(result.backups[0].reaches, SizeIs(2));
  EXPECT_EQ(result.backups[0].reaches[1].timeline, two);
  EXPECT_EQ(result.backups[0].reaches[1].until, Lsn(0x700000));
  EXPECT_EQ(result.timelines[1].branched_at, Lsn(0x480100));
}

// Archived by PostgreSQL: the old timeline's last segment is there as .partial only.
TEST_F(Reach, ATimelinesFirstSegmentStandsInForTheOldOnesLast) {
  facts_.histories[two] = {{one, Lsn(0x480100), "promoted"}};
  facts_.ranges = {{one, Lsn(0x100000), Lsn(0x400000)}, {two, Lsn(0x400000), Lsn(0x700000)}};
  const auto result = check();
  EXPECT_TRUE(result.sound());
  EXPECT_EQ(result.backups[0].reaches.at(1).until, Lsn(0x700000));
  EXPECT_FALSE(first_hole(facts_.ranges, {}, path_along(facts_.histories[two], two), Lsn(0x200028)));
}

TEST_F(Reach, AMissingHistoryMakesItsWalUnreachable) {
  facts_.ranges.push_back({two, Lsn(0x480000), Lsn(0x700000)});
  EXPECT_THAT(texts(check(), WalSeverity::problem), testing::Contains(HasSubstr("00000002.history is missing")));
}

// A copy of the server that was promoted and archives into the same cluster.
TEST_F(Reach, SaysThatLatestGoesAnotherWayThanTheNewestBackup) {
  facts_.histories[two] = {{one, Lsn(0x300000), "a point before the newest backup"}};
  EXPECT_THAT(texts(check(), WalSeverity::warning), IsEmpty()) << "which leads there";
  facts_.backups.push_back(backup("second", Lsn(0x400028), Lsn(0x400100)));
  const auto result = check();
  EXPECT_TRUE(result.sound());
  EXPECT_THAT(texts(result, WalSeverity::warning),
              ElementsAre(testing::AllOf(HasSubstr("goes to timeline 2"), HasSubstr("backup second of timeline 1"))));
}

TEST_F(Reach, SaysWhatLatestDoesNotFind) {
  facts_.histories[four] = {{one, Lsn(0x480100), "promoted"}};
  facts_.ranges.push_back({four, Lsn(0x480000), Lsn(0x700000)});
  const auto result = check();
  EXPECT_TRUE(result.sound());
  EXPECT_THAT(texts(result, WalSeverity::warning), ElementsAre(HasSubstr("00000002.history is missing")));
}

TEST_F(Reach, AManifestThatCannotBeReadIsAProblem) {
  facts_.unreadable = {"clusters/main/backups/x/manifest.json: not JSON"};
  EXPECT_FALSE(check().sound());
}

TEST(FirstHole, IsOnThePathOnly) {
  const std::vector<WalRange> ranges = {
      {one, Lsn(0x100000), Lsn(0x300000)}, {one, Lsn(0x500000), Lsn(0x900000)}, {two, Lsn(0x280000), Lsn(0x600000)}};
  const auto path = path_along(std::vector<postgres::TimelineSwitch>{{one, Lsn(0x280100), ""}}, two);
  EXPECT_FALSE(first_hole(ranges, {}, path, Lsn(0x100028))) << "what the left timeline went on to is no loss";
  const auto hole = first_hole(ranges, {}, path_along({}, one), Lsn(0x100028));
  ASSERT_TRUE(hole);
  EXPECT_EQ(*hole, (WalGap{one, Lsn(0x300000), Lsn(0x500000)}));
}

ServerWal archiving() {
  ServerWal server;
  server.archive_mode = "on";
  server.archive_command = "lifeboat wal push …";
  server.max_slot_wal_keep_size = "-1";
  return server;
}

TEST(JudgeServer, AServerThatArchivesAndHasNoSlotIsFine) {
  EXPECT_THAT(judge_server(archiving()), IsEmpty());
}

TEST(JudgeServer, WarnsOfASlotThatNobodyReadsAndOfNoLimit) {
  auto server = archiving();
  server.slots = {{"forgotten", false, "extended", 5'000'000'000}};
  const auto findings = judge_server(server);
  ASSERT_THAT(findings, SizeIs(2));
  for (const auto& finding : findings) EXPECT_EQ(finding.severity, WalSeverity::warning);
  EXPECT_THAT(findings[0].text, HasSubstr("nobody reads the slot \"forgotten\": it keeps 5.0 GB"));
  EXPECT_THAT(findings[1].text, HasSubstr("max_slot_wal_keep_size is -1"));
}

TEST(JudgeServer, ALostSlotAndAFailingArchiverAreProblems) {
  auto server = archiving();
  server.max_slot_wal_keep_size = "8GB";
  server.slots = {{"late", false, "lost", 0}};
  server.archiving_fails = true;
  server.last_failed = "000000010000000000000003";
  const auto findings = judge_server(server);
  ASSERT_THAT(findings, SizeIs(2));
  for (const auto& finding : findings) EXPECT_EQ(finding.severity, WalSeverity::problem);
}

TEST(JudgeServer, AFinishedSegmentThatDoesNotArriveIsAProblemWhateverElseReadsASlot) {
  ServerWal server;
  server.archive_mode = "off";
  server.max_slot_wal_keep_size = "8GB";
  server.slots = {{"lifeboat", false, "reserved", 35'000'000}, {"standby", true, "reserved", 0}};
  server.behind_bytes = 35'000'000;
  server.not_held = {"000000010000000000000004", true, 720};
  const auto findings = judge_server(server);
  ASSERT_THAT(findings, SizeIs(2));
  EXPECT_EQ(findings[0].severity, WalSeverity::warning) << "of the slot";
  EXPECT_EQ(findings[1].severity, WalSeverity::problem);
  EXPECT_THAT(findings[1].text,
              testing::AllOf(HasSubstr("000000010000000000000004, finished 12 min"), HasSubstr("35.0 MB behind")));
  server.not_held->seconds = std::nullopt;
  EXPECT_THAT(judge_server(server).at(1).text, HasSubstr("the server has it no more"));
  server.not_held->seconds = 59;
  EXPECT_THAT(judge_server(server), SizeIs(1)) << "it may be on its way";
}

TEST(JudgeServer, AnOpenSegmentIsDueByStreamingAndNotByArchiving) {
  auto server = archiving();
  server.behind_bytes = 5000;
  server.not_held = {"000000010000000000000004", false, 3600};
  EXPECT_THAT(judge_server(server), IsEmpty());
  server.archive_mode = "off";
  server.slots = {{"standby", true, "reserved", 0}};
  server.max_slot_wal_keep_size = "8GB";
  ASSERT_THAT(judge_server(server), SizeIs(1));
  EXPECT_THAT(judge_server(server)[0].text, HasSubstr("last written 1 h"));
}

TEST(JudgeServer, ARoleThatMayNotListWalIsToldSo) {
  auto server = archiving();
  server.behind_bytes = 5000;
  server.may_not_list_wal = true;
  const auto findings = judge_server(server);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].severity, WalSeverity::warning);
  EXPECT_THAT(findings[0].remedy, HasSubstr("pg_monitor"));
}

TEST(JudgeServer, WalThatDoesNotLeaveTheServerIsAProblem) {
  ServerWal server;
  server.archive_mode = "off";
  server.max_slot_wal_keep_size = "1GB";
  ASSERT_THAT(judge_server(server), SizeIs(1));
  server.slots = {{"read", true, "reserved", 0}};
  EXPECT_THAT(judge_server(server), IsEmpty());
}

}  // namespace
}  // namespace backup_engine::wal
