// Drills whose restored server pauses or shuts down at its target before it promotes, and one whose target cannot
// be reached, all run by the executable at once.
#include <gmock/gmock.h>

#include <memory>

#include "tests/pg/drill/written_scenario.hpp"

namespace harness::drill {
namespace {

namespace record = reports::record;
using record::Verdict;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto before_the_harm = R"(  - backup: full
  - load: { for: 300ms }
  - mark: before
  - disaster: { delete_rows: audit.order_events }
  - load: { for: 300ms }
)";

// Nothing commits after the point: a time behind the last commit is none that recovery can stop at.
constexpr auto idle_at_the_end = R"(  - backup: full
  - load: { for: 300ms }
  - restore_point: idle
  - disaster: lose_server
)";

std::vector<WrittenScenario> scenarios() {
  return {
      {"paused", before_the_harm, "kind: pitr, target: { mark: before }, action: pause"},
      {"shut-down", before_the_harm, "kind: pitr, target: { lsn: before, inclusive: false }, action: shutdown"},
      {"never-reached", idle_at_the_end, "kind: pitr, target: { time: idle }", "ledger"},
  };
}

class TargetAction : public testing::Test {
 protected:
  // Drilled once for all tests: it takes seconds.
  static void SetUpTestSuite() { run_ = std::make_unique<SuiteRun>(scenarios()); }
  static void TearDownTestSuite() { run_.reset(); }

  static void expect_recovered(const std::string& scenario) {
    const auto found = run_->report(scenario);
    EXPECT_EQ(found.verdict, Verdict::pass) << run_->words;
    ASSERT_THAT(found.restores, SizeIs(1));
    EXPECT_EQ(found.restores.front().outcome, "recovered");
    EXPECT_EQ(found.restores.front().exact.met, true);
    EXPECT_EQ(found.restores.front().rto.met, true);
  }
  static std::unique_ptr<SuiteRun> run_;
};
std::unique_ptr<SuiteRun> TargetAction::run_;

TEST_F(TargetAction, PausesAtTheTargetAndPromotesWhenToldToResume) {
  expect_recovered("paused");
  EXPECT_THAT(run_->log("paused", "restored"),
              AllOf(HasSubstr("pausing at the end of recovery"), HasSubstr("archive recovery complete")));
}

TEST_F(TargetAction, ShutsDownAtTheTargetAndPromotesAtTheNextStart) {
  expect_recovered("shut-down");
  const auto log = run_->log("shut-down", "restored");
  const auto ended = log.find("database system is shut down");
  ASSERT_NE(ended, std::string::npos);
  EXPECT_EQ(log.substr(0, ended).find("archive recovery complete"), std::string::npos);
  EXPECT_NE(log.find("archive recovery complete", ended), std::string::npos);
}

TEST_F(TargetAction, FailsTheDrillWithWhatCanBeReachedWhenTheTargetCannot) {
  EXPECT_EQ(run_->code, 1) << run_->words;
  const auto found = run_->report("never-reached");
  EXPECT_EQ(found.verdict, Verdict::fail);
  ASSERT_THAT(found.restores, SizeIs(1));
  EXPECT_EQ(found.restores.front().outcome, "refused");
  EXPECT_EQ(found.restores.front().target.value, run_->event("never-reached", "restore_point.done").details.at("time"));
  ASSERT_THAT(found.checks, SizeIs(1));
  EXPECT_EQ(found.checks.front().verdict, Verdict::fail);
  EXPECT_THAT(found.checks.front().summary, AllOf(HasSubstr("PostgreSQL stops at a time only before a commit"),
                                                  HasSubstr("What can be reached: from the end of backup")));
}

TEST_F(TargetAction, LeavesNoProcessBehind) {
  EXPECT_THAT(run_->left_processes, IsEmpty());
}

}  // namespace
}  // namespace harness::drill
