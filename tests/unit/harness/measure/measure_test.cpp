#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "harness/measure/exactness.hpp"
#include "harness/measure/rpo.hpp"
#include "harness/measure/rto.hpp"

namespace harness::measure {
namespace {

using reports::record::CommitOrderEvidence;
using reports::record::CommitRecord;
using reports::record::LedgerOutcome;
using reports::record::LedgerRow;
using reports::record::LedgerRows;
using reports::record::LedgerTransaction;

constexpr std::int64_t second = 1'000'000;

LedgerTransaction transaction(std::int64_t id, LedgerOutcome outcome = LedgerOutcome::acknowledged) {
  return {id, 0, 700 + static_cast<std::uint64_t>(id), "digest", id * second, id * second + second / 2, outcome};
}

CommitRecord commit(std::uint32_t xid, const std::string& lsn, bool committed = true) {
  CommitRecord record;
  record.xid = xid;
  record.lsn = lsn;
  record.committed = committed;
  return record;
}

LedgerRows rows(std::initializer_list<std::int64_t> ids) {
  LedgerRows found;
  for (const auto id : ids)
    found.rows.push_back(LedgerRow{id, 700 + static_cast<std::uint64_t>(id), "digest", "digest"});
  return found;
}

TEST(MeasureRpo, CountsLossFromTheFirstLostCommitToTheDisaster) {
  const auto rpo =
      measure_rpo({10 * second, {}, 9.0}, {transaction(1), transaction(2), transaction(3)}, rows({1}), nullptr);
  EXPECT_EQ(rpo.acknowledged, 3U);
  EXPECT_EQ(rpo.recovered, 1U);
  EXPECT_EQ(rpo.lost, 2U);
  EXPECT_EQ(rpo.loss_seconds, 8.0);
  EXPECT_EQ(rpo.met, true);
  EXPECT_EQ(measure_rpo({10 * second, {}, 7.9}, {transaction(2)}, {}, nullptr).met, false);
}

TEST(MeasureRpo, IsZeroWhenNothingIsLost) {
  const auto rpo = measure_rpo({10 * second, {}, 0.0}, {transaction(1)}, rows({1}), nullptr);
  EXPECT_EQ(rpo.lost, 0U);
  EXPECT_EQ(rpo.loss_seconds, 0.0);
  EXPECT_EQ(rpo.met, true);
}

TEST(MeasureRpo, DiscardsWhatCommittedPastTheTarget) {
  const RpoQuestion question{10 * second, TargetPoint{2 * second, ""}, {}};
  const auto rpo = measure_rpo(question, {transaction(1), transaction(5)}, rows({1}), nullptr);
  EXPECT_EQ(rpo.lost, 0U);
  EXPECT_EQ(rpo.discarded, 1U);
  EXPECT_EQ(rpo.discarded_seconds, 5.0);
  EXPECT_FALSE(rpo.met.has_value());
}

TEST(MeasureRpo, DiscardsWorkUntilTheLastOfItWhereTheServerOutlivedItsDisaster) {
  const RpoQuestion question{4 * second, TargetPoint{2 * second, ""}, {}};
  const auto rpo = measure_rpo(question, {transaction(1), transaction(5), transaction(8)}, rows({1}), nullptr);
  EXPECT_EQ(rpo.discarded, 2U);
  EXPECT_EQ(rpo.discarded_seconds, 3.0);
}

// The clock says that transaction 5 came after the target, the WAL that its commit lies before it.
TEST(MeasureRpo, TrustsWalOrderBeforeTheClock) {
  CommitOrderEvidence commits;
  commits.records = {commit(705, "0/100")};
  const RpoQuestion question{10 * second, TargetPoint{2 * second, "0/200"}, {}};
  EXPECT_EQ(measure_rpo(question, {transaction(5)}, {}, &commits).lost, 1U);
  EXPECT_EQ(measure_rpo(question, {transaction(5)}, {}, nullptr).lost, 0U);
}

TEST(MeasureRpo, TellsInDoubtUnexpectedAndDuplicatedApart) {
  const auto rpo = measure_rpo({10 * second, {}, {}},
                               {transaction(1, LedgerOutcome::unknown), transaction(2, LedgerOutcome::unknown),
                                transaction(3, LedgerOutcome::aborted), transaction(4)},
                               rows({1, 3, 4, 4, 9}), nullptr);
  EXPECT_EQ(rpo.indeterminate, 2U);  // there or not: both are right
  EXPECT_EQ(rpo.unexpected, 2U);     // 3 was rolled back, nobody attempted 9
  EXPECT_EQ(rpo.duplicated, 1U);
  EXPECT_EQ(rpo.lost, 0U);
}

CommitOrderEvidence order(std::vector<CommitRecord> records, std::vector<std::uint64_t> present) {
  CommitOrderEvidence evidence;
  evidence.witness = "pg_receivewal";
  evidence.records = std::move(records);
  evidence.reached_lsn = "0/300";
  evidence.xids_present = std::move(present);
  return evidence;
}

const StopPosition end_of_wal{StopPosition::Kind::end_of_wal, {}, {}};

StopPosition at(const char* lsn) {
  return {StopPosition::Kind::position, backup_engine::postgres::parse_lsn(lsn).value(), {}};
}

// Xids and times are out of order; only the position counts.
TEST(MeasureExactness, ExpectsThePrefixInWalOrder) {
  const auto evidence = order({commit(703, "0/100"), commit(701, "0/200"), commit(702, "0/300")}, {701, 703});
  const auto exact = measure_exactness(evidence, {transaction(1), transaction(2), transaction(3)}, end_of_wal);
  EXPECT_EQ(exact.expected, 2U);
  EXPECT_EQ(exact.missing, 0U);
  EXPECT_EQ(exact.extra, 0U);
  EXPECT_EQ(exact.met, true);
}

TEST(MeasureExactness, NamesMissingAndExtra) {
  const auto evidence = order({commit(701, "0/100"), commit(702, "0/300")}, {702});
  const auto exact = measure_exactness(evidence, {transaction(1), transaction(2)}, end_of_wal);
  EXPECT_EQ(exact.missing, 1U);
  EXPECT_EQ(exact.extra, 1U);
  EXPECT_EQ(exact.met, false);
}

TEST(MeasureExactness, ExpectsAnInDoubtCommitThatTheWalHolds) {
  const auto evidence = order({commit(701, "0/100")}, {701});
  EXPECT_EQ(measure_exactness(evidence, {transaction(1, LedgerOutcome::unknown)}, end_of_wal).met, true);
  EXPECT_EQ(measure_exactness(order({commit(701, "0/100")}, {}), {transaction(1, LedgerOutcome::unknown)}, end_of_wal)
                .missing,
            1U);
}

TEST(MeasureExactness, IgnoresAbortsAndSubtransactions) {
  auto parent = commit(701, "0/100");
  parent.subtransactions = {702};
  const auto evidence = order({parent, commit(703, "0/180", false)}, {701});
  const auto exact =
      measure_exactness(evidence, {transaction(1), transaction(2, LedgerOutcome::unknown), transaction(3)}, end_of_wal);
  EXPECT_EQ(exact.expected, 1U);
  EXPECT_EQ(exact.met, true);
}

TEST(MeasureExactness, MatchesXidsAcrossEpochs) {
  auto later = transaction(1);
  later.xid = (std::uint64_t{1} << 32) + 701;
  EXPECT_EQ(measure_exactness(order({commit(701, "0/100")}, {later.xid}), {later}, end_of_wal).met, true);
}

TEST(MeasureExactness, IsNotMetShortOfTheBackupsStop) {
  const auto evidence = order({commit(701, "0/100")}, {701});
  EXPECT_EQ(measure_exactness(evidence, {transaction(1)}, at("0/300")).met, true);
  EXPECT_EQ(measure_exactness(evidence, {transaction(1)}, at("0/301")).met, false);
}

TEST(MeasureExactness, IsNotMetOnAnotherTimeline) {
  auto evidence = order({commit(701, "0/100")}, {701});
  evidence.reached_timeline = 2;
  EXPECT_EQ(measure_exactness(evidence, {transaction(1)}, at("0/300")).met, false);
  EXPECT_EQ(measure_exactness(evidence, {transaction(1)}, end_of_wal).met, false);
}

TEST(MeasureExactness, CountsWhatRanPastTheBackupsStopAsExtra) {
  const auto evidence = order({commit(701, "0/100"), commit(702, "0/200")}, {701, 702});
  const auto exact = measure_exactness(evidence, {transaction(1), transaction(2)}, at("0/180"));
  EXPECT_EQ(exact.expected, 1U);
  EXPECT_EQ(exact.extra, 1U);
  EXPECT_EQ(exact.met, false);
}

// What the engine said was durable must come back, however early recovery ended.
TEST(MeasureExactness, MissesWhatTheReceiverHadAcknowledged) {
  auto evidence = order({commit(701, "0/100"), commit(702, "0/400"), commit(703, "0/500")}, {701});
  evidence.records[0].end_lsn = "0/400";
  evidence.records[1].end_lsn = "0/500";
  const std::vector<LedgerTransaction> ledger = {transaction(1), transaction(2), transaction(3)};
  EXPECT_EQ(measure_exactness(evidence, ledger, end_of_wal).met, true);
  evidence.acknowledged_lsn = "0/4FF";  // may end within the second commit record
  EXPECT_EQ(measure_exactness(evidence, ledger, end_of_wal).met, true);
  evidence.acknowledged_lsn = "0/500";
  const auto exact = measure_exactness(evidence, ledger, end_of_wal);
  EXPECT_EQ(exact.missing, 1U);
  EXPECT_EQ(exact.met, false);
}

TEST(MeasureExactness, SaysNothingWithoutAWitnessedCommit) {
  EXPECT_FALSE(measure_exactness(order({}, {}), {transaction(1)}, end_of_wal).met.has_value());
  EXPECT_THROW((void)measure_exactness(CommitOrderEvidence{}, {}, end_of_wal), backup_engine::base::Error);
}

TEST(MeasureRto, IsFromDisasterToTheFirstWrite) {
  using std::chrono::seconds;
  const backup_engine::base::UtcTime struck{seconds(100)};
  const auto rto = measure_rto({struck, struck + seconds(3), struck + seconds(4), struck + seconds(6), {}}, {}, 6.0);
  EXPECT_EQ(rto.restored_seconds, 3.0);
  EXPECT_EQ(rto.writable_seconds, 6.0);
  EXPECT_FALSE(rto.verified_seconds.has_value());
  EXPECT_EQ(rto.met, true);
  EXPECT_EQ(measure_rto({struck, {}, {}, {}, {}}, {}, 6.0).met, false);
  EXPECT_FALSE(measure_rto({struck, {}, {}, {}, {}}, {}, {}).met.has_value());
}

}  // namespace
}  // namespace harness::measure
