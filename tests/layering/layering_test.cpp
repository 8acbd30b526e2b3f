// The rules over the real tree, and each rule over a planted offence: a rule that cannot fail proves nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "tests/layering/named_tests.hpp"
#include "tests/layering/rules.hpp"
#include "tests/layering/source_tree.hpp"
#include "tests/support/places.hpp"

namespace layering {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const fs::path root(tests::source_directory());

const std::vector<SourceFile>& tree() {
  static const auto files = read_sources(root);
  return files;
}

std::string text_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<std::pair<std::string, std::string>> cmake_lists() {
  std::vector<std::pair<std::string, std::string>> result;
  for (const auto& path : project_files(root)) {
    if (path.filename() == "CMakeLists.txt") {
      result.emplace_back(path.parent_path().lexically_relative(root).generic_string(), text_of(path));
    }
  }
  return result;
}

SourceFile planted(const std::string& path, const std::string& line) {
  return {path, {"// opening", line}};
}

TEST(SourceTree, IsFound) {
  EXPECT_GT(tree().size(), 50U);
  EXPECT_TRUE(std::any_of(tree().begin(), tree().end(),
                          [](const auto& file) { return file.path == "backup_engine/base/error.hpp"; }));
}

TEST(SourceTree, KeepsTheArrows) {
  EXPECT_THAT(broken_arrows(tree()), IsEmpty());
}
TEST(SourceTree, KeepsHeavyLibrariesWhereTheyAreUsed) {
  EXPECT_THAT(heavy_headers(tree()), IsEmpty());
}
TEST(SourceTree, HasNoLongFile) {
  EXPECT_THAT(long_files(tree()), IsEmpty());
}
TEST(SourceTree, RunsNoShellAndSleepsNowhere) {
  EXPECT_THAT(forbidden_calls(tree()), IsEmpty());
}
TEST(SourceTree, CompilesEverySource) {
  EXPECT_THAT(unlisted_sources(tree(), cmake_lists()), IsEmpty());
}

SourceFile page_at(const std::string& path) {
  SourceFile page{path, {}};
  std::ifstream stream(root / path);
  for (std::string line; std::getline(stream, line);) page.lines.push_back(line);
  return page;
}

TEST(SourceTree, HasTheTestThatIsPromisedForEachFact) {
  const auto page = page_at("docs/postgres-facts.md");
  EXPECT_GT(page.lines.size(), 50U);
  EXPECT_THAT(unproven_facts(page, tree()), IsEmpty());
}

TEST(SourceTree, HoldsNoBinaries) {
  for (const auto& path : project_files(root)) {
    EXPECT_EQ(text_of(path).find('\0'), std::string::npos) << path << " is a binary file";
  }
}

struct Arrow {
  const char *from, *to;
};
class BrokenArrow : public testing::TestWithParam<Arrow> {};

TEST_P(BrokenArrow, IsFoundWithItsPlace) {
  const auto [from, to] = GetParam();
  const auto found = broken_arrows({planted(from, std::string("#include \"") + to + "\"")});
  EXPECT_THAT(found, ElementsAre(HasSubstr(std::string(from) + ":2: includes " + to)));
}

INSTANTIATE_TEST_SUITE_P(Layering, BrokenArrow,
                         testing::Values(Arrow{"backup_engine/base/error.cpp", "backup_engine/postgres/lsn.hpp"},
                                         Arrow{"backup_engine/base/error.cpp", "backup_engine/backup.hpp"},
                                         Arrow{"backup_engine/postgres/lsn.cpp", "backup_engine/store/pack.hpp"},
                                         Arrow{"backup_engine/backup/run.cpp", "harness/plan/plan.hpp"},
                                         Arrow{"backup_engine/backup/run.cpp", "reports/record/report.hpp"},
                                         Arrow{"reports/record/report.cpp", "harness/plan/plan.hpp"},
                                         Arrow{"reports/render/html.cpp", "backup_engine/backup.hpp"},
                                         Arrow{"reports/render/html.cpp", "backup_engine/postgres/connection.hpp"},
                                         Arrow{"harness/verify/content_probe.cpp", "backup_engine/verify.hpp"},
                                         Arrow{"harness/verify/content_probe.cpp", "backup_engine/store/manifest.hpp"},
                                         Arrow{"harness/drill/run.cpp", "backup_engine/restore.hpp"},
                                         Arrow{"harness/backup/take.cpp", "backup_engine/store/manifest.hpp"},
                                         Arrow{"harness/backup/take.cpp", "harness/workload/load.hpp"},
                                         Arrow{"harness/workload/mark.cpp", "harness/verify/content_probe.hpp"},
                                         Arrow{"harness/server/server.cpp", "harness/provision/provision.hpp"},
                                         Arrow{"harness/restore/restore.cpp", "harness/drill/runner.hpp"},
                                         Arrow{"harness/drill/runner.cpp", "harness/cli/main.hpp"},
                                         Arrow{"harness/scenario/parse.cpp", "harness/process/subprocess.hpp"},
                                         Arrow{"harness/plan/plan.cpp", "backup_engine/postgres/connection.hpp"},
                                         Arrow{"harness/measure/rto.cpp", "pqxx/pqxx"},
                                         Arrow{"harness/verify/content_check.cpp", "harness/server/server.hpp"},
                                         Arrow{"harness/extract/extract.cpp", "backup_engine/restore.hpp"},
                                         Arrow{"harness/extract/extract.cpp", "harness/restore/scratch.hpp"},
                                         Arrow{"harness/extract/extract.cpp", "harness/plan/plan.hpp"},
                                         Arrow{"harness/extract/extract.cpp", "reports/render/html.hpp"},
                                         Arrow{"harness/restore/scratch.cpp", "harness/extract/extract.hpp"},
                                         Arrow{"harness/verify/content_probe.cpp", "harness/extract/extract.hpp"},
                                         Arrow{"harness/drill/runner.cpp", "tests/layering/rules.hpp"}));

class SoundArrow : public testing::TestWithParam<Arrow> {};

TEST_P(SoundArrow, IsLetThrough) {
  const auto [from, to] = GetParam();
  EXPECT_EQ(broken_arrow(from, to), "");
}

INSTANTIATE_TEST_SUITE_P(Layering, SoundArrow,
                         testing::Values(Arrow{"harness/backup/take.cpp", "backup_engine/backup.hpp"},
                                         Arrow{"harness/verify/content_probe.cpp",
                                               "backup_engine/postgres/connection.hpp"},
                                         Arrow{"harness/verify/content_check.cpp", "reports/record/evidence.hpp"},
                                         Arrow{"harness/drill/runner.cpp", "harness/verify/content_probe.hpp"},
                                         Arrow{"harness/verify/a.cpp", "harness/verify/b.hpp"},
                                         Arrow{"harness/extract/extract.cpp", "harness/server/installation.hpp"},
                                         Arrow{"harness/extract/extract.cpp", "reports/record/check.hpp"},
                                         Arrow{"harness/drill/recovery.cpp", "harness/extract/extract.hpp"},
                                         Arrow{"harness/cli/extract_verb.cpp", "harness/extract/extract.hpp"},
                                         Arrow{"backup_engine/backup/run.cpp", "backup_engine/store/manifest.hpp"},
                                         Arrow{"reports/record/report.cpp", "backup_engine/base/file.hpp"},
                                         Arrow{"tests/unit/x.cpp", "backup_engine/store/manifest.hpp"}));

TEST(HeavyHeaders, FindsOneThatIsSeenOutsideItsFolder) {
  const auto heavy = planted("reports/record/fields.hpp", "#include <nlohmann/json.hpp>");
  const auto through = planted("reports/record/mark_fields.hpp", "#include \"reports/record/fields.hpp\"");
  const auto found_in = [&](const std::string& user, const std::string& target) {
    return heavy_headers({through, heavy, planted(user, "#include \"" + target + "\"")});
  };
  EXPECT_THAT(found_in("reports/render/html.cpp", "reports/record/fields.hpp"),
              ElementsAre(HasSubstr("reports/render/html.cpp:2: includes reports/record/fields.hpp")));
  EXPECT_THAT(found_in("reports/render/html.cpp", "reports/record/mark_fields.hpp"),
              ElementsAre(HasSubstr("reports/render/html.cpp:2: includes reports/record/mark_fields.hpp")));
  EXPECT_THAT(found_in("reports/record/report.cpp", "reports/record/mark_fields.hpp"), IsEmpty());
  EXPECT_THAT(heavy_headers({planted("a/b.hpp", "#include <string>")}), IsEmpty());
}

TEST(LongFiles, FindsOneLineTooMany) {
  EXPECT_THAT(long_files({{"a.cpp", std::vector<std::string>(longest_file_lines)}}), IsEmpty());
  EXPECT_THAT(long_files({{"a.cpp", std::vector<std::string>(longest_file_lines + 1)}}),
              ElementsAre(HasSubstr("a.cpp")));
}

TEST(ForbiddenCalls, FindsShellsAndSleepsInCodeOnly) {
  for (const auto* const line : {"  std::system(command);", "  auto* f = popen(command, mode);",
                                 "  std::this_thread::sleep_for(1s);", "  usleep(10);", "  GTEST_SKIP() << 1;"}) {
    EXPECT_THAT(forbidden_calls({planted("a.cpp", line)}), ElementsAre(HasSubstr("a.cpp:2: uses "))) << line;
  }
  for (const auto* const line : {"// never call system()", "  throw E(\"system() failed\");", "  file_system(path);",
                                 "  store.system();", "/* usleep(1) */ int x;"}) {
    EXPECT_THAT(forbidden_calls({planted("a.cpp", line)}), IsEmpty()) << line;
  }
}

TEST(UnlistedSources, FindsAFileThatIsNeverCompiled) {
  const std::vector<SourceFile> files{{"harness/plan/plan.cpp", {}}};
  EXPECT_THAT(unlisted_sources(files, {{"harness/plan", "lifeboat_module(x SOURCES plan.cpp)"}}), IsEmpty());
  EXPECT_THAT(unlisted_sources(files, {{"harness/plan", "lifeboat_module(x SOURCES other_plan.cpp)"}}),
              ElementsAre(HasSubstr("harness/plan/plan.cpp")));
  EXPECT_THAT(unlisted_sources(files, {{"harness/scenario", "plan.cpp"}}), ElementsAre(HasSubstr("plan.cpp")));
}

TEST(UnprovenFacts, FindsAFactWithoutATestAndATestThatIsNone) {
  const std::vector<SourceFile> files{
      {"tests/unit/a_test.cpp", {"TEST_F(Wal, IsKept) {", "TEST(Lsn,", "     IsRead) {"}},
      {"harness/a.cpp", {"TEST(Wal, IsElsewhere) {"}}};
  const auto found_in = [&](const std::vector<std::string>& lines) {
    return unproven_facts({"docs/f.md", lines}, files);
  };
  EXPECT_THAT(found_in({"| fact | tests |", "| --- | --- |", "| a | `Wal.IsKept`, `Lsn.IsRead` |", "", "| no table |"}),
              IsEmpty());
  EXPECT_THAT(found_in({"| fact | tests |", "| --- | --- |", "| a | `Wal.IsKept` |", "| b | none, see a.md |"}),
              ElementsAre("docs/f.md:4: a fact without a test"));
  EXPECT_THAT(found_in({"| --- | --- |", "| a | `Wal.IsLost` `Wal.IsElsewhere` |"}),
              ElementsAre(HasSubstr("names Wal.IsLost, which is no test"), HasSubstr("Wal.IsElsewhere")));
}

}  // namespace
}  // namespace layering
