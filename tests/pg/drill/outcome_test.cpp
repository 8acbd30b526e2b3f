// What a scenario expects of its restore, and what came of it: refusals that are wanted, refusals and recoveries that
// are not, each after the same disasters; and a recovery from what ransomware left. All run by the executable at once.
#include <gmock/gmock.h>

#include <memory>

#include "backup_engine/base/file.hpp"
#include "harness/process/volume.hpp"
#include "tests/pg/drill/written_scenario.hpp"

namespace harness::drill {
namespace {

namespace record = reports::record;
using record::Verdict;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto lost_segment = R"(  - backup: full
  - load: { for: 200ms }
  - restore_point: lost
  - disaster: { lose_segment: lost }
  - load: { for: 200ms }
  - disaster: kill_server
)";
// The same without the loss.
constexpr auto whole = R"(  - backup: full
  - load: { for: 200ms }
  - restore_point: lost
  - load: { for: 200ms }
  - disaster: kill_server
)";
// Nothing switches to another segment between the two points.
constexpr auto one_segment_twice = R"(  - backup: full
  - restore_point: a
  - restore_point: b
  - disaster: { lose_segment: a }
  - disaster: { damage_segment: b }
  - disaster: lose_server
)";
constexpr auto ransomware = R"(  - backup: full
  - load: { for: 200ms }
  - backup: full
  - disaster: { interrupt_backup: incremental }
  - mark: here
  - load: { for: 200ms }
  - mark: there
  - disaster: { encrypt_files: { newest_backups: 1 } }
)";
constexpr auto broken_for_a_while = R"(  - backup: full
  - mark: here
  - disaster: break_archiving
  - load: { for: 200ms }
  - disaster: lose_server
)";
constexpr auto full_disk = R"(  - backup: full
  - load: { for: 200ms, keep_running: true }
  - disaster: fill_disk
)";
constexpr auto to_the_end = "kind: full, target: end_of_wal";

std::vector<WrittenScenario> scenarios() {
  const std::string to = to_the_end;
  std::vector<WrittenScenario> all{
      {"refused-as-expected", lost_segment, to + ", expect: { refused: wal_gap }", ""},
      {"refused-for-another-reason", lost_segment, to + ", expect: { refused: key_missing }", ""},
      {"refused-unexpectedly", lost_segment, to, "ledger"},
      {"one-segment-twice", one_segment_twice, to + ", expect: { refused: wal_gap }", ""},
      {"recovered-unexpectedly", whole, to + ", expect: { refused: wal_gap }", ""},
      {"encrypted", ransomware, to + ", struck_by: kill_restore", "ledger, content"},
      {"archiving-broken", broken_for_a_while, to + ", struck_by: kill_server", "ledger, content", "60s"}};
  if (process::why_no_volume().empty()) all.push_back({"full-disk", full_disk, to, "ledger", "60s"});
  return all;
}

class Outcome : public testing::Test {
 protected:
  // Drilled once for all tests: it takes seconds.
  static void SetUpTestSuite() { run_ = std::make_unique<SuiteRun>(scenarios()); }
  static void TearDownTestSuite() { run_.reset(); }

  static record::Check judged_outcome(const std::string& scenario) {
    const auto report = run_->report(scenario);
    for (const auto& check : report.checks) {
      if (check.name == "outcome") return check;
    }
    ADD_FAILURE() << scenario << " has no such check\n" << run_->words;
    return {};
  }
  static std::string page(const std::string& scenario, const std::string& name) {
    return backup_engine::base::read_file(run_->directory_of(scenario) / name);
  }
  static std::unique_ptr<SuiteRun> run_;
};
std::unique_ptr<SuiteRun> Outcome::run_;

