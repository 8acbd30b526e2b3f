// A drill that restores three times, run by the executable: what its report says of all three, what is left of them,
// and what judging it again says. Another is interrupted in the second restore.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <memory>

#include "backup_engine/base/file.hpp"
#include "reports/record/journal.hpp"
#include "reports/record/report.hpp"
#include "tests/pg/drill/lifeboat_command.hpp"

namespace harness::drill {
namespace {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
namespace record = reports::record;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

base::Deadline soon() {
  return base::Deadline::after(std::chrono::minutes(2));
}

class Repeating : public LifeboatCommand {
 public:
  using LifeboatCommand::directories_made_by;
  using LifeboatCommand::drill_directory;
  using LifeboatCommand::lifeboat;
  using LifeboatCommand::out;
  using LifeboatCommand::path;
  using LifeboatCommand::processes;
  using LifeboatCommand::wait_for_event;
  void TestBody() override {}

  // A load of a moment, then three restores.
  [[nodiscard]] process::Subprocess run(const std::string& name, const Arguments& more) const {
    const auto file = write_scenario(name, "200ms");
    auto text = base::read_file(file);
    const std::string objectives = "rpo: 5s }";
    text.replace(text.find(objectives), objectives.size(), "rpo: 5s, at_size: [1GB, 500GB] }\nrepeat: 3");
    std::ofstream(file) << text;
    Arguments arguments{"run", file, "--out", out()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return started(arguments, name + " words");
  }
};

class RepeatedDrill : public testing::Test {
 protected:
  // Both drilled once for all tests, at the same time: it takes seconds.
  struct Runs {
    Runs() {
      auto whole = three.run("three-times", {"--keep", "always"});
      auto cut = interrupted.run("interrupted", {});
      interrupted.wait_for_event("interrupted", "restore.begin", 2);
      cut.send(SIGINT);
      interrupted_pid = cut.pid();
      interrupted_code = cut.wait(soon()).code;
      code = whole.wait(soon()).code;
      words = base::read_file(three.path("three-times words"));
      report = record::read_report(three.drill_directory("three-times") / "report.json");
    }
    Repeating three, interrupted;
    pid_t interrupted_pid = -1;
    int code = -1, interrupted_code = -1;
    std::string words;
    record::Report report;
  };
  static void SetUpTestSuite() { runs_ = std::make_unique<Runs>(); }
  static void TearDownTestSuite() {
    if (runs_) fs::remove_all(kept());
    runs_.reset();
  }

