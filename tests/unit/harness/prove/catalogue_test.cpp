#include "harness/prove/catalogue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "backup_engine/base/file.hpp"
#include "harness/scenario/scenario.hpp"
#include "tests/support/places.hpp"

namespace harness::prove {
namespace {

using reports::record::Verdict;
using scenario::CheckKind;

bool has_to_notice(const CatalogueEntry& entry, std::string_view check) {
  return std::any_of(entry.concerns.begin(), entry.concerns.end(),
                     [&](const auto& concern) { return concern.check == check && concern.wanted == Verdict::fail; });
}

// An SQL file says itself how its rules are broken, and untouched is about a server of which there is no copy.
TEST(Catalogue, HoldsASabotageForEveryCheck) {
  for (int kind = 0; kind <= static_cast<int>(CheckKind::untouched); ++kind) {
    const auto check = static_cast<CheckKind>(kind);
    if (check == CheckKind::sql || check == CheckKind::untouched) continue;
    const bool noticed = std::any_of(catalogue().begin(), catalogue().end(),
                                     [&](const auto& entry) { return has_to_notice(entry, to_string(check)); });
    EXPECT_TRUE(noticed) << to_string(check) << " has no sabotage";
  }
}

TEST(Catalogue, NamesEachSabotageOnceAndForNoCheckTwice) {
  std::set<std::string> seen;
  for (const auto& entry : catalogue()) {
    EXPECT_TRUE(seen.insert(entry.name).second) << entry.name;
    std::set<std::string> checks;
    for (const auto& concern : entry.concerns) EXPECT_TRUE(checks.insert(concern.check).second) << entry.name;
  }
}

TEST(Catalogue, HarmsNothingThatNoCheckHasToNotice) {
  for (const auto& entry : catalogue()) {
    EXPECT_TRUE(std::any_of(entry.concerns.begin(), entry.concerns.end(), [](const auto& concern) {
      return concern.wanted == Verdict::fail;
    })) << entry.name;
  }
}

// docs/checks.md says of each check what it can and cannot see, and of each sabotage by whom it is noticed.
TEST(Catalogue, StandsInThePageOfChecksWithEveryCheckThereIs) {
  const auto page = backup_engine::base::read_file(tests::source_directory() / "docs/checks.md");
  std::set<std::string> checks = {"roll_back", "commit_order", "isolation", "damaged_pages",
                                  "outcome",   "sweep",        "proof",     "drill"};
  for (int kind = 0; kind <= static_cast<int>(CheckKind::untouched); ++kind) {
    checks.emplace(to_string(static_cast<CheckKind>(kind)));
  }
  for (const auto& check : checks) {
    EXPECT_NE(page.find("\n| `" + check + "` | "), std::string::npos) << check << " has no row";
  }
  for (const auto& entry : catalogue()) {
    EXPECT_NE(page.find("`" + entry.name + "`"), std::string::npos) << entry.name;
  }
}

}  // namespace
}  // namespace harness::prove