TEST_F(Outcome, PassesTheRefusalThatWasExpected) {
  const auto found = run_->report("refused-as-expected");
  EXPECT_EQ(found.verdict, Verdict::pass) << run_->words;
  const auto check = judged_outcome("refused-as-expected");
  EXPECT_EQ(check.name, "outcome");
  EXPECT_EQ(check.verdict, Verdict::pass);
  EXPECT_THAT(check.summary, HasSubstr("is missing from"));
  EXPECT_EQ(found.restores.at(0).reason, "wal_gap");
  EXPECT_FALSE(found.restores.at(0).rto.writable_seconds || found.restores.at(0).rpo.lost);
  EXPECT_THAT(found.not_tested, testing::Contains(HasSubstr("nothing came back")));
  for (const auto* const name : {"report.md", "report.html"}) {
    EXPECT_THAT(page("refused-as-expected", name), HasSubstr("refused (wal_gap), as expected")) << name;
  }
}

TEST_F(Outcome, SaysTheSameWhenItIsJudgedAgain) {
  EXPECT_EQ(run_->judged_again("refused-as-expected"), 0);
  EXPECT_EQ(run_->judged_again("refused-for-another-reason"), 1);
}

TEST_F(Outcome, RecordsEveryDisasterInOrder) {
  const auto found = run_->report("refused-as-expected");
  ASSERT_THAT(found.disasters, SizeIs(2));
  EXPECT_EQ(found.disasters[0].kind, "lose_segment");
  EXPECT_THAT(found.disasters[0].detail, HasSubstr("removed in the repository, the WAL that holds \"lost\""));
  EXPECT_EQ(found.disasters[1].kind, "kill_server");
}

TEST_F(Outcome, FailsARefusalForAnotherReasonAndNamesBoth) {
  EXPECT_EQ(run_->report("refused-for-another-reason").verdict, Verdict::fail);
  const auto check = judged_outcome("refused-for-another-reason");
  EXPECT_EQ(check.expected, "refused (key_missing)");
  EXPECT_EQ(check.actual, "refused (wal_gap)");
  EXPECT_THAT(page("refused-for-another-reason", "report.md"), HasSubstr("expected: refused (key_missing)"));
}

TEST_F(Outcome, FailsARefusalWhereRecoveryWasExpected) {
  const auto found = run_->report("refused-unexpectedly");
  EXPECT_EQ(found.verdict, Verdict::fail);
  EXPECT_EQ(found.restores.at(0).outcome, "refused");
  EXPECT_THAT(run_->words, HasSubstr("expected to be recovered and was refused (wal_gap)"));
}

// The untouched twin: with the segment in its place the same restore recovers, and that is not what was expected.
TEST_F(Outcome, FailsARecoveryWhereARefusalWasExpected) {
  const auto found = run_->report("recovered-unexpectedly");
  EXPECT_EQ(found.verdict, Verdict::fail) << run_->words;
  EXPECT_EQ(found.restores.at(0).outcome, "recovered");
  const auto check = judged_outcome("recovered-unexpectedly");
  EXPECT_EQ(check.verdict, Verdict::fail);
  EXPECT_THAT(check.summary, AllOf(HasSubstr("must be refused (wal_gap)"), HasSubstr("was recovered")));
}

TEST_F(Outcome, GoesBackToTheLastGoodBackupAndSaysWhatThatCost) {
  const auto found = run_->report("encrypted");
  EXPECT_EQ(found.verdict, Verdict::pass) << run_->words;
  ASSERT_THAT(found.backups, SizeIs(2));
  EXPECT_EQ(found.restores.at(0).backup_label, found.backups[0].label);
  EXPECT_THAT(found.disasters.at(1).detail, HasSubstr(found.backups[1].label));
  EXPECT_THAT(found.restores.at(0).notes,
              testing::Contains(AllOf(HasSubstr("went back to backup " + found.backups[0].label),
                                      HasSubstr("could not be used: " + found.backups[1].label))));
  EXPECT_EQ(found.restores.at(0).rpo.lost, 0U);
}

TEST_F(Outcome, CountsAsLostWhatWasCommittedWhileArchivingWasBroken) {
  const auto found = run_->report("archiving-broken");
  EXPECT_EQ(found.verdict, Verdict::pass) << run_->words;
  EXPECT_GT(found.restores.at(0).rpo.lost, 0U);
  EXPECT_EQ(found.restores.at(0).rpo.lost, found.restores.at(0).rpo.acknowledged);
}

