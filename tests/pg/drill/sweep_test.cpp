// A drill of kind pitr_sweep: every point is judged and met; what it leaves is judged again to the same end, and to
// another when a commit is taken out of the evidence. Beside it one whose source fails over to another timeline.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "backup_engine/base/file.hpp"
#include "reports/record/evidence.hpp"
#include "tests/pg/drill/written_scenario.hpp"

namespace harness::drill {
namespace {

namespace fs = std::filesystem;
namespace record = reports::record;
using record::Verdict;
using testing::Each;
using testing::Field;
using testing::Ge;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;
using testing::SizeIs;

constexpr auto lost = R"(  - backup: full
  - load: { for: 200ms, keep_running: true }
  - backup: incremental
  - restore_point: under-load
  - mark: here
  - load: { for: 200ms, keep_running: true }
  - disaster: lose_server
)";

// In the middle of it the source is lost, and its standby goes on.
constexpr auto failed_over = R"(  - backup: full
  - load: { for: 200ms, keep_running: true }
  - disaster: fail_over
  - load: { for: 200ms, keep_running: true }
  - mark: on-the-new-timeline
  - disaster: lose_server
)";

class SweepDrill : public testing::Test {
 protected:
  struct Run : SuiteRun {
    Run()
        : SuiteRun({{"swept", lost, "kind: pitr_sweep, points: 30", "ledger"},
                    {"failed-over", failed_over, "kind: pitr_sweep, points: 12", "ledger", "60s"}}) {}
    using SuiteRun::drill_directory;
    using SuiteRun::lifeboat;
    using SuiteRun::path;
  };
  static void SetUpTestSuite() { run_ = std::make_unique<Run>(); }
  static void TearDownTestSuite() { run_.reset(); }

  static record::Report report() {
    auto found = run_->report("swept");
    if (!found.sweep) throw std::runtime_error("the drill came to no sweep: " + run_->words);
    return found;
  }
  static const record::Check& check(const record::Report& report) {
    const auto found =
        std::find_if(report.checks.begin(), report.checks.end(), [](const auto& c) { return c.name == "sweep"; });
    if (found == report.checks.end()) throw std::runtime_error("the report has no check sweep");
    return *found;
  }
  static std::unique_ptr<Run> run_;
};
std::unique_ptr<SweepDrill::Run> SweepDrill::run_;

TEST_F(SweepDrill, MeetsEveryPoint) {
  const auto found = report();
  // What the lost server had not sent yet is the RPO's business: the drill may miss its objective.
  EXPECT_EQ(check(found).verdict, Verdict::pass) << check(found).summary << run_->words;
  const auto& sweep = *found.sweep;
  EXPECT_EQ(sweep.met, sweep.planned);
  EXPECT_EQ(sweep.judged, sweep.points.size());
  EXPECT_THAT(sweep.points, Each(Field(&record::Sweep::Point::met, std::optional(true))));
  EXPECT_THAT(run_->left_processes, testing::IsEmpty());
}

TEST_F(SweepDrill, HasEveryBoundaryAndEachKindOfTarget) {
  std::set<std::string> boundaries, targets, own_boundaries;
  std::size_t shared = 0;
  const auto sweep = *report().sweep;
  for (const auto& point : sweep.points) {
    boundaries.insert(point.boundary);
    if (point.way == "own") {
      targets.insert(point.target.type + (point.target.inclusive ? "" : " exclusive"));
      own_boundaries.insert(point.boundary);
    }
    shared += point.way == "shared" ? 1U : 0U;
  }
  EXPECT_THAT(shared, Ge(24U));  // of the 30 wanted: a slow machine writes WAL of few records
  EXPECT_THAT(boundaries,
              IsSupersetOf({"backup_stop", "first_record", "before_last_record", "last_record", "before_commit",
                            "in_commit", "after_commit", "segment_end", "segment_start", "restore_point", "random"}));
  EXPECT_THAT(own_boundaries, IsSupersetOf({"first_record", "segment_start", "segment_first_record", "last_record",
                                            "before_last_record", "restore_point", "backup_stop"}));
  EXPECT_EQ(targets, (std::set<std::string>{"immediate", "lsn", "lsn exclusive", "name", "time", "time exclusive",
                                            "xid", "xid exclusive"}));
}

TEST_F(SweepDrill, GoesFromNoneOfTheLoadToAllOfIt) {
  const auto sweep = *report().sweep;
  std::vector<std::uint64_t> expected;
  for (const auto& point : sweep.points) {
    if (point.way == "shared") expected.push_back(point.expected.value());
  }
  EXPECT_TRUE(std::is_sorted(expected.begin(), expected.end()));
  EXPECT_THAT(expected.back(), testing::Gt(expected.front()));
}

TEST_F(SweepDrill, IsDrawnInBothReports) {
  const auto page = backup_engine::base::read_file(run_->drill_directory("swept") / "report.html");
  EXPECT_THAT(page, HasSubstr("class=\"timeline sweep\""));
  EXPECT_THAT(page, HasSubstr("segment start"));
  EXPECT_THAT(backup_engine::base::read_file(run_->drill_directory("swept") / "report.md"),
              HasSubstr("### Sweep over the WAL: ✓"));
}

