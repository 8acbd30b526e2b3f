// What the verbs about drills say where there is no drill.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "harness/cli/verbs.hpp"

namespace harness::cli {
namespace {

using backup_engine::base::Error;
using testing::HasSubstr;

template <typename Verb>
std::string refusal_of(const Verb& verb) {
  try {
    (void)execute(verb);
  } catch (const Error& error) {
    EXPECT_EQ(exit_code_for(error.kind()), ExitCode::usage);
    EXPECT_THAT(error.remedy(), HasSubstr("the directory of one drill"));
    return error.what();
  }
  return "done";
}

TEST(DrillVerbs, NameTheDirectoryThatDoesNotExistOrHoldsNoDrill) {
  const backup_engine::base::TemporaryDirectory directory("/var/tmp", "lifeboat-cli");
  const auto gone = directory.path() / "gone";
  JudgeVerb judge;
  judge.drill_directory = gone;
  ReportVerb report;
  report.drill_directory = gone;
  EXPECT_EQ(refusal_of(judge), "there is no directory " + gone.string());
  EXPECT_EQ(refusal_of(report), "there is no directory " + gone.string());
  judge.drill_directory = directory.path();
  EXPECT_THAT(refusal_of(judge), HasSubstr(" is no drill directory"));
}

}  // namespace
}  // namespace harness::cli