// Its twin, where the server never meets the full disk, is in file_harm_test.cpp.
TEST_F(Outcome, RecoversFromADiskThatPostgresqlItselfFoundFull) {
  ASSERT_EQ(process::why_no_volume(), "");
  const auto found = run_->report("full-disk");
  EXPECT_EQ(found.verdict, Verdict::pass) << run_->words;
  ASSERT_THAT(found.disasters, SizeIs(1));
  EXPECT_EQ(found.disasters[0].kind, "fill_disk");
  EXPECT_THAT(found.disasters[0].detail,
              AllOf(HasSubstr("268.4 MB"), HasSubstr("PANIC:"), HasSubstr("No space left on device")));
  EXPECT_THAT(run_->log("full-disk", "source"), AllOf(HasSubstr("PANIC:  could not write to file \"pg_wal/xlogtemp."),
                                                      HasSubstr("database system is shut down")));
  // "2026-11-20 02:15:00.123 UTC [4711] PANIC: …": from there the clock runs, and not from what a client saw of it.
  const auto log = run_->log("full-disk", "source");
  const auto line = log.rfind('\n', log.find("PANIC:  could not write to file")) + 1;
  EXPECT_THAT(found.disasters[0].at, testing::StartsWith(log.substr(line, 10) + "T" + log.substr(line + 11, 12)));
  EXPECT_GT(found.restores.at(0).rpo.acknowledged, 0U);
  EXPECT_EQ(found.restores.at(0).rpo.unexpected, 0U);
}

TEST_F(Outcome, TakesWhatAnInterruptedBackupLeftForNoBackup) {
  const auto found = run_->report("encrypted");
  ASSERT_THAT(found.disasters, SizeIs(3));
  EXPECT_EQ(found.disasters[0].kind, "interrupt_backup");
  EXPECT_THAT(found.disasters[0].detail, HasSubstr("-incr"));
  for (const auto& backup : found.backups) EXPECT_EQ(backup.type, "full");
}

// The other drills are the twins: none has the phase, and each restores at the first attempt.
TEST_F(Outcome, BeginsARestoreAgainThatWasStruckAndCountsTheTimeLost) {
  const auto phases = [](const std::string& scenario) {
    std::vector<std::string> names;
    const auto report = run_->report(scenario);
    for (const auto& phase : report.restores.at(0).rto.phases) names.push_back(phase.name);
    return names;
  };
  for (const auto& [scenario, by] : {std::pair("encrypted", "kill_restore"), {"archiving-broken", "kill_server"}}) {
    const auto found = run_->report(scenario);
    EXPECT_EQ(found.restores.at(0).outcome, "recovered");
    EXPECT_EQ(found.disasters.back().kind, by);
    EXPECT_THAT(found.disasters.back().detail, HasSubstr("killed (SIGKILL)"));
    EXPECT_THAT(phases(scenario), testing::IsSupersetOf({"provision", "struck", "fetch", "writable"}));
  }
  EXPECT_THAT(phases("recovered-unexpectedly"), testing::Not(testing::Contains("struck")));
  EXPECT_THAT(run_->log("archiving-broken", "killed-server"), HasSubstr("redo starts at"));
}

TEST_F(Outcome, SaysAtOnceThatASegmentWasHarmedAlready) {
  const auto found = run_->report("one-segment-twice");
  EXPECT_EQ(found.verdict, Verdict::unknown);
  EXPECT_THAT(found.disasters, SizeIs(1));
  EXPECT_THAT(found.checks,
              testing::Contains(testing::Field(
                  &record::Check::summary, AllOf(HasSubstr("which holds \"b\", was harmed already: it holds \"a\" too"),
                                                 HasSubstr("take \"b\" behind the first of the two disasters")))));
}

TEST_F(Outcome, LeavesNoProcessBehind) {
  EXPECT_EQ(run_->code, 1);
  EXPECT_THAT(run_->left_processes, IsEmpty());
}

}  // namespace
}  // namespace harness::drill
