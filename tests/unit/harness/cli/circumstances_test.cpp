#include "harness/cli/circumstances.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/temporary_directory.hpp"

namespace harness::cli {
namespace {

namespace fs = std::filesystem;

constexpr auto sound =
    "scenario: drill\nclaim: c\nsource:\n  provision: { dataset: pgbench }\n"
    "  wal: { by: stream, synchronous: false }\n"
    "timeline: [load: { for: 1s }, backup: full, disaster: lose_server]\n"
    "restore: { kind: full, target: end_of_wal }\nverify: [ledger]\n";

// Their drill directories begin with the name: the second would find its directory there, after the first had run.
TEST(ParseScenarios, RefusesTwoOfOneName) {
  const backup_engine::base::TemporaryDirectory directory("/var/tmp", "lifeboat-cli");
  fs::create_directories(directory.path() / "fixtures" / "datasets" / "pgbench");
  std::vector<fs::path> named;
  for (const auto* folder : {"smoke", "nightly"}) {
    fs::create_directories(directory.path() / folder);
    named.push_back(directory.path() / folder / "drill.yaml");
    std::ofstream(named.back()) << sound;
  }
  EXPECT_EQ(parse_scenarios({named[0]}).size(), 1U);
  try {
    (void)parse_scenarios(named);
    FAIL() << "accepted";
  } catch (const backup_engine::base::Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("two scenarios of this run are named drill"));
  }
}

}  // namespace
}  // namespace harness::cli
