// A machine that cannot give one scenario of a run what it wants: that one is not begun, and the others are none the
// worse for it.
#include <gmock/gmock.h>

#include <fstream>

#include "backup_engine/base/file.hpp"
#include "reports/record/journal.hpp"
#include "reports/record/report.hpp"
#include "tests/pg/drill/ordinary_user.hpp"

namespace harness::drill {
namespace {

namespace fs = std::filesystem;
namespace record = reports::record;
using backup_engine::base::read_file;
using record::Verdict;
using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

constexpr int passed = 0, not_carried_out = 2;

class UnfitMachine : public OrdinaryUser {
 protected:
  // The same drill twice: once its server is lost, once its disk is full.
  UnfitMachine() {
    fs::create_directories(path("scenarios"));
    fs::permissions(path("scenarios"), fs::perms(0755));
    auto text = read_file(path("full-to-backup-point.yaml"));
    const auto change = [&](const std::string& from, const std::string& to) {
      text.replace(text.find(from), from.size(), to);
    };
    change("scenario: full-to-backup-point", "scenario: lost");
    std::ofstream(path("scenarios/lost.yaml")) << text;
    change("scenario: lost", "scenario: full-disk");
    change("disaster: lose_server", "disaster: fill_disk");
    std::ofstream(path("scenarios/full-disk.yaml")) << text;
    fs::create_directories(out());
    fs::permissions(out(), fs::perms(01777));
  }
  record::Report report(const std::string& scenario) const {
    return record::read_report(drill_directory(scenario) / "report.json");
  }
};

TEST_F(UnfitMachine, LeavesOutTheScenarioThatItCannotConductAndRunsTheOthers) {
  const auto ended = lifeboat_without_namespaces({"run", path("scenarios"), "--out", out(), "--seed", "7"});
  EXPECT_EQ(ended.code, not_carried_out) << ended.words;
  EXPECT_EQ(report("lost").verdict, Verdict::pass) << ended.words;

  const auto left_out = report("full-disk");
  EXPECT_EQ(left_out.verdict, Verdict::unknown);
  EXPECT_EQ(left_out.cleanup.verdict, Verdict::pass) << "nothing was made";
  ASSERT_THAT(left_out.checks, SizeIs(1));
  EXPECT_EQ(left_out.checks[0].name, "drill");
  EXPECT_THAT(left_out.checks[0].summary,
              AllOf(HasSubstr("full-disk.yaml:"), HasSubstr("fill_disk wants the source's WAL on a small file system"),
                    HasSubstr("what to do: run it as root with CAP_SYS_ADMIN")));
  const auto journal = record::read_journal(drill_directory("full-disk") / "journal.jsonl");
  ASSERT_THAT(journal, SizeIs(2));
  EXPECT_EQ(journal[0].event, "drill.broke");
  EXPECT_EQ(journal[1].event, "drill.ended");
  EXPECT_THAT(read_file(fs::path(out()) / "junit.xml"), HasSubstr("fill_disk wants the source"));
}

TEST_F(UnfitMachine, SaysInThePlanWhatItCannotDo) {
  const auto planned = lifeboat_without_namespaces({"plan", path("scenarios"), "--out", out()});
  EXPECT_EQ(planned.code, passed);
  const auto one = planned.words.find("not to be begun on this machine: ");
  EXPECT_NE(one, std::string::npos) << planned.words;
  EXPECT_EQ(planned.words.find("not to be begun", one + 1), std::string::npos) << "of one of the two alone";
}

}  // namespace
}  // namespace harness::drill
