// --key-file and LIFEBOAT_KEY_FILE for every verb that opens a repository, and the verbs of `lifeboat repo`.
#include <gtest/gtest.h>

#include <cstdlib>

#include "harness/cli/command_line.hpp"

namespace harness::cli {
namespace {

backup_engine::RepositoryLocation location_of(const Verb& verb) {
  return std::visit(
      [](const auto& asked) -> backup_engine::RepositoryLocation {
        if constexpr (requires { asked.request.repository; }) return asked.request.repository;
        if constexpr (requires { asked.repository; }) return asked.repository;
        return {};
      },
      verb);
}

// Each verb with what it must have beside the repository.
const std::vector<std::vector<std::string>> verbs_with_a_repository = {
    {"repo", "init"},
    {"repo", "rekey", "--new-data-key"},
    {"list"},
    {"verify"},
    {"backup", "--cluster", "c", "--dbname", "host=/s"},
    {"restore", "--cluster", "c", "--to", "/t"},
    {"extract", "--cluster", "c", "--table", "a.b", "--beside", "old", "--into", "host=/s"},
    {"wal", "receive", "--cluster", "c", "--dbname", "host=/s", "--slot", "s"},
    {"wal", "push", "--cluster", "c", "p"},
    {"wal", "fetch", "--cluster", "c", "f", "p"},
    {"wal", "check", "--cluster", "c"},
};

class RepositoryOptions : public ::testing::Test {
 protected:
  ~RepositoryOptions() override { ::unsetenv("LIFEBOAT_KEY_FILE"); }

  static backup_engine::RepositoryLocation parsed(std::vector<std::string> arguments,
                                                  const std::vector<std::string>& more) {
    arguments.insert(arguments.end(), {"--repo", "/r"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return location_of(parse_command_line(arguments));
  }
};

TEST_F(RepositoryOptions, EveryVerbThatOpensARepositoryTakesAKeyFile) {
  for (const auto& verb : verbs_with_a_repository) {
    const auto location = parsed(verb, {"--key-file", "/k"});
    EXPECT_EQ(location.text, "/r") << verb[0];
    EXPECT_EQ(location.key_file, "/k") << verb[0];
    EXPECT_TRUE(parsed(verb, {}).key_file.empty()) << verb[0];
  }
}

TEST_F(RepositoryOptions, TheEnvironmentNamesTheKeyFileUnlessTheCommandLineDoes) {
  ::setenv("LIFEBOAT_KEY_FILE", "/from-environment", 1);
  for (const auto& verb : verbs_with_a_repository) {
    EXPECT_EQ(parsed(verb, {}).key_file, "/from-environment") << verb[0];
    EXPECT_EQ(parsed(verb, {"--key-file", "/k"}).key_file, "/k") << verb[0];
  }
}

TEST_F(RepositoryOptions, ARekeyTakesAnotherFileAndANewDataKey) {
  const auto verb = parse_command_line(
      {"repo", "rekey", "--repo", "/r", "--key-file", "/old", "--new-key-file", "/new", "--new-data-key"});
  const auto& request = std::get<RepoRekeyVerb>(verb).request;
  EXPECT_EQ(request.repository.key_file, "/old");
  EXPECT_EQ(request.new_key_file, "/new");
  EXPECT_TRUE(request.new_data_key);
}

TEST_F(RepositoryOptions, ANewKeyIsAskedForByItsFile) {
  const auto verb = parse_command_line({"repo", "new-key", "/k"});
  EXPECT_EQ(std::get<RepoNewKeyVerb>(verb).key_file, "/k");
}

}  // namespace
}  // namespace harness::cli
