// Every scenario that ships is sound, promises an RTO and an RPO, and leaves out no check without reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <span>

#include "harness/scenario/described_target.hpp"
#include "harness/scenario/language.hpp"
#include "tests/support/places.hpp"

namespace harness::scenario {
namespace {

namespace fs = std::filesystem;

const fs::path& root() {
  static const fs::path path(tests::source_directory());
  return path;
}

std::vector<std::string> shipped() {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(root() / "scenarios")) {
    if (entry.path().extension() == ".yaml") names.push_back(fs::relative(entry.path(), root() / "scenarios"));
  }
  std::sort(names.begin(), names.end());
  return names;
}

// What a cluster says that says no more than it must; the rest is left to the scenario's defaults.
const Variables of_a_cluster{{{"cluster", "main"}, {"repository", "/srv/backups"}}, "a test"};

Scenario parsed(const std::string& name) {
  return parse_scenario(root() / "scenarios" / name, root() / "fixtures", of_a_cluster);
}

class Shipped : public testing::TestWithParam<std::string> {};

TEST_P(Shipped, IsSoundAndPromisesWhatItIsHeldTo) {
  const auto scenario = parsed(GetParam());
  const bool comes_back = scenario.restore.expected_refusal.empty();
  EXPECT_EQ(scenario.objectives.rto.has_value(), comes_back);
  const bool has_ledger = !scenario.source.stored;
  EXPECT_EQ(scenario.objectives.rpo.has_value(), comes_back && has_ledger);
  EXPECT_THAT(scenario.claim, testing::EndsWith("."));
}

// What a restore can be judged by. A database alone has no ledger; of what is put beside the damage, or of some rows,
// the ledger and the rules of the whole shop say nothing.
std::set<CheckKind> checks_for(const Scenario& scenario) {
  std::set<CheckKind> wanted{CheckKind::sql};
  for (const auto& word : check_words) wanted.insert(*word.meaning);
  const auto leave_out = [&wanted](std::initializer_list<CheckKind> checks) {
    for (const auto check : checks) wanted.erase(check);
  };
  using enum CheckKind;
  // Nobody took marks, and the rules of somebody's data are not known.
  if (scenario.source.stored) {
    leave_out({ledger, content, untouched, sql});
    if (scenario.name.ends_with("-without-checksums")) leave_out({page_checksums});
    return wanted;
  }
  if (!scenario.restore.expected_refusal.empty()) return {};
  const auto& partial = scenario.restore.partial;
  const bool into_source = scenario.restore.kind == RestoreKind::partial && partial.database.empty();
  if (into_source) leave_out({page_checksums, verifybackup, settings});
  if (!into_source) leave_out({untouched});
  if (!scenario.source.provision.checksums) leave_out({page_checksums});
  if (!partial.database.empty()) leave_out({verifybackup, settings});
  if (!mark_describing_target(scenario)) leave_out({content, catalog, settings});
  if (partial.placement == Placement::beside || !partial.where.empty() || !partial.database.empty()) {
    leave_out({ledger, sql});
  }
  return wanted;
}

TEST_P(Shipped, RunsEveryCheckThatHasSomethingToJudge) {
  const auto scenario = parsed(GetParam());
  std::set<CheckKind> given;
  for (const auto& check : scenario.verify) given.insert(check.kind);
  EXPECT_EQ(given, checks_for(scenario));
}

// A proof needs a restored server of the drill's own. Those of the smoke run are to be short.
bool proves_its_checks(const std::string& name, const Scenario& scenario) {
  const bool is_short = name.starts_with("smoke/");
  const bool into_source = scenario.restore.kind == RestoreKind::partial && scenario.restore.partial.database.empty();
  return !is_short && !into_source && scenario.restore.expected_refusal.empty();
}

TEST_P(Shipped, ProvesItsChecksWhereverThatIsPossible) {
  const auto scenario = parsed(GetParam());
  EXPECT_EQ(scenario.prove, proves_its_checks(GetParam(), scenario));
}

std::string title_of(const testing::TestParamInfo<std::string>& shipped_file) {
  auto title = shipped_file.param;
  const auto is_other = [](char letter) { return std::isalnum(static_cast<unsigned char>(letter)) == 0; };
  std::replace_if(title.begin(), title.end(), is_other, '_');
  return title;
}

INSTANTIATE_TEST_SUITE_P(ParseScenario, Shipped, testing::ValuesIn(shipped()), title_of);

// The kinds of targets, actions, disasters and restores that the shipped scenarios drill between them.
struct Drilled {
  std::set<TargetKind> targets, exclusive;
  std::set<TargetAction> actions;
  std::set<RestoreKind> restores;
  std::set<BackupMethod> methods;
  std::set<std::string> disasters;
};

Drilled drilled() {
  Drilled result;
  for (const auto& name : shipped()) {
    const auto scenario = parsed(name);
    const auto& restore = scenario.restore;
    (restore.target.inclusive ? result.targets : result.exclusive).insert(restore.target.kind);
    result.actions.insert(restore.action);
    result.restores.insert(restore.kind);
    for (const auto& step : scenario.timeline) {
      if (const auto* const backup = std::get_if<BackupStep>(&step.what)) result.methods.insert(backup->by);
      if (const auto* const disaster = std::get_if<DisasterStep>(&step.what)) result.disasters.insert(disaster->kind);
    }
  }
  return result;
}

template <typename Meaning>
void expect_all(const std::set<Meaning>& given, std::span<const Word<Meaning>> words) {
  for (const auto& word : words) {
    EXPECT_TRUE(!word.meaning || given.contains(*word.meaning)) << "no scenario has " << word.text;
  }
}

TEST(ShippedScenarios, DrillEveryWordOfTheLanguageThatDecidesARestore) {
  const auto all = drilled();
  expect_all<TargetKind>(all.targets, point_words);
  expect_all<TargetKind>(all.targets, target_words);
  EXPECT_EQ(all.exclusive, (std::set{TargetKind::time, TargetKind::lsn, TargetKind::xid}));
  expect_all<TargetAction>(all.actions, action_words);
  expect_all<RestoreKind>(all.restores, restore_words);
  expect_all<BackupMethod>(all.methods, method_words);
  for (const auto& word : disaster_words) {
    EXPECT_TRUE(all.disasters.contains(std::string(word.text))) << "no scenario has " << word.text;
  }
}

TEST(ShippedScenarios, DrillAnEncryptedRepositoryByEachWayOfWalAndEachKindOfRestore) {
  std::set<WalTransport> transports;
  std::set<RestoreKind> restores;
  for (const auto& name : shipped()) {
    const auto scenario = parsed(name);
    if (!scenario.repository.encrypted) continue;
    transports.insert(scenario.source.wal.by);
    restores.insert(scenario.restore.kind);
  }
  expect_all<WalTransport>(transports, transport_words);
  expect_all<RestoreKind>(restores, restore_words);
}

// Of the newest backup, which is what a restore of these starts from.
std::string line_of(RestoreKind kind, bool one_database, const BackupStep& backup) {
  const auto text = [](const auto& words, auto meaning) {
    const auto found = std::ranges::find_if(words, [&](const auto& word) { return word.meaning == meaning; });
    return std::string(found->text);
  };
  return text(restore_words, kind) + (one_database ? " of a database" : "") + " from a " +
         std::string(to_string(backup.type)) + " by " + text(method_words, backup.by);
}

TEST(ShippedScenarios, DrillEachTypeOfBackupBySourceUnderEachKindOfRestore) {
  std::set<std::string> drilled, wanted;
  for (const auto& name : shipped()) {
    const auto scenario = parsed(name);
    const BackupStep* newest = nullptr;
    for (const auto& step : scenario.timeline) {
      if (const auto* const backup = std::get_if<BackupStep>(&step.what)) newest = backup;
    }
    if (newest == nullptr) continue;
    drilled.insert(line_of(scenario.restore.kind, !scenario.restore.partial.database.empty(), *newest));
  }
  for (const auto type : {BackupType::full, BackupType::differential, BackupType::incremental}) {
    for (const auto by : {BackupMethod::files, BackupMethod::stream}) {
      for (const auto kind : {RestoreKind::full, RestoreKind::pitr, RestoreKind::partial}) {
        wanted.insert(line_of(kind, false, {type, by}));
      }
      wanted.insert(line_of(RestoreKind::partial, true, {type, by}));
    }
  }
  EXPECT_EQ(wanted.size(), 24U);
  for (const auto& line : wanted) EXPECT_TRUE(drilled.contains(line)) << "no scenario has a " << line;
}

}  // namespace
}  // namespace harness::scenario
