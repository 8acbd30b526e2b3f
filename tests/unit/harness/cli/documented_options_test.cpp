// docs/command-line.md has every verb with every option, and none that does not exist.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "backup_engine/base/file.hpp"
#include "harness/cli/command_line.hpp"
#include "tests/support/places.hpp"

namespace harness::cli {
namespace {

using Options = std::set<std::string>;

std::string help_of(std::vector<std::string> verb) {
  verb.emplace_back("--help");
  return std::get<ShowText>(parse_command_line(verb)).text;
}

// Each "--" before a letter, with the letters and hyphens behind it.
Options options_in(const std::string& text) {
  constexpr auto letters = "abcdefghijklmnopqrstuvwxyz";
  Options found;
  for (auto at = text.find("--"); at != std::string::npos; at = text.find("--", at + 2)) {
    const auto name = at + 2;
    if (text.find_first_of(letters, name) != name) continue;
    const auto end = std::min(text.find_first_not_of(std::string(letters) + "-", name), text.size());
    found.insert(text.substr(at, end - at));
  }
  found.erase("--help");
  return found;
}

std::vector<std::string> subcommands_in(const std::string& help) {
  std::vector<std::string> names;
  const auto at = help.find("Subcommands:");
  if (at == std::string::npos) return names;
  std::istringstream lines(help.substr(at));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::string name;
    if (line.starts_with("  ") && !line.starts_with("   ") && std::istringstream(line) >> name) names.push_back(name);
  }
  return names;
}

// "wal receive" → its options, of each verb.
void add_offered(const std::vector<std::string>& words, std::map<std::string, Options>& offered) {
  const auto help = help_of(words);
  const auto subcommands = subcommands_in(help);
  for (const auto& subcommand : subcommands) {
    auto longer = words;
    longer.push_back(subcommand);
    add_offered(longer, offered);
  }
  if (!subcommands.empty()) return;
  std::string verb;
  for (const auto& word : words) verb += (verb.empty() ? "" : " ") + word;
  offered[verb] = options_in(help);
}

// The sections "### VERB" of the page.
std::map<std::string, Options> documented() {
  std::istringstream page(backup_engine::base::read_file(tests::source_directory() / "docs/command-line.md"));
  std::map<std::string, Options> found;
  std::string verb, line;
  while (std::getline(page, line)) {
    if (line.starts_with("## ")) verb.clear();
    if (line.starts_with("### ")) found[verb = line.substr(4)];
    if (!verb.empty()) found[verb].merge(options_in(line));
  }
  return found;
}

TEST(CommandLinePage, HasEveryVerbWithItsOptionsAndNoOther) {
  std::map<std::string, Options> offered;
  add_offered({}, offered);
  EXPECT_GT(offered.size(), 15U);
  const auto page = documented();
  for (const auto& [verb, options] : offered) {
    ASSERT_TRUE(page.contains(verb)) << verb;
    EXPECT_THAT(page.at(verb), testing::ContainerEq(options)) << verb;
  }
  for (const auto& [verb, options] : page) EXPECT_TRUE(offered.contains(verb)) << verb;
}

}  // namespace
}  // namespace harness::cli