TEST_F(SweepDrill, IsJudgedAgainToTheSameEnd) {
  const auto again = run_->path("again");
  const auto ended = run_->lifeboat({"judge", run_->drill_directory("swept").string(), "--out", again.string()});
  EXPECT_EQ(ended.code, run_->code) << ended.words;
  const auto judged = record::read_report(again / "report.json");
  ASSERT_TRUE(judged.sweep);
  EXPECT_EQ(judged.sweep->met, report().sweep->met);
  EXPECT_EQ(check(judged).verdict, Verdict::pass);
}

// The sabotage twin: one commit is taken out of what the recovery held at one point.
TEST_F(SweepDrill, FailsAndNamesACommitThatWasLost) {
  const auto copy = run_->path("harmed");
  fs::copy(run_->drill_directory("swept"), copy, fs::copy_options::recursive);
  const auto file = copy / "evidence" / "sweep.json";
  auto evidence = nlohmann::json::parse(backup_engine::base::read_file(file));
  auto& points = evidence.at("points");
  const auto harmed =
      std::find_if(points.begin(), points.end(), [](const auto& point) { return !point.at("appeared").empty(); });
  ASSERT_NE(harmed, points.end());
  const auto xid = harmed->at("appeared").front().template get<std::uint64_t>();
  harmed->at("appeared").erase(harmed->at("appeared").begin());
  std::ofstream(file) << evidence;
  const auto again = run_->path("judged");
  const auto ended = run_->lifeboat({"judge", copy.string(), "--out", again.string()});
  EXPECT_EQ(ended.code, 1) << ended.words;
  const auto judged = record::read_report(again / "report.json");
  EXPECT_EQ(check(judged).verdict, Verdict::fail);
  ASSERT_THAT(check(judged).findings, Not(testing::IsEmpty()));
  const auto& finding = check(judged).findings.front();
  EXPECT_EQ(finding.xid, std::to_string(static_cast<std::uint32_t>(xid)));
  EXPECT_THAT(finding.lsn, HasSubstr("/"));
  EXPECT_THAT(finding.time, HasSubstr("T"));
}

TEST_F(SweepDrill, GoesOverTheForkOfTheTimelinesWhereTheSourceFailedOver) {
  const auto found = run_->report("failed-over");
  ASSERT_THAT(found.restores, SizeIs(1)) << run_->words;
  EXPECT_THAT(found.checks, Each(Field(&record::Check::verdict, Verdict::pass))) << run_->words;
  EXPECT_EQ(found.restores[0].exact.met, true);
  EXPECT_EQ(found.backups.at(0).timeline, 1U);
  ASSERT_THAT(found.disasters, SizeIs(2));
  EXPECT_EQ(found.disasters[0].kind, "fail_over");
  EXPECT_THAT(found.disasters[0].detail, HasSubstr("goes on as timeline 2"));
  std::map<std::string, std::uint32_t> timelines;
  const auto sweep = found.sweep.value();
  for (const auto& point : sweep.points) timelines.emplace(point.boundary, point.timeline);
  EXPECT_EQ(timelines.at("before_fork"), 1U);
  EXPECT_EQ(timelines.at("after_fork"), 2U);
  EXPECT_EQ(timelines.count("fork"), 1U);
  const auto order = record::read_evidence(run_->directory_of("failed-over")).commit_order.value();
  ASSERT_THAT(order.line, SizeIs(2));
  EXPECT_EQ(order.reached_timeline, 2U);
  for (const auto timeline : {1U, 2U}) {
    EXPECT_THAT(order.records, testing::Contains(Field(&record::CommitRecord::timeline, timeline)));
  }
}

// The sabotage twin: what a recovery would hold that ended where the old timeline was left.
TEST_F(SweepDrill, FailsARecoveryThatStaysOnTheTimelineThatWasLeft) {
  const auto copy = run_->path("stayed");
  fs::copy(run_->directory_of("failed-over"), copy, fs::copy_options::recursive);
  auto evidence = record::read_evidence(copy);
  auto& order = evidence.commit_order.value();
  std::set<std::uint64_t> later;
  for (const auto& commit : order.records) {
    if (commit.timeline == 2) later.insert(commit.xid);
  }
  std::erase_if(order.xids_present, [&](auto xid) { return later.contains(xid); });
  std::erase_if(evidence.ledger.value().rows, [&](const auto& row) { return later.contains(row.xid); });
  order.reached_lsn = order.line.front().end_lsn;
  order.reached_timeline = 1;
  record::write_evidence(copy, evidence);
  const auto again = run_->path("stayed-judged");
  const auto ended = run_->lifeboat({"judge", copy.string(), "--out", again.string()});
  EXPECT_EQ(ended.code, 1) << ended.words;
  const auto judged = record::read_report(again / "report.json");
  EXPECT_EQ(judged.restores.at(0).exact.met, false);
  const auto failed = std::find_if(judged.checks.begin(), judged.checks.end(),
                                   [](const auto& each) { return each.name == "commit_order"; });
  ASSERT_NE(failed, judged.checks.end());
  EXPECT_EQ(failed->verdict, Verdict::fail);
  EXPECT_THAT(failed->findings, testing::Contains(Field(&record::Finding::text, HasSubstr("lost: acknowledged"))));
}

}  // namespace
}  // namespace harness::drill