  static const record::Report& report() { return runs_->report; }
  // The workplace that was kept on purpose; empty when none was.
  static fs::path kept() {
    const std::string prefix = "kept on purpose: ";
    for (const auto& left : report().cleanup.left_behind) {
      if (left.starts_with(prefix)) return left.substr(prefix.size());
    }
    return {};
  }
  static std::unique_ptr<Runs> runs_;
};
std::unique_ptr<RepeatedDrill::Runs> RepeatedDrill::runs_;

TEST_F(RepeatedDrill, JudgesEveryRepeatAndPasses) {
  EXPECT_EQ(runs_->code, 0) << runs_->words;
  ASSERT_THAT(report().restores, SizeIs(3));
  for (unsigned i = 0; i < 3; ++i) {
    SCOPED_TRACE(i + 1);
    const auto& restore = report().restores[i];
    EXPECT_EQ(restore.repeat, i + 1);
    EXPECT_EQ(restore.outcome, "recovered");
    EXPECT_EQ(restore.rto.met, true);
    EXPECT_EQ(restore.exact.met, true);
    EXPECT_EQ(restore.reached.lsn, report().restores.back().reached.lsn);
    EXPECT_GT(restore.volume.restored_bytes.value_or(0), 0U);
    EXPECT_GT(restore.volume.replayed_wal_bytes.value_or(0), 0U);
    EXPECT_TRUE(restore.volume.replay_seconds.has_value());
  }
  EXPECT_GT(report().restores.back().exact.expected.value_or(0), 0U) << "the last is examined";
  EXPECT_EQ(report().environment.settings.at("repository_cache"), "cold");
}

const record::Phase& phase_of(const record::RestoreRecord& restore, const std::string& name) {
  return *std::find_if(restore.rto.phases.begin(), restore.rto.phases.end(),
                       [&](const auto& phase) { return phase.name == name; });
}

TEST_F(RepeatedDrill, HasTheStatisticsOfWhatThePhasesSay) {
  ASSERT_TRUE(report().statistics);
  const auto& statistics = *report().statistics;
  EXPECT_EQ(statistics.repeats, 3U);
  ASSERT_THAT(statistics.phases, SizeIs(8)) << "all but the verification";
  for (const auto& spread : statistics.phases) {
    SCOPED_TRACE(spread.name);
    std::vector<double> seconds;
    for (const auto& restore : report().restores) seconds.push_back(phase_of(restore, spread.name).seconds);
    std::sort(seconds.begin(), seconds.end());
    EXPECT_EQ(spread.samples, 3U);
    EXPECT_DOUBLE_EQ(spread.minimum_seconds, seconds[0]);
    EXPECT_DOUBLE_EQ(spread.median_seconds, seconds[1]);
    EXPECT_DOUBLE_EQ(spread.percentile_95_seconds, seconds[2]);
    EXPECT_DOUBLE_EQ(spread.maximum_seconds, seconds[2]);
  }
  ASSERT_THAT(statistics.milestones, SizeIs(3));
  std::vector<double> writable;
  for (const auto& restore : report().restores) writable.push_back(restore.rto.writable_seconds.value());
  std::sort(writable.begin(), writable.end());
  EXPECT_DOUBLE_EQ(statistics.milestones.back().median_seconds, writable[1]);
  ASSERT_THAT(statistics.extrapolations, SizeIs(2));
  const auto& near = statistics.extrapolations.front();
  EXPECT_GT(near.factor.value(), 1);
  EXPECT_GT(near.rto_seconds.value(), writable[0]);
  EXPECT_THAT(statistics.extrapolations.back().caveat, HasSubstr("An order of magnitude at best"));
  EXPECT_THAT(statistics.notes, Contains(HasSubstr("The 95th percentile of 3 samples is their maximum")));
}

TEST_F(RepeatedDrill, BeginsEachRepeatWithoutWhatTheOneBeforeRestored) {
  EXPECT_THAT(runs_->three.processes(), IsEmpty());
  const auto logs = runs_->three.drill_directory("three-times") / "logs";
  for (const auto* const log : {"restored-1.log", "restored-2.log", "restored.log"}) {
    const auto text = base::read_file(logs / log);
    EXPECT_THAT(text, HasSubstr("archive recovery complete")) << log;
    const std::string start = "] LOG:  starting PostgreSQL";
    EXPECT_EQ(text.find(start), text.rfind(start)) << log << " is of one server";
  }
  ASSERT_FALSE(kept().empty());
  int clusters = 0;
  for (const auto& entry : fs::directory_iterator(kept())) {
    clusters += fs::exists(entry.path() / "PG_VERSION") ? 1 : 0;
  }
  EXPECT_TRUE(fs::exists(kept() / "restored" / "PG_VERSION"));
  EXPECT_EQ(clusters, 2) << "the last one, and the copy that is examined";
}

TEST_F(RepeatedDrill, IsJudgedAgainToTheSame) {
  const auto drill = runs_->three.drill_directory("three-times");
  const auto again = runs_->three.lifeboat({"judge", drill.string()});
  EXPECT_EQ(again.code, 0) << again.words;
  auto judged = record::read_report(drill / "judged" / "report.json");
  ASSERT_EQ(judged.checks.size(), report().checks.size());
  for (std::size_t i = 0; i < judged.checks.size(); ++i) judged.checks[i].seconds = report().checks[i].seconds;
  EXPECT_EQ(to_json(judged), to_json(report()));
}

TEST_F(RepeatedDrill, ShowsThemInMarkdownAndHtml) {
  const auto drill = runs_->three.drill_directory("three-times");
  EXPECT_THAT(base::read_file(drill / "report.md"), HasSubstr("### Over 3 restores"));
  EXPECT_THAT(base::read_file(drill / "report.md"), HasSubstr("met by 3 of 3 repeats"));
  EXPECT_THAT(base::read_file(drill / "report.html"), HasSubstr("<h3>Over 3 restores</h3>"));
}

TEST_F(RepeatedDrill, IsTornDownInTheSecondRepeatAndKeepsWhatTheFirstTook) {
  const auto& command = runs_->interrupted;
  EXPECT_EQ(runs_->interrupted_code, 130) << base::read_file(command.path("interrupted words"));
  EXPECT_THAT(command.processes(), IsEmpty());
  EXPECT_THAT(command.directories_made_by(runs_->interrupted_pid), IsEmpty());
  const auto found = record::read_report(command.drill_directory("interrupted") / "report.json");
  EXPECT_EQ(found.verdict, record::Verdict::unknown);
  EXPECT_EQ(found.cleanup.verdict, record::Verdict::pass);
  EXPECT_THAT(found.checks, Contains(Field(&record::Check::summary, HasSubstr("interrupted"))));
  ASSERT_THAT(found.restores, SizeIs(1));
  EXPECT_EQ(found.restores[0].repeat, 1U);
  EXPECT_THAT(found.restores[0].rto.phases, Not(IsEmpty()));
  EXPECT_FALSE(found.statistics.has_value());
}

}  // namespace
}  // namespace harness::drill
