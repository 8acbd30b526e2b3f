// A drill that is told to end, or killed, in the middle of its work.
#include <gmock/gmock.h>

#include <fstream>

#include "backup_engine/base/file.hpp"
#include "reports/record/journal.hpp"
#include "reports/record/report.hpp"
#include "tests/pg/drill/lifeboat_command.hpp"

namespace harness::drill {
namespace {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr int interrupted = 130;

class InterruptedDrill : public LifeboatCommand {
 protected:
  static base::Deadline soon() { return base::Deadline::after(std::chrono::minutes(5)); }

  void expect_torn_down(const std::string& scenario, pid_t pid) {
    EXPECT_THAT(processes(), IsEmpty());
    EXPECT_THAT(directories_made_by(pid), IsEmpty());
    const auto report = reports::record::read_report(drill_directory(scenario) / "report.json");
    EXPECT_EQ(report.verdict, reports::record::Verdict::unknown);
    EXPECT_EQ(report.cleanup.verdict, reports::record::Verdict::pass);
    EXPECT_THAT(report.cleanup.left_behind, IsEmpty());
    EXPECT_THAT(report.checks, Contains(Field(&reports::record::Check::summary, HasSubstr("interrupted"))));
  }
};

TEST_F(InterruptedDrill, IsTornDownWhenInterruptedUnderLoad) {
  auto drill = started({"run", write_scenario("interrupted", "60s"), "--out", out()}, "words");
  wait_for_event("interrupted", "load.begin", 2);
  ASSERT_THAT(directories_made_by(drill.pid()), Not(IsEmpty()));
  drill.send(SIGINT);
  EXPECT_EQ(drill.wait(soon()).code, interrupted) << base::read_file(path("words"));
  expect_torn_down("interrupted", drill.pid());
}

TEST_F(InterruptedDrill, IsTornDownWhenTerminatedWhileItRecovers) {
  auto drill = started({"run", write_scenario("terminated", "200ms"), "--out", out()}, "words");
  wait_for_event("terminated", "recovery.begin");
  drill.send(SIGTERM);
  EXPECT_EQ(drill.wait(soon()).code, interrupted) << base::read_file(path("words"));
  expect_torn_down("terminated", drill.pid());
}

TEST_F(InterruptedDrill, IsTornDownWhenInterruptedWhileAProbeWaitsForItsAnswer) {
  const auto scenario = write_scenario("asking", "200ms");
  std::ofstream(path("endless.sql")) << "-- name: endless\nSELECT pg_sleep(1000000);\n";
  auto text = base::read_file(scenario);
  text.replace(text.find("[ledger, content]"), 17, "[{ sql: endless.sql }]");
  std::ofstream(scenario) << text;
  auto drill = started({"run", scenario, "--out", out()}, "words");
  wait_for_event("asking", "probe", 5);
  drill.send(SIGINT);
  EXPECT_EQ(drill.wait(soon()).code, interrupted) << base::read_file(path("words"));
  expect_torn_down("asking", drill.pid());
}

TEST_F(InterruptedDrill, LeavesNoProcessWhenKilledAndTheNextRunRemovesTheRest) {
  auto killed = started({"run", write_scenario("killed", "60s"), "--out", out()}, "words");
  wait_for_event("killed", "load.begin", 2);
  const auto running = processes();
  EXPECT_THAT(running, Contains(HasSubstr("postgres")));
  EXPECT_THAT(running, Contains(HasSubstr("wal receive")));
  EXPECT_THAT(running, Contains(HasSubstr("pg_receivewal")));
  killed.send(SIGKILL);
  EXPECT_EQ(killed.wait(soon()).signal, SIGKILL);
  wait_until_no_process_is_left();
  ASSERT_THAT(directories_made_by(killed.pid()), Not(IsEmpty())) << "nobody was there to remove them";

  auto next = started({"run", write_scenario("next", "60s"), "--out", out()}, "next words");
  wait_for_event("next", "source.witness");
  EXPECT_THAT(directories_made_by(killed.pid()), IsEmpty());
  EXPECT_TRUE(fs::exists(drill_directory("killed") / "journal.jsonl")) << "what it had found out stays";
  next.send(SIGINT);
  EXPECT_EQ(next.wait(soon()).code, interrupted) << base::read_file(path("next words"));
  EXPECT_THAT(directories_made_by(next.pid()), IsEmpty());
}

}  // namespace
}  // namespace harness::drill
