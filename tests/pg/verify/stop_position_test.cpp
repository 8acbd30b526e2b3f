// stop_position against PostgreSQL itself: one source with WAL of every shape, and for each kind of target a recovery
// by nothing but PostgreSQL (a plain copy and a restore_command of cp). What came back and where recovery ended must be
// what was predicted from the WAL alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <fstream>
#include <set>
#include <thread>

#include "backup_engine/base/file.hpp"
#include "backup_engine/base/parallel.hpp"
#include "harness/measure/commit_order_check.hpp"
#include "harness/verify/commit_order_probe.hpp"
#include "tests/pg/verify/archived_source.hpp"

namespace harness::verify {
namespace {

namespace fs = std::filesystem;
using measure::StopPosition;
using reports::record::CommitOrderEvidence;
using reports::record::CommitRecord;
using reports::record::LedgerOutcome;
using reports::record::LedgerRows;
using reports::record::LedgerTransaction;
using reports::record::RestoreTarget;
using reports::record::Verdict;

struct Case {
  std::string name;
  RestoreTarget target;
  const char* action = "pause";
};

// What stop_position predicts, and what PostgreSQL did.
struct Outcome {
  StopPosition predicted;
  std::optional<Recovered> recovered;  // absent: PostgreSQL refused
};

class StopPositionOfPostgres : public testing::Test {
 protected:
  static void SetUpTestSuite() { source_ = std::make_unique<ArchivedSource>(); }
  static void TearDownTestSuite() { source_.reset(); }

  [[nodiscard]] static CommitOrderEvidence order_for(const RestoreTarget& target) {
    WitnessWal witness{source_->archive(), source_->backup().start_lsn, 1};
    if (target.type == "lsn") witness.target_lsn = target.value;
    return read_commit_order(source_->tools(), witness);
  }

  // Each is recovered on its own, two at a time.
  static std::vector<Outcome> recover_all(const std::vector<Case>& cases) {
    std::vector<Outcome> outcomes(cases.size());
    backup_engine::base::for_each_in_parallel(2, cases.size(), [&](std::size_t i) {
      outcomes[i].predicted = measure::stop_position(order_for(cases[i].target), cases[i].target, &source_->backup());
      outcomes[i].recovered =
          source_->recover(fmt::format("{}-{}", testing::UnitTest::GetInstance()->current_test_info()->name(), i),
                           cases[i].target, cases[i].action);
    });
    return outcomes;
  }

  static std::set<std::uint64_t> committed_before(const CommitOrderEvidence& order, backup_engine::postgres::Lsn stop) {
    std::set<std::uint64_t> xids;
    for (const auto& record : order.records) {
      const auto lsn = backup_engine::postgres::parse_lsn(record.lsn).value();
      if (record.committed && lsn < stop && source_->loaded().contains(record.xid)) xids.insert(record.xid);
    }
    return xids;
  }

  static void expect_as_predicted(const Case& asked, const Outcome& outcome) {
    SCOPED_TRACE(fmt::format("{}: {} {}", asked.name, asked.target.type, asked.target.value));
    ASSERT_EQ(outcome.predicted.kind, StopPosition::Kind::position) << outcome.predicted.why;
    ASSERT_TRUE(outcome.recovered.has_value()) << "PostgreSQL refused";
    auto order = order_for(asked.target);
    EXPECT_THAT(outcome.recovered->xids, testing::ContainerEq(committed_before(order, outcome.predicted.position)));
    order.reached_lsn = outcome.recovered->reached_lsn;
    order.xids_present.assign(outcome.recovered->xids.begin(), outcome.recovered->xids.end());
    EXPECT_EQ(exactness(order, outcome.predicted).met, true)
        << "predicted " << to_string(outcome.predicted.position) << ", reached " << order.reached_lsn;
    if (order.xids_present.empty()) return;
    order.xids_present.pop_back();
    EXPECT_EQ(exactness(order, outcome.predicted).met, false) << "one commit is missing";
  }

