// Drills that restore over the source's own directory, one of which takes it back: run by the executable at once.
#include <gmock/gmock.h>

#include <algorithm>
#include <memory>

#include "backup_engine/base/file.hpp"
#include "tests/pg/drill/written_scenario.hpp"

namespace harness::drill {
namespace {

namespace record = reports::record;
using record::Verdict;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto before_the_harm = R"(  - backup: full
  - load: { for: 300ms }
  - mark: before
  - disaster: { delete_rows: audit.order_events }
  - load: { for: 300ms, keep_running: true }
)";

std::vector<WrittenScenario> scenarios() {
  return {
      {"in-place", before_the_harm, "kind: pitr, target: { mark: before }, in_place: true"},
      {"rolled-back", before_the_harm, "kind: pitr, target: { mark: before }, in_place: true, roll_back: true"},
  };
}

struct Drills : SuiteRun {
  using LifeboatCommand::drill_directory;
  using LifeboatCommand::lifeboat;
  using SuiteRun::SuiteRun;
};

class InPlaceDrill : public testing::Test {
 protected:
  // Drilled once for all tests: it takes seconds.
  static void SetUpTestSuite() { run_ = std::make_unique<Drills>(scenarios()); }
  static void TearDownTestSuite() { run_.reset(); }

  static const record::Check* check_of(const record::Report& report, const std::string& name) {
    const auto found =
        std::find_if(report.checks.begin(), report.checks.end(), [&](const auto& check) { return check.name == name; });
    return found == report.checks.end() ? nullptr : &*found;
  }
  static void expect_recovered(const std::string& scenario) {
    const auto found = run_->report(scenario);
    EXPECT_EQ(found.verdict, Verdict::pass) << run_->words;
    ASSERT_THAT(found.restores, SizeIs(1));
    const auto& restore = found.restores.front();
    EXPECT_EQ(restore.outcome, "recovered");
    EXPECT_EQ(restore.exact.met, true);
    EXPECT_EQ(restore.rto.met, true);
    EXPECT_EQ(restore.rpo.met, true);
    EXPECT_THAT(restore.notes, testing::Contains(HasSubstr("restored in place")));
    // It is the source's directory that was recovered in.
    EXPECT_THAT(run_->event(scenario, "restore.begin").details.at("text"), HasSubstr("in place of the source"));
    EXPECT_EQ(found.cleanup.verdict, Verdict::pass);
  }
  static std::unique_ptr<Drills> run_;
};
std::unique_ptr<Drills> InPlaceDrill::run_;

TEST_F(InPlaceDrill, RecoversInTheSourcesOwnDirectory) {
  expect_recovered("in-place");
  EXPECT_EQ(check_of(run_->report("in-place"), "roll_back"), nullptr) << "nobody asked for it";
}

TEST_F(InPlaceDrill, FindsTheOldClusterAsItWasOnceItIsRolledBack) {
  expect_recovered("rolled-back");
  const auto report = run_->report("rolled-back");
  const auto* const check = check_of(report, "roll_back");
  ASSERT_NE(check, nullptr);
  EXPECT_EQ(check->verdict, Verdict::pass) << check->summary;
  EXPECT_THAT(check->expected, HasSubstr("timeline 1"));
  EXPECT_GT(check->seconds, 0);
  EXPECT_THAT(run_->log("rolled-back", "rolled-back"), HasSubstr("database system was shut down at"));
}

TEST_F(InPlaceDrill, IsJudgedAgainFromItsEvidence) {
  const auto drill = run_->drill_directory("rolled-back");
  const auto judged = run_->lifeboat({"judge", drill.string()});
  EXPECT_EQ(judged.code, 0) << judged.words;
  const auto again = record::read_report(drill / "judged" / "report.json");
  ASSERT_NE(check_of(again, "roll_back"), nullptr);
  EXPECT_EQ(check_of(again, "roll_back")->verdict, Verdict::pass);
}

TEST_F(InPlaceDrill, LeavesNoProcessBehind) {
  EXPECT_EQ(run_->code, 0) << run_->words;
  EXPECT_THAT(run_->left_processes, IsEmpty());
}

}  // namespace
}  // namespace harness::drill
