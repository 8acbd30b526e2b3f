#include "harness/drill/timeline_points.hpp"

#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "tests/support/failure.hpp"

namespace harness::drill {
namespace {

using backup_engine::base::ErrorKind;
using reports::record::LedgerOutcome;
using reports::record::LedgerTransaction;
using restore::Action;
using restore::Stop;
using scenario::TargetKind;
using tests::kind_of_failure;

// 2026-11-21T00:00:00Z is 1795219200 s after the epoch.
constexpr std::int64_t midnight_microseconds = 1'795'219'200'000'000;

const std::vector<TimelinePoint> points{
    {"before", "lifeboat-before", "0/3000060", "2026-11-21T00:00:10.000000Z", ""},
    {"twice", "twice", "0/3000100", "2026-11-21T00:00:11.000000Z", ""},
    {"twice", "twice", "0/3000200", "2026-11-21T00:00:12.000000Z", ""},
    {"disaster", "", "0/3000300", "2026-11-21T00:00:13.500000Z", "4294968040"},
};

LedgerTransaction answered(int second, std::uint64_t xid, LedgerOutcome outcome = LedgerOutcome::acknowledged) {
  LedgerTransaction transaction;
  transaction.xid = xid;
  transaction.outcome = outcome;
  transaction.answered_microseconds = midnight_microseconds + second * 1'000'000LL;
  return transaction;
}

scenario::Restore to(TargetKind kind, const std::string& point = "", bool inclusive = true) {
  scenario::Restore restore;
  restore.kind = scenario::RestoreKind::pitr;
  restore.target = {kind, point, inclusive};
  return restore;
}

TEST(ResolveTarget, ReachesAMarkByTheNameOfItsRestorePoint) {
  const auto resolved = resolve_target(to(TargetKind::mark, "before"), points, {});
  EXPECT_EQ(resolved.target.stop, Stop::name);
  EXPECT_EQ(resolved.target.value, "lifeboat-before");
  EXPECT_EQ(resolved.target.action, Action::promote);
  EXPECT_EQ(resolved.record.type, "mark");
  EXPECT_EQ(resolved.record.value, "lifeboat-before");
  EXPECT_EQ(resolved.record.timeline, "latest");
}

TEST(ResolveTarget, TakesTheFirstOfSeveralPointsWithOneName) {
  EXPECT_EQ(resolve_target(to(TargetKind::name, "twice"), points, {}).target.value, "twice");
  EXPECT_EQ(resolve_target(to(TargetKind::lsn, "twice"), points, {}).target.value, "0/3000100");
}

TEST(ResolveTarget, KnowsTheTimeAndThePositionOfADisaster) {
  const auto time = resolve_target(to(TargetKind::time, "disaster", false), points, {});
  EXPECT_EQ(time.target.stop, Stop::time);
  EXPECT_EQ(time.target.value, "2026-11-21T00:00:13.500000Z");
  EXPECT_FALSE(time.target.inclusive);
  EXPECT_FALSE(time.record.inclusive);
  EXPECT_EQ(resolve_target(to(TargetKind::lsn, "disaster", false), points, {}).target.value, "0/3000300");
}

TEST(ResolveTarget, GivesPostgresqlAnXidWithoutItsEpoch) {
  EXPECT_EQ(resolve_target(to(TargetKind::xid, "disaster", false), points, {}).target.value, "744");
}

TEST(ResolveTarget, FindsTheLastTransactionThatWasAcknowledgedBeforeAPoint) {
  const std::vector<LedgerTransaction> ledger{answered(9, 702), answered(8, 701),
                                              answered(10, 703, LedgerOutcome::unknown), answered(11, 704)};
  EXPECT_EQ(resolve_target(to(TargetKind::xid, "before"), points, ledger).target.value, "702");
  EXPECT_EQ(resolve_target(to(TargetKind::xid, "twice"), points, ledger).target.value, "704");
}

reports::record::CommitRecord commit_of(std::uint32_t xid) {
  reports::record::CommitRecord commit;
  commit.xid = xid;
  return commit;
}

// With 703 left out, the mark's content would lack it though its answer came first.
TEST(ResolveTarget, FindsTheTransactionThatIsLastInTheWalAmongThoseAcknowledgedBeforeAPoint) {
  const std::vector<LedgerTransaction> ledger{answered(8, 703), answered(9, (1ULL << 32) + 701), answered(10, 702),
                                              answered(11, 704)};
  const std::vector commits{commit_of(702), commit_of(701), commit_of(703), commit_of(704)};
  EXPECT_EQ(resolve_target(to(TargetKind::xid, "before"), points, ledger, commits).target.value, "703");
}

TEST(ResolveTarget, HasNoValueWhereThePlaceFollowsFromTheBackup) {
  const auto immediate = resolve_target(to(TargetKind::immediate), points, {});
  EXPECT_EQ(immediate.target.stop, Stop::immediate);
  EXPECT_EQ(immediate.target.value, "");
  EXPECT_EQ(immediate.record.timeline, "current");
  EXPECT_EQ(resolve_target(to(TargetKind::end_of_wal), points, {}).target.stop, Stop::end_of_wal);
}

TEST(ResolveTarget, RefusesAPointThatTheTimelineDidNotHave) {
  std::string said;
  const auto kind = kind_of_failure([] { (void)resolve_target(to(TargetKind::mark, "after"), points, {}); }, &said);
  EXPECT_EQ(kind, ErrorKind::usage);
  EXPECT_EQ(said, "the timeline came to no point 'after'");
}

TEST(ResolveTarget, RefusesATransactionWhereNoneWasAcknowledged) {
  std::string said;
  const std::vector<LedgerTransaction> ledger{answered(10, 703, LedgerOutcome::aborted)};
  (void)kind_of_failure([&] { (void)resolve_target(to(TargetKind::xid, "before"), points, ledger); }, &said);
  EXPECT_EQ(said, "no transaction of the load was acknowledged before before");
}

TEST(ResolveTarget, RefusesTheTransactionOfADisasterThatHadNone) {
  const std::vector<TimelinePoint> lost{{"disaster", "", "", "2026-11-21T00:00:13.500000Z", ""}};
  std::string said;
  (void)kind_of_failure([&] { (void)resolve_target(to(TargetKind::xid, "disaster", false), lost, {}); }, &said);
  EXPECT_EQ(said, "disaster has no xid that recovery could stop at");
}

}  // namespace
}  // namespace harness::drill