  static reports::record::Exactness exactness(const CommitOrderEvidence& order, const StopPosition& stop) {
    std::vector<LedgerTransaction> ledger;
    for (const auto xid : source_->loaded()) ledger.emplace_back().xid = xid;
    return measure_exactness(order, ledger, stop);
  }

  // What the check says of that recovery when it had to end at `stop`.
  static reports::record::Check check(const Recovered& recovered, const RestoreTarget& target,
                                      const StopPosition& stop) {
    auto order = order_for(target);
    order.reached_lsn = recovered.reached_lsn;
    order.xids_present.assign(recovered.xids.begin(), recovered.xids.end());
    std::vector<LedgerTransaction> ledger;
    for (const auto xid : source_->loaded()) {
      ledger.push_back({static_cast<std::int64_t>(xid), 0, xid, "", 0, 0, LedgerOutcome::acknowledged});
    }
    LedgerRows rows;
    for (const auto xid : recovered.xids) rows.rows.push_back({static_cast<std::int64_t>(xid), xid, "", ""});
    const auto exact = measure_exactness(order, ledger, stop);
    return measure::check_commit_order({order, stop, exact}, ledger, rows, nullptr);
  }

  // A recovery that ended right before `record` where it had to end right behind it, and the other way round.
  static void expect_neighbours_told_apart(const Case& asked, const Outcome& behind, const Outcome& before,
                                           const CommitRecord& record) {
    const auto expect_named = [&](const reports::record::Check& found, const std::string& as) {
      EXPECT_EQ(found.verdict, Verdict::fail) << found.summary;
      ASSERT_EQ(found.findings.size(), 1U) << found.summary;
      EXPECT_EQ(found.findings[0].xid, std::to_string(record.xid));
      EXPECT_EQ(found.findings[0].lsn, record.lsn);
      EXPECT_EQ(found.findings[0].time, record.time);
      EXPECT_EQ(found.findings[0].text.substr(0, as.size()), as);
    };
    EXPECT_EQ(check(*behind.recovered, asked.target, behind.predicted).verdict, Verdict::pass);
    EXPECT_EQ(check(*before.recovered, asked.target, before.predicted).verdict, Verdict::pass);
    expect_named(check(*before.recovered, asked.target, behind.predicted), "lost: acknowledged");
    expect_named(check(*behind.recovered, asked.target, before.predicted), "extra: ");
  }

  // The first record of the second half of the load that is like that.
  template <typename Wanted>
  static CommitRecord record_with(Wanted wanted) {
    const auto order = order_for({"time", "", true, ""});
    for (std::size_t i = order.records.size() / 2; i + 1 < order.records.size(); ++i) {
      if (source_->loaded().contains(order.records[i].xid) && wanted(order.records, i)) return order.records[i];
    }
    throw std::runtime_error("the load left no such record");
  }

