// Drills whose source outlives its disaster, one for each way to name a point in time, all run by the executable at
// once.
#include <gmock/gmock.h>

#include <memory>

#include "tests/pg/drill/written_scenario.hpp"

namespace harness::drill {
namespace {

namespace record = reports::record;
using record::Verdict;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::Ge;
using testing::Gt;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// The mark stands directly before the disaster, so that it says what must be found there too; the load that follows is
// what the restore gives up.
constexpr auto before_the_harm = R"(  - backup: full
  - load: { for: 300ms }
  - mark: before
  - disaster: { drop_table: shop.documents }
  - load: { for: 300ms }
)";

constexpr auto under_load = R"(  - load: { for: 300ms, keep_running: true }
  - backup: full
  - load: { for: 300ms, keep_running: true }
  - restore_point: under-load
  - load: { for: 300ms, keep_running: true }
  - disaster: { drop_table: shop.documents }
  - load: { for: 300ms, keep_running: true }
)";

std::vector<WrittenScenario> scenarios() {
  return {
      {"by-mark", before_the_harm, "kind: pitr, target: { mark: before }"},
      {"by-time", before_the_harm, "kind: pitr, target: { time: disaster, inclusive: false }"},
      {"by-lsn", before_the_harm, "kind: pitr, target: { lsn: disaster, inclusive: false }"},
      {"by-xid", under_load, "kind: pitr, target: { xid: under-load }", "ledger"},
      {"by-name", under_load, "kind: pitr, target: { name: under-load }", "ledger, constraints"},
  };
}

class RecoveryTarget : public testing::Test {
 protected:
  // Drilled once for all tests: it takes seconds.
  static void SetUpTestSuite() { run_ = std::make_unique<SuiteRun>(scenarios()); }
  static void TearDownTestSuite() { run_.reset(); }

  static record::Report report(const std::string& scenario) { return run_->report(scenario); }
  static record::JournalEvent event(const std::string& scenario, const std::string& name) {
    return run_->event(scenario, name);
  }
  static std::unique_ptr<SuiteRun> run_;
};
std::unique_ptr<SuiteRun> RecoveryTarget::run_;

TEST_F(RecoveryTarget, IsReachedExactlyByEveryKindOfTarget) {
  EXPECT_EQ(run_->code, 0) << run_->words;
  for (const auto& scenario : scenarios()) {
    SCOPED_TRACE(scenario.name);
    const auto found = report(scenario.name);
    EXPECT_EQ(found.verdict, Verdict::pass);
    EXPECT_THAT(found.checks, Each(Field(&record::Check::verdict, Verdict::pass)));
    ASSERT_THAT(found.restores, SizeIs(1));
    const auto& restore = found.restores.front();
    EXPECT_EQ(restore.kind, "pitr");
    EXPECT_EQ(restore.outcome, "recovered");
    EXPECT_EQ(restore.exact.met, true);
    EXPECT_THAT(restore.exact.expected.value(), Gt(0U));
    EXPECT_EQ(restore.rpo.lost, 0U);
    EXPECT_THAT(restore.rpo.discarded.value(), Gt(0U));
  }
  EXPECT_THAT(run_->left_processes, IsEmpty());
}

TEST_F(RecoveryTarget, StandsInTheReportAsPostgresqlWasGivenIt) {
  EXPECT_EQ(report("by-mark").restores.front().target.value, "lifeboat-before");
  EXPECT_EQ(report("by-name").restores.front().target.value, "under-load");
  EXPECT_EQ(report("by-time").restores.front().target.value, event("by-time", "disaster.struck").details.at("time"));
  EXPECT_FALSE(report("by-time").restores.front().target.inclusive);
  EXPECT_EQ(report("by-lsn").restores.front().target.value, event("by-lsn", "disaster.struck").details.at("lsn"));
  const auto by_xid = report("by-xid").restores.front();
  EXPECT_EQ(by_xid.target.type, "xid");
  EXPECT_EQ(by_xid.reached.xid, by_xid.target.value);
}

TEST_F(RecoveryTarget, CountsTheStepsAfterTheDisasterAsDetection) {
  const auto rto = report("by-mark").restores.front().rto;
  std::vector<std::string> names;
  for (const auto& phase : rto.phases) names.push_back(phase.name);
  EXPECT_THAT(names, ElementsAre("detect", "provision", "fetch", "restore", "replay", "consistent", "readable",
                                 "writable", "verified"));
  constexpr auto loaded_seconds = 0.3;
  EXPECT_THAT(rto.phases.front().seconds, Ge(loaded_seconds));
  EXPECT_THAT(rto.writable_seconds.value(), Gt(rto.phases.front().seconds));
}

TEST_F(RecoveryTarget, ShutsTheSourceDownInGoodOrder) {
  EXPECT_EQ(event("by-mark", "source.ended").details.at("status"), "exit code 0");
}

}  // namespace
}  // namespace harness::drill
