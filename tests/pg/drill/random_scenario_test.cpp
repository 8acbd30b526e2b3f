// Scenarios that the dice make: every drill passes, judged again it says the same, and a seed draws the same twice.
// LIFEBOAT_TEST_SEEDS: how many (2; twenty by night).
#include <gmock/gmock.h>

#include <cstdlib>

#include "backup_engine/base/file.hpp"
#include "reports/record/report.hpp"
#include "tests/pg/drill/lifeboat_command.hpp"

namespace harness::drill {
namespace {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
namespace record = reports::record;

class RandomScenario : public LifeboatCommand {
 protected:
  [[nodiscard]] static std::string seeds() {
    const auto* const said = std::getenv("LIFEBOAT_TEST_SEEDS");
    return said == nullptr ? "2" : said;
  }
  [[nodiscard]] Ended plan_of(const std::string& seed) const {
    return lifeboat({"plan", scenario_, "--out", out(), "--seed", seed});
  }

  const std::string scenario_ = source_path("scenarios/nightly/randomised.yaml");
};

std::string verdict_text(const record::Report& report) {
  std::string text = "seed " + std::to_string(report.seed) + "\n";
  for (const auto& check : report.checks) {
    if (check.verdict == record::Verdict::pass) continue;
    text += check.name + ": " + check.summary + "\n";
    for (const auto& finding : check.findings) text += "  " + finding.object + " " + finding.text + "\n";
  }
  return text;
}

TEST_F(RandomScenario, PassesWhateverTheSeed) {
  auto process = started(
      {"run", scenario_, "--out", out(), "--seed", "1", "--seeds", seeds(), "--jobs", "2", "--keep", "never"}, "words");
  const auto code = process.wait(base::Deadline::after(std::chrono::minutes(15))).code;
  EXPECT_EQ(code, 0) << base::read_file(path("words"));
  int drills = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(out()) / "randomised")) {
    if (entry.is_symlink()) continue;
    const auto report = record::read_report(entry.path() / "report.json");
    EXPECT_EQ(report.verdict, record::Verdict::pass) << verdict_text(report);
    EXPECT_FALSE(report.checks.empty());
    EXPECT_EQ(lifeboat({"judge", entry.path().string()}).code, 0) << "judged again, seed " << report.seed;
    ++drills;
  }
  EXPECT_EQ(drills, std::stoi(seeds()));
}

TEST_F(RandomScenario, IsDrawnAgainByItsSeed) {
  // All but the drill directory, whose name is the time.
  const auto timeline = [](const Ended& plan) { return plan.words.substr(0, plan.words.find("drill directory")); };
  const auto once = plan_of("5"), again = plan_of("5"), other = plan_of("6");
  ASSERT_EQ(once.code, 0) << once.words;
  EXPECT_EQ(timeline(once), timeline(again));
  EXPECT_NE(timeline(once), timeline(other));
}

}  // namespace
}  // namespace harness::drill