  static std::unique_ptr<ArchivedSource> source_;
};

std::unique_ptr<ArchivedSource> StopPositionOfPostgres::source_;

void add_both(std::vector<Case>& cases, const std::string& name, const std::string& type, const std::string& value) {
  cases.push_back({name, {type, value, true, ""}});
  cases.push_back({name + ", exclusive", {type, value, false, ""}});
}

std::string plus(const std::string& lsn, std::uint64_t bytes) {
  return to_string(backup_engine::postgres::parse_lsn(lsn).value() + bytes);
}

// When recovery_target_time is read no time zone's name is known yet, not even Z.
std::string as_postgres_reads_it(const std::string& rfc3339) {
  return rfc3339.substr(0, rfc3339.size() - 1) + "+00";
}

TEST_F(StopPositionOfPostgres, IsWhereTimesStop) {
  const auto any = record_with([](const auto& records, auto i) { return records[i].committed; });
  const auto prepared =
      record_with([](const auto& records, auto i) { return source_->prepared().contains(records[i].xid); });
  std::vector<Case> cases;
  add_both(cases, "a commit's own stamp", "time", as_postgres_reads_it(any.time));
  add_both(cases, "a prepared commit's stamp", "time", as_postgres_reads_it(prepared.time));
  cases[1].action = "promote";
  const auto outcomes = recover_all(cases);
  for (std::size_t i = 0; i < cases.size(); ++i) expect_as_predicted(cases[i], outcomes[i]);
  EXPECT_GT(outcomes[0].predicted.position, outcomes[1].predicted.position);
}

TEST_F(StopPositionOfPostgres, IsWhereTransactionsStop) {
  const auto nested = record_with(
      [](const auto& records, auto i) { return records[i].committed && !records[i].subtransactions.empty(); });
  const auto prepared =
      record_with([](const auto& records, auto i) { return source_->prepared().contains(records[i].xid); });
  const auto aborted = record_with([](const auto& records, auto i) { return !records[i].committed; });
  std::vector<Case> cases;
  add_both(cases, "with subtransactions", "xid", std::to_string(nested.xid));
  add_both(cases, "prepared", "xid", std::to_string(prepared.xid));
  cases.push_back({"rolled back", {"xid", std::to_string(aborted.xid), true, ""}, "promote"});
  const auto outcomes = recover_all(cases);
  for (std::size_t i = 0; i < cases.size(); ++i) expect_as_predicted(cases[i], outcomes[i]);
  expect_neighbours_told_apart(cases[0], outcomes[0], outcomes[1], nested);
  expect_neighbours_told_apart(cases[2], outcomes[2], outcomes[3], prepared);
  EXPECT_EQ(outcomes[0].recovered->xids.size(), outcomes[1].recovered->xids.size() + 1);
  EXPECT_EQ(outcomes[2].recovered->xids.size(), outcomes[3].recovered->xids.size() + 1);
}

TEST_F(StopPositionOfPostgres, IsWherePositionsStop) {
  const auto commit = record_with([](const auto& records, auto i) { return records[i].committed; });
  std::vector<Case> cases;
  add_both(cases, "where a commit starts", "lsn", commit.lsn);
  add_both(cases, "within a commit", "lsn", plus(commit.lsn, 8));
  cases[0].action = "promote";
  const auto outcomes = recover_all(cases);
  for (std::size_t i = 0; i < cases.size(); ++i) expect_as_predicted(cases[i], outcomes[i]);
  EXPECT_EQ(outcomes[0].recovered->xids.size(), outcomes[1].recovered->xids.size() + 1);
}

TEST_F(StopPositionOfPostgres, IsWhereNamesAndTheBackupItselfStop) {
  const std::vector<Case> cases = {{"a name given twice", {"name", ArchivedSource::restore_point, true, ""}},
                                   {"the backup's own point", {"immediate", "", true, ""}, "promote"}};
  const auto outcomes = recover_all(cases);
  for (std::size_t i = 0; i < cases.size(); ++i) expect_as_predicted(cases[i], outcomes[i]);
  EXPECT_LT(outcomes[1].recovered->xids.size(), outcomes[0].recovered->xids.size());
}

// Both ways: it cannot be told where PostgreSQL does not stop.
TEST_F(StopPositionOfPostgres, IsUnknownWherePostgresRefuses) {
  const auto nested = record_with(
      [](const auto& records, auto i) { return records[i].committed && !records[i].subtransactions.empty(); });
  const std::vector<Case> cases = {
      {"a subtransaction", {"xid", std::to_string(nested.subtransactions.front()), true, ""}},
      {"after everything", {"time", "2099-01-01 00:00:00+00", true, ""}}};
  const auto outcomes = recover_all(cases);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(outcomes[i].predicted.kind, StopPosition::Kind::unknown) << cases[i].name;
    EXPECT_FALSE(outcomes[i].recovered.has_value()) << cases[i].name;
  }
}

}  // namespace
}  // namespace harness::verify
