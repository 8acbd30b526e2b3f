// Which transactions are named, and by what: each kind of thing that can be wrong with one, alone.
#include "harness/measure/commit_order_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/measure/transaction_exactness.hpp"

namespace harness::measure {
namespace {

using reports::record::Check;
using reports::record::CommitOrderEvidence;
using reports::record::Finding;
using reports::record::LedgerOutcome;
using reports::record::LedgerRows;
using reports::record::LedgerTransaction;
using reports::record::Verdict;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

const StopPosition before_704{StopPosition::Kind::position, backup_engine::postgres::Lsn(0x400), {}};
const StopPosition the_end{StopPosition::Kind::end_of_wal, {}, {}};

// 703 commits before 702; 705 was rolled back; recovery stopped right before 704.
struct Drill {
  CommitOrderEvidence order;
  std::vector<LedgerTransaction> ledger;
  LedgerRows rows;
  StopPosition stop = before_704;

  Drill() {
    order.witness = "pg_receivewal";
    order.records = {{"0/100", "0/140", 701, {}, "2026-11-20T02:15:01Z", 1, true},
                     {"0/200", "0/240", 703, {}, "2026-11-20T02:15:03Z", 1, true},
                     {"0/280", "0/2C0", 705, {}, "2026-11-20T02:15:05Z", 1, false},
                     {"0/300", "0/340", 702, {}, "2026-11-20T02:15:02Z", 1, true},
                     {"0/400", "0/440", 704, {}, "2026-11-20T02:15:04Z", 1, true}};
    order.reached_lsn = "0/400";
    for (const std::uint64_t xid : {701U, 702U, 703U, 704U}) attempt(xid, LedgerOutcome::acknowledged);
    attempt(705, LedgerOutcome::aborted);
    hold({701, 702, 703});
  }
  void attempt(std::uint64_t xid, LedgerOutcome outcome) {
    ledger.push_back({static_cast<std::int64_t>(xid) - 700, 0, xid, "digest", 1'000'000, 1'500'000, outcome});
  }
  void hold(const std::vector<std::uint64_t>& xids) {
    rows.rows.clear();
    order.xids_present = xids;
    for (const auto xid : xids) rows.rows.push_back({static_cast<std::int64_t>(xid) - 700, xid, "digest", ""});
  }
  [[nodiscard]] Check judged() const {
    const auto exact = measure_exactness(order, ledger, stop);
    RpoQuestion loss;
    loss.disaster_microseconds = 9'000'000;
    if (stop.kind == StopPosition::Kind::position) loss.target = TargetPoint{3'000'000, to_string(stop.position)};
    return check_commit_order({order, stop, exact}, ledger, rows, &loss);
  }
};

auto names(const std::string& xid, const std::string& lsn, const std::string& time, const std::string& text) {
  return AllOf(Field(&Finding::object, "transaction " + xid), Field(&Finding::xid, xid), Field(&Finding::lsn, lsn),
               Field(&Finding::time, time), Field(&Finding::text, StartsWith(text)));
}

TEST(CommitOrderCheck, PassesOverExactlyWhatTheTargetAsksFor) {
  const auto check = Drill().judged();
  EXPECT_EQ(check.name, "commit_order");
  EXPECT_EQ(check.verdict, Verdict::pass) << check.summary;
  EXPECT_EQ(check.witness, "pg_receivewal");
  EXPECT_THAT(check.findings, IsEmpty());
  EXPECT_EQ(check.summary, "all 3 commits that the target asks for are there, and no other");
}

TEST(CommitOrderCheck, NamesALostTransactionByXidLsnAndTime) {
  Drill drill;
  drill.hold({701, 702});
  const auto check = drill.judged();
  EXPECT_EQ(check.verdict, Verdict::fail);
  EXPECT_THAT(check.findings, ElementsAre(names("703", "0/200", "2026-11-20T02:15:03Z", "lost: acknowledged")));
  EXPECT_THAT(check.summary, AllOf(StartsWith("1 lost"), HasSubstr("transaction 703 at 0/200")));
}

TEST(CommitOrderCheck, CallsWhatNobodyAcknowledgedMissing) {
  Drill drill;
  drill.ledger[1].outcome = LedgerOutcome::unknown;
  drill.hold({701, 703});
  EXPECT_THAT(drill.judged().findings, ElementsAre(names("702", "0/300", "2026-11-20T02:15:02Z", "missing: ")));
}

TEST(CommitOrderCheck, NamesATransactionTooMany) {
  Drill drill;
  drill.hold({701, 702, 703, 704});
  const auto check = drill.judged();
  EXPECT_EQ(check.verdict, Verdict::fail);
  EXPECT_THAT(check.findings, ElementsAre(names("704", "0/400", "2026-11-20T02:15:04Z", "extra: ")));
}

TEST(CommitOrderCheck, NamesWhatWasRolledBackOrNobodyAttemptedAsUnexpected) {
  Drill drill;
  drill.hold({701, 702, 703, 705, 799});
  const auto check = drill.judged();
  EXPECT_EQ(check.verdict, Verdict::fail);
  EXPECT_THAT(check.findings, ElementsAre(names("705", "0/280", "2026-11-20T02:15:05Z", "unexpected: "),
                                          names("799", "", "", "unexpected: ")));
}

TEST(CommitOrderCheck, NamesARowThatIsThereTwice) {
  Drill drill;
  drill.rows.rows.push_back(drill.rows.rows[0]);
  const auto check = drill.judged();
  EXPECT_EQ(check.verdict, Verdict::fail);
  EXPECT_THAT(check.findings, ElementsAre(names("701", "0/100", "2026-11-20T02:15:01Z", "duplicated: ")));
}

TEST(CommitOrderCheck, TellsWhatWasNeverAnsweredAndFailsNotForIt) {
  Drill drill;
  drill.ledger[2].outcome = LedgerOutcome::unknown;
  drill.attempt(706, LedgerOutcome::unknown);
  const auto check = drill.judged();
  EXPECT_EQ(check.verdict, Verdict::pass) << check.summary;
  EXPECT_THAT(check.findings, ElementsAre(names("703", "0/200", "2026-11-20T02:15:03Z", "indeterminate: "),
                                          names("706", "", "1970-01-01T00:00:01.000000Z", "indeterminate: ")));
  EXPECT_THAT(check.summary, HasSubstr("besides: 2 indeterminate"));
}

// An asynchronous copy loses the newest: the RPO's business, and yet each is named.
TEST(CommitOrderCheck, TellsWhatWasLostBehindTheEndOfWal) {
  Drill drill;
  drill.stop = the_end;
  const auto check = drill.judged();
  EXPECT_EQ(check.verdict, Verdict::pass) << check.summary;
  EXPECT_THAT(check.findings, ElementsAre(names("704", "0/400", "2026-11-20T02:15:04Z", "lost: acknowledged")));
  drill.order.acknowledged_lsn = "0/440";
  EXPECT_EQ(drill.judged().verdict, Verdict::fail) << "it had been acknowledged as durable";
}

TEST(CommitOrderCheck, NamesWhereRecoveryEndedWhenNoCommitTells) {
  Drill drill;
  drill.order.reached_lsn = "0/380";
  const auto check = drill.judged();
  EXPECT_EQ(check.verdict, Verdict::fail);
  ASSERT_THAT(check.findings, SizeIs(1));
  EXPECT_EQ(check.findings[0].object, "recovery");
  EXPECT_EQ(check.findings[0].lsn, "0/380");
  EXPECT_THAT(check.findings[0].text, HasSubstr("its target lies at 0/400"));
}

TEST(CommitOrderCheck, ListsTheFirstHundredAndSaysHowManyThereAre) {
  Drill drill;
  for (std::uint64_t xid = 1000; xid < 1150; ++xid) drill.attempt(xid, LedgerOutcome::unknown);
  drill.hold({701, 702});
  const auto check = drill.judged();
  EXPECT_THAT(check.findings, SizeIs(listed_findings));
  EXPECT_EQ(check.findings[0].xid, "703") << "what is wrong comes first";
  EXPECT_THAT(check.summary, HasSubstr("the first 100 of 151 are listed"));
}

TEST(CommitOrderCheck, IsUnknownWhereTheStopIs) {
  Drill drill;
  drill.stop = {StopPosition::Kind::unknown, {}, "no such restore point"};
  const auto check = drill.judged();
  EXPECT_EQ(check.verdict, Verdict::unknown);
  EXPECT_THAT(check.summary, HasSubstr("no such restore point"));
  EXPECT_THAT(check.findings, IsEmpty());
}

// Prepared at 0/240 and never decided.
struct WithPrepared : Drill {
  WithPrepared() {
    order.prepared = {{"0/240", "0/280", 710, "transfer", "2026-11-20T02:15:03Z", 1}};
    order.prepared_present = {710};
  }
};

TEST(CommitOrderCheck, WantsWhatWasPreparedToBeStillUndecided) {
  WithPrepared drill;
  EXPECT_EQ(drill.judged().verdict, Verdict::pass);
  drill.order.prepared_present->clear();
  const auto check = drill.judged();
  EXPECT_EQ(check.verdict, Verdict::fail);
  EXPECT_THAT(check.findings, ElementsAre(names("710", "0/240", "2026-11-20T02:15:03Z", "missing: prepared")));
  drill.order.prepared_present.reset();
  EXPECT_EQ(drill.judged().verdict, Verdict::pass) << "nobody asked";
}

TEST(CommitOrderCheck, NamesWhatIsStillPreparedThoughItWasDecided) {
  WithPrepared drill;
  drill.order.records.insert(drill.order.records.begin() + 2,
                             {"0/2C0", "0/300", 710, {}, "2026-11-20T02:15:04Z", 1, false});
  EXPECT_THAT(drill.judged().findings, ElementsAre(names("710", "0/2C0", "2026-11-20T02:15:04Z", "extra: still")));
}

TEST(CommitOrderCheck, NamesWhatIsPreparedThoughItsPrepareLiesBehind) {
  WithPrepared drill;
  drill.order.prepared[0].lsn = "0/400";
  EXPECT_THAT(drill.judged().findings, ElementsAre(names("710", "0/400", "2026-11-20T02:15:03Z", "extra: prepared")));
  drill.order.prepared.clear();
  EXPECT_EQ(drill.judged().verdict, Verdict::pass) << "it was prepared before the witness began";
}

// The old timeline gave 702 to a transaction that it alone knows, the new one to another.
struct Branched : Drill {
  Branched() {
    order.line = {{1, "0/2F0"}, {2, ""}};
    order.reached_timeline = 2;
    order.abandoned = {{"0/300", "0/340", 702, {}, "1970-01-01T00:00:01.200000Z", 1, true}};
    for (std::size_t i = 3; i < order.records.size(); ++i) order.records[i].timeline = 2;
    order.records[3].time = "1970-01-01T00:01:00.200000Z";
    ledger.push_back({77, 0, 702, "digest", 60'000'000, 60'500'000, LedgerOutcome::acknowledged});
    hold({701, 703});
    rows.rows.push_back({77, 702, "digest", ""});
    order.xids_present.push_back(702);
  }
};

TEST(CommitOrderCheck, TellsTwoTransactionsOfOneXidApartByTheirTimeline) {
  Branched drill;
  const auto check = drill.judged();
  EXPECT_EQ(check.verdict, Verdict::pass) << check.summary;
  drill.rows.rows.back().id = 2;  // the old timeline's in place of the new one's
  const auto swapped = drill.judged();
  EXPECT_EQ(swapped.verdict, Verdict::fail);
  ASSERT_THAT(swapped.findings, SizeIs(2));
  EXPECT_THAT(swapped.summary, AllOf(HasSubstr("1 extra"), HasSubstr("1 lost")));
}

TEST(CommitOrderCheck, FailsWhereRecoveryWentAlongTheTimelineThatWasLeft) {
  Branched drill;
  drill.order.reached_timeline = 1;
  const auto check = drill.judged();
  EXPECT_EQ(check.verdict, Verdict::fail);
  ASSERT_THAT(check.findings, SizeIs(2)) << "and the old timeline's 702, which is lost with it";
  EXPECT_THAT(check.findings[0].text, HasSubstr("on timeline 1"));
  EXPECT_THAT(check.findings[1].text, HasSubstr("on timeline 1, behind where that was left"));
}

TEST(EndedOnTheLine, AllowsEitherTimelineAtABranching) {
  CommitOrderEvidence order;
  order.line = {{1, "0/200"}, {3, "0/300"}, {4, ""}};
  const auto at = [&](std::uint32_t timeline, std::uint64_t place) {
    order.reached_timeline = timeline;
    return ended_on_the_line(order, backup_engine::postgres::Lsn(place));
  };
  EXPECT_TRUE(at(1, 0x100));
  EXPECT_TRUE(at(1, 0x200));
  EXPECT_TRUE(at(3, 0x200));
  EXPECT_TRUE(at(4, 0x900));
  EXPECT_FALSE(at(1, 0x208));
  EXPECT_FALSE(at(3, 0x308));
  EXPECT_FALSE(at(2, 0x100));
  // Promoted before 4 began, which it was to follow.
  EXPECT_TRUE(at(4, 0x2F8));
}

Check of_statuses(const CommitOrderEvidence& order, PausedCopy copy = PausedCopy::none) {
  const auto exact = measure_transaction_exactness(order, before_704, copy);
  return check_transaction_statuses({order, before_704, exact});
}

TEST(TransactionStatusCheck, NamesEachThatPostgresqlCallsSomethingElse) {
  auto order = Drill().order;
  order.recovered_statuses = {{701, "committed"}, {703, "committed"}, {705, "aborted"}, {702, "committed"}};
  order.paused_statuses = order.recovered_statuses;
  order.paused_statuses.push_back({704, ""});
  EXPECT_EQ(of_statuses(order).verdict, Verdict::pass);
  order.paused_statuses[1].status = "in progress";
  order.paused_statuses[4].status = "committed";
  order.recovered_statuses[2].status = "committed";
  const auto check = of_statuses(order);
  EXPECT_EQ(check.verdict, Verdict::fail);
  EXPECT_THAT(check.findings, ElementsAre(names("703", "0/200", "2026-11-20T02:15:03Z", "missing: "),
                                          names("705", "0/280", "2026-11-20T02:15:05Z", "unexpected: "),
                                          names("704", "0/400", "2026-11-20T02:15:04Z", "extra: ")));
  EXPECT_THAT(check.findings[0].text, HasSubstr("the copy paused at the target calls it in progress"));
  EXPECT_THAT(check.findings[1].text, HasSubstr("the recovered server calls it committed"));
}

TEST(TransactionStatusCheck, IsUnknownWhereNobodyWasAsked) {
  auto order = Drill().order;
  order.recovered_statuses = {{701, "committed"}, {703, "committed"}, {705, "aborted"}, {702, "committed"}};
  const auto check = of_statuses(order, PausedCopy::wanted);
  EXPECT_EQ(check.verdict, Verdict::unknown);
  EXPECT_THAT(check.summary, HasSubstr("was not asked"));
}

TEST(TransactionStatusCheck, AsksOfEachSubtransaction) {
  auto order = Drill().order;
  order.records[1].subtransactions = {713, 714};
  order.recovered_statuses = {{701, "committed"}, {703, "committed"}, {713, "committed"},
                              {714, "committed"}, {705, "aborted"},   {702, "committed"}};
  EXPECT_EQ(of_statuses(order).verdict, Verdict::pass);
  order.recovered_statuses[3].status = "aborted";
  const auto check = of_statuses(order);
  EXPECT_EQ(check.verdict, Verdict::fail);
  EXPECT_THAT(check.findings, ElementsAre(names("703", "0/200", "2026-11-20T02:15:03Z", "missing: ")));
  EXPECT_THAT(check.findings[0].text, HasSubstr("calls its subtransaction 714 aborted"));
}

TEST(TransactionStatusCheck, WantsWhatWasRolledBackToBeSo) {
  auto order = Drill().order;
  order.recovered_statuses = {{701, "committed"}, {703, "committed"}, {705, "in progress"}, {702, "committed"}};
  EXPECT_THAT(of_statuses(order).findings, ElementsAre(names("705", "0/280", "2026-11-20T02:15:05Z", "unexpected: ")));
}

TEST(CommitOrderCheck, NamesAnotherTimelineBesideTheTransactions) {
  Drill drill;
  drill.hold({701, 702, 703, 704});
  drill.order.reached_timeline = 2;
  const auto check = drill.judged();
  ASSERT_THAT(check.findings, SizeIs(2));
  EXPECT_EQ(check.findings[0].object, "transaction 704");
  EXPECT_EQ(check.findings[1].object, "recovery");
  EXPECT_THAT(check.findings[1].text, HasSubstr("on timeline 2"));
}

TEST(FindDeviation, TellsTheXidsBehindTheNumbers) {
  Drill drill;
  drill.hold({701, 703, 704, 799});
  const auto found = find_deviation(drill.order, drill.ledger, drill.stop);
  EXPECT_THAT(found.missing, ElementsAre(702));
  EXPECT_THAT(found.extra, ElementsAre(704, 799));
  const StopPosition nowhere{StopPosition::Kind::unknown, {}, "nobody knows"};
  EXPECT_THAT(find_deviation(drill.order, drill.ledger, nowhere).missing, IsEmpty());
}

TEST(TransactionStatusCheck, FailsOnAnotherTimeline) {
  auto order = Drill().order;
  order.recovered_statuses = {{701, "committed"}, {703, "committed"}, {705, "aborted"}, {702, "committed"}};
  order.line = {{1, "0/300"}, {2, ""}};
  EXPECT_EQ(of_statuses(order).verdict, Verdict::fail);
  order.reached_timeline = 2;
  EXPECT_EQ(of_statuses(order).verdict, Verdict::pass);
}

}  // namespace
}  // namespace harness::measure
