// Every kind of target, inclusive and exclusive, over WAL in which nothing comes in the order one would like: xids and
// timestamps go backwards, two commits carry one timestamp, one transaction was prepared, one has subtransactions.
#include "harness/measure/stop_position.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "harness/measure/exactness.hpp"

namespace harness::measure {
namespace {

using reports::record::BackupRecord;
using reports::record::CommitOrderEvidence;
using reports::record::CommitRecord;
using reports::record::LedgerTransaction;
using reports::record::RestoreTarget;
using testing::HasSubstr;

std::string second(int second_of_minute) {
  return "2026-11-20T02:15:" + std::to_string(second_of_minute) + ".000000Z";
}

// lsn, end, xid, subtransactions, time, timeline, committed
const std::vector<CommitRecord> wal = {
    {"0/90", "0/98", 690, {}, second(59), 1, true},  // before the backup: never replayed
    {"0/110", "0/138", 702, {}, second(10), 1, true},  {"0/200", "0/228", 701, {711, 712}, second(13), 1, true},
    {"0/300", "0/328", 703, {}, second(12), 1, true},  // stamped before the one in front of it
    {"0/400", "0/428", 750, {}, second(13), 1, true},  // COMMIT PREPARED; stamped as 701
    {"0/500", "0/528", 705, {}, second(15), 1, false}, {"0/600", "0/628", 704, {}, second(20), 1, true},
};

CommitOrderEvidence order() {
  CommitOrderEvidence evidence;
  evidence.witness = "pg_receivewal";
  evidence.records = wal;
  evidence.restore_points = {
      {"twice", "0/B0", "0/F0", 1}, {"twice", "0/240", "0/2A8", 1}, {"twice", "0/440", "0/4A8", 1}};
  return evidence;
}

BackupRecord backup() {
  BackupRecord record;
  record.start_lsn = "0/100";
  record.stop_lsn = "0/180";
  return record;
}

RestoreTarget target(const std::string& type, const std::string& value = "", bool inclusive = true) {
  return {type, value, inclusive, ""};
}

StopPosition stop(const RestoreTarget& wanted, const CommitOrderEvidence& evidence = order()) {
  const auto restored = backup();
  return stop_position(evidence, wanted, &restored);
}

// The position as text, or why there is none.
std::string place(const RestoreTarget& wanted, const CommitOrderEvidence& evidence = order()) {
  const auto found = stop(wanted, evidence);
  return found.kind == StopPosition::Kind::position ? to_string(found.position) : found.why;
}

TEST(StopPosition, OfATimeIsTheFirstRecordStampedLaterInWalOrder) {
  EXPECT_EQ(place(target("time", "2026-11-20 02:15:12+00")), "0/200") << "703 is in time, but behind a later one";
  EXPECT_EQ(place(target("time", "2026-11-20 02:15:13+00")), "0/500");
  EXPECT_EQ(place(target("time", "2026-11-20 02:15:13+00", false)), "0/200") << "exclusive: at or later";
  EXPECT_EQ(place(target("time", "2026-11-20 02:15:14+00")), "0/500") << "an abort stops recovery as well";
  EXPECT_EQ(place(target("time", "2026-11-20 02:15:12.999999+00")), "0/200");
}

TEST(StopPosition, OfATimeAfterEveryCommitIsNotReached) {
  EXPECT_THAT(place(target("time", "2026-11-20 02:15:20+00")), HasSubstr("no commit or abort after"));
  EXPECT_EQ(place(target("time", "2026-11-20 02:15:20+00", false)), "0/600");
}

TEST(StopPosition, OfAnXidIsItsOwnRecordWhateverItsNumber) {
  EXPECT_EQ(place(target("xid", "703")), "0/328");
  EXPECT_EQ(place(target("xid", "703", false)), "0/300");
  EXPECT_EQ(place(target("xid", "701")), "0/228") << "702 committed before it";
  EXPECT_EQ(place(target("xid", "705")), "0/528") << "an abort is reached as well";
  EXPECT_EQ(place(target("xid", "4294968000")), "0/628") << "the epoch does not count: 2^32 + 704";
}

TEST(StopPosition, OfAPreparedTransactionIsItsCommitPrepared) {
  EXPECT_EQ(place(target("xid", "750")), "0/428");
  EXPECT_EQ(place(target("xid", "750", false)), "0/400");
}

TEST(StopPosition, OfASubtransactionIsNowhere) {
  EXPECT_THAT(place(target("xid", "711")), HasSubstr("no commit or abort of transaction 711"));
  EXPECT_THAT(place(target("xid", "690")), HasSubstr("690")) << "it committed before the backup";
}

TEST(StopPosition, OfALsnReplaysTheRecordThatStartsThereOrNext) {
  auto evidence = order();
  evidence.at_target = {"0/300", "0/328"};
  EXPECT_EQ(place(target("lsn", "0/300"), evidence), "0/328");
  EXPECT_EQ(place(target("lsn", "0/300", false), evidence), "0/300");
  // in the middle of the record at 0/2B0: the next one to start is the commit
  EXPECT_EQ(place(target("lsn", "0/2C0"), evidence), "0/328");
  EXPECT_EQ(place(target("lsn", "0/2C0", false), evidence), "0/300");
}

TEST(StopPosition, OfALsnNeedsTheRecordThere) {
  EXPECT_EQ(place(target("lsn", "0/300")), "0/328") << "a commit starts right there";
  EXPECT_THAT(place(target("lsn", "0/2C0")), HasSubstr("no record at 0/2C0 or later"));
  auto evidence = order();
  evidence.at_target = {"0/2B0", "0/2F0"};
  EXPECT_THAT(place(target("lsn", "0/2C0"), evidence), HasSubstr("before the target"));
  EXPECT_THAT(place(target("lsn", "there")), HasSubstr("no LSN"));
}

TEST(StopPosition, OfANameIsItsFirstRestorePointSinceTheBackup) {
  EXPECT_EQ(place(target("name", "twice")), "0/2A8");
  EXPECT_EQ(place(target("mark", "twice")), "0/2A8");
  EXPECT_EQ(place(target("name", "twice", false)), "0/2A8") << "a name knows no exclusive";
  EXPECT_THAT(place(target("name", "never")), HasSubstr("no restore point 'never'"));
}

TEST(StopPosition, OfImmediateIsTheBackupsStop) {
  EXPECT_EQ(place(target("immediate")), "0/180");
}

TEST(StopPosition, OfTheEndOfWalIsNoPosition) {
  EXPECT_EQ(stop_position(order(), target("end_of_wal"), nullptr).kind, StopPosition::Kind::end_of_wal);
}

TEST(StopPosition, IsNeverBeforeTheBackupIsConsistent) {
  EXPECT_THAT(place(target("xid", "702")), HasSubstr("before the backup's stop at 0/180"));
  EXPECT_THAT(stop_position(order(), target("immediate"), nullptr).why, HasSubstr("which backup"));
}

TEST(EndedAt, AllowsForAPageHeaderBetweenTwoRecordsAndForNothingElse) {
  const auto lsn = [](const char* text) { return backup_engine::postgres::parse_lsn(text).value(); };
  EXPECT_TRUE(ended_at(lsn("0/2000"), lsn("0/2000")));
  EXPECT_TRUE(ended_at(lsn("0/2000"), lsn("0/2018")));
  EXPECT_TRUE(ended_at(lsn("0/1000000"), lsn("0/1000028")));
  EXPECT_FALSE(ended_at(lsn("0/2008"), lsn("0/2020")));
  EXPECT_FALSE(ended_at(lsn("0/2000"), lsn("0/2020")));
}

TEST(ParseTargetTime, ReadsWhatPostgresqlIsGiven) {
  const auto wanted = backup_engine::base::parse_rfc3339("2026-11-20T02:15:00.5Z");
  for (const auto* text : {"2026-11-20 02:15:00.5+00", "2026-11-20T02:15:00.500000Z", "2026-11-20 02:15:00.5 UTC",
                           "2026-11-20 03:45:00.5+01:30", "2026-11-19 21:15:00.5-05"}) {
    EXPECT_EQ(parse_target_time(text), wanted) << text;
  }
  for (const auto* text : {"2026-11-20 02:15:00", "yesterday", "2026-11-20 02:15+00", "2026-11-20 02:15:00 CET"}) {
    EXPECT_FALSE(parse_target_time(text)) << text;
  }
}

// What is there when recovery ended at `reached` with these transactions, against a target.
reports::record::Exactness judged(const RestoreTarget& wanted, const std::string& reached,
                                  std::vector<std::uint64_t> present) {
  auto evidence = order();
  evidence.reached_lsn = reached;
  evidence.xids_present = std::move(present);
  std::vector<LedgerTransaction> ledger;
  for (const std::uint64_t xid : {701U, 702U, 703U, 704U, 705U, 750U}) ledger.emplace_back().xid = xid;
  return measure_exactness(evidence, ledger, stop(wanted, evidence));
}

TEST(MeasureExactness, HoldsForEachKindOfTargetWhenExactlyItsPrefixIsThere) {
  EXPECT_EQ(judged(target("time", "2026-11-20 02:15:13+00"), "0/500", {701, 702, 703, 750}).met, true);
  EXPECT_EQ(judged(target("time", "2026-11-20 02:15:13+00", false), "0/200", {702}).met, true);
  EXPECT_EQ(judged(target("xid", "750"), "0/428", {701, 702, 703, 750}).met, true);
  EXPECT_EQ(judged(target("xid", "750", false), "0/400", {701, 702, 703}).met, true);
  EXPECT_EQ(judged(target("lsn", "0/300"), "0/328", {701, 702, 703}).met, true);
  EXPECT_EQ(judged(target("lsn", "0/300", false), "0/300", {701, 702}).met, true);
  EXPECT_EQ(judged(target("name", "twice"), "0/2A8", {701, 702}).met, true);
  EXPECT_EQ(judged(target("immediate"), "0/180", {702}).met, true);
}

// The canary: a judge that cannot say no says nothing.
TEST(MeasureExactness, FailsWithOneCommitTooManyOrOneMissing) {
  const auto time = target("time", "2026-11-20 02:15:13+00");
  const auto extra = judged(time, "0/500", {701, 702, 703, 704, 750});
  EXPECT_EQ(extra.extra, 1U);
  EXPECT_EQ(extra.met, false);
  const auto missing = judged(time, "0/500", {701, 702, 750});
  EXPECT_EQ(missing.missing, 1U);
  EXPECT_EQ(missing.met, false);
  // taken for the other bound, each is wrong by the commits at the bound
  EXPECT_EQ(judged(target("xid", "750", false), "0/428", {701, 702, 703, 750}).extra, 1U);
  EXPECT_EQ(judged(target("xid", "750"), "0/400", {701, 702, 703}).missing, 1U);
  EXPECT_EQ(judged(target("lsn", "0/300", false), "0/328", {701, 702, 703}).extra, 1U);
}

TEST(MeasureExactness, FailsWhenRecoveryEndedElsewhereThoughNoCommitTellsIt) {
  const auto past = judged(target("name", "twice"), "0/2D0", {701, 702});
  EXPECT_EQ(past.missing, 0U);
  EXPECT_EQ(past.extra, 0U);
  EXPECT_EQ(past.met, false);
  EXPECT_EQ(judged(target("name", "twice"), "0/240", {701, 702}).met, false);
}

TEST(MeasureExactness, IsNotKnownWhereTheStopIsNot) {
  const auto exact = judged(target("xid", "711"), "0/628", {701});
  EXPECT_FALSE(exact.met.has_value());
  EXPECT_FALSE(exact.expected.has_value());
  EXPECT_EQ(exact.witness, "pg_receivewal");
}

}  // namespace
}  // namespace harness::measure
