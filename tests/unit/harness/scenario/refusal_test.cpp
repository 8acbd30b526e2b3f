#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/places.hpp"
#include "tests/unit/harness/scenario/refused_scenario.hpp"

namespace harness::scenario {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class Refusal : public testing::TestWithParam<Refused> {};

TEST_P(Refusal, SaysWhereWhatAndWhatToDo) {
  expect_refused(GetParam(), sound_scenario);
}

INSTANTIATE_TEST_SUITE_P(
    Grammar, Refusal,
    testing::Values(
        Refused{"UnknownKey", "verify:", "verfy:", "12:1: unknown key of the scenario \"verfy\"",
                "did you mean \"verify\"?"},
        Refused{"UnknownNestedKey", "dataset: ecommerce }", "dataset: ecommerce, scael: 2 }",
                "4:36: unknown key of source.provision \"scael\"", "did you mean \"scale\"?"},
        Refused{"UnknownStep", "- backup: full", "- backpu: full",
                "8:5: unknown key of a step of the timeline \"backpu\"",
                "did you mean \"backup\"? allowed here: load, backup, mark, restore_point, disaster"},
        Refused{"UnknownLoadKey", "for: 1s", "duration: 1s", "7:13: unknown key of a load step",
                "allowed here: for, keep_running"},
        Refused{"DuplicateKey", "claim: It comes back.", "claim: Once.\nclaim: Twice.",
                "3:1: the scenario has the key \"claim\" twice", "keep one"},
        Refused{"MissingKey", "claim: It comes back.\n", "", "1:1: the scenario lacks the key \"claim\"",
                "add \"claim:\""},
        Refused{"MissingWal", "  wal: { by: stream, synchronous: false }\n", "", "4:3: source lacks the key \"wal\"",
                "add"},
        Refused{"TextForNumber", "ecommerce }", "ecommerce, scale: many }",
                "4:43: scale must be a whole number from 1 to 100000, not many", "without quotes"},
        Refused{"QuotedNumber", "ecommerce }", "ecommerce, scale: \"2\" }", "4:43: scale must be a whole number",
                "without quotes"},
        Refused{"FractionForNumber", "ecommerce }", "ecommerce, scale: 1.5 }", "4:43: scale must be a whole number",
                "without"},
        Refused{"ZeroScale", "ecommerce }", "ecommerce, scale: 0 }", "4:43: scale must be a whole number from 1",
                "number"},
        Refused{"NumberForTruth", "synchronous: false", "synchronous: 0",
                "5:35: synchronous must be true or false, not 0", "true or false"},
        Refused{"ListForMapping", "{ for: 1s }", "[1s]", "7:11: a load step must be a mapping, not a list",
                "key: value"},
        Refused{"MappingForList", "[ledger]", "{ ledger: true }", "12:9: verify must be a list, not a mapping",
                "[a, b]"},
        Refused{"ListForText", "claim: It comes back.", "claim: [a]", "2:8: the claim must be a text, not a list",
                "write"},
        Refused{"NothingForText", "claim: It comes back.",
                "claim:", "2:1: the key of the scenario \"claim\" has no value", "give it one"},
        Refused{"NumberWithoutUnit", "for: 1s", "for: 3", "7:18: for must be a duration, not 3", "500ms, 3s, 2min, 1h"},
        Refused{"UnknownUnit", "for: 1s", "for: 3 days", "7:18: for must be a duration, not 3 days", "ms, s, min or h"},
        Refused{"NegativeDuration", "for: 1s", "for: -3s", "7:18: for must be a duration", "unit"},
        Refused{"NoLoadTime", "for: 1s", "for: 0s", "7:18: for must be longer than nothing", "1s"},
        Refused{"NoRepeat", "[ledger]", "[ledger]\nrepeat: 0",
                "13:9: repeat must be a whole number from 1 to 100, not 0", "without a unit"},
        Refused{"TooManyRepeats", "[ledger]", "[ledger]\nrepeat: 101", "13:9: repeat must be a whole number",
                "without"},
        Refused{"SizeWithoutUnit", "[ledger]", "[ledger]\nobjectives: { at_size: 500 }",
                "13:24: at_size must be a size, not 500", "500GB, 1.5TB"},
        Refused{"UnknownSizeUnit", "[ledger]", "[ledger]\nobjectives: { at_size: 500GiB }",
                "13:24: at_size must be a size, not 500GiB", "powers of 1000"},
        Refused{"NoSize", "[ledger]", "[ledger]\nobjectives: { at_size: [1GB, 0MB] }",
                "13:30: a size of at_size must be a size, not 0MB", "unit"},
        Refused{"ImpossibleSize", "[ledger]", "[ledger]\nobjectives: { at_size: [nanGB, 1GB] }",
                "13:25: a size of at_size must be a size, not nanGB", "unit"},
        Refused{"SizeOfARestoreThatIsStruck", "end_of_wal }\nverify: [ledger]",
                "end_of_wal, struck_by: kill_restore }\nverify: [ledger]\nobjectives: { at_size: 1TB }",
                "13:24: a restore that is struck by a disaster is not extrapolated", "\"struck_by\""},
        Refused{"SizeTwice", "[ledger]", "[ledger]\nobjectives: { at_size: [1GB, 1GB] }",
                "13:30: at_size lists 1GB twice", "keep one"},
        Refused{"NoSizes", "[ledger]", "[ledger]\nobjectives: { at_size: [] }", "13:24: at_size lists no size",
                "500GB"},
        Refused{"TwoStepsInOne", "- backup: full", "- { backup: full, mark: too }",
                "8:5: a step of the timeline has one key, this one has 2", "its own -"},
        Refused{"BrokenSyntax", "[ledger]", "[ledger", "13:1: not YAML", "syntax"},
        Refused{"SecondDocument", "verify: [ledger]\n", "verify: [ledger]\n---\nscenario: more\n",
                "14:1: a second document begins here", "own"}),
    title_of);

INSTANTIATE_TEST_SUITE_P(
    Words, Refusal,
    testing::Values(
        Refused{"NameIsNotTheFiles", "scenario: drill", "scenario: other",
                "1:11: the scenario is named \"other\" and its file \"drill.yaml\"", "scenario: drill"},
        Refused{"NameWithSpaces", "scenario: drill", "scenario: my drill", "1:11: \"my drill\" is no name",
                "lower-case"},
        Refused{"UnknownDataset", "ecommerce", "ecomerce", "4:25: unknown dataset \"ecomerce\"",
                "did you mean \"ecommerce\"? allowed here: ecommerce, pgbench"},
        Refused{"UnknownCheck", "[ledger]", "[ledgr]", "12:10: unknown check \"ledgr\"", "did you mean \"ledger\"?"},
        Refused{"NoChecks", "[ledger]", "[]", "12:9: verify lists no checks", "docs/scenarios.md"},
        Refused{"SameCheckTwice", "[ledger]", "[ledger, ledger]", "12:18: the check ledger is listed twice",
                "keep one"},
        Refused{"SqlWithoutFile", "[ledger]", "[sql]", "12:10: the check sql names no file", "{ sql: FILE }"},
        Refused{"MissingSqlFile", "[ledger]", "[{ sql: fixtures/checks/gone.sql }]",
                "12:17: there is no SQL file fixtures/checks/gone.sql", "relative to"},
        Refused{"UnknownDisaster", "lose_server", "lose_sever", "10:15: unknown disaster \"lose_sever\"",
                "did you mean \"lose_server\"?"},
        Refused{"DisasterArgument", "disaster: lose_server", "disaster: { lose_server: all }",
                "10:30: the disaster lose_server takes no argument", "- disaster: lose_server"},
        Refused{"UnknownTarget", "end_of_wal", "end", "11:32: unknown restore target \"end\"",
                "allowed here: end_of_wal, immediate"},
        Refused{"BadMarkName", "mark: here", "mark: Over Here", "9:11: \"Over Here\" is no name for a mark",
                "lower-case"},
        Refused{"UnsupportedMajor", "ecommerce }", "ecommerce, postgres: 14 }", "4:46: PostgreSQL 14 is not supported",
                "15 to 18"}),
    title_of);

INSTANTIATE_TEST_SUITE_P(
    Timeline, Refusal,
    testing::Values(
        Refused{"SynchronousArchive", "{ by: stream, synchronous: false }", "{ by: archive, synchronous: true }",
                "5:36: no commit can wait for an archive_command", "by: stream"},
        Refused{"NoDisaster", "  - disaster: lose_server\n", "", "7:3: the timeline has no disaster", "lose_server"},
        Refused{"NoBackup", "  - backup: full\n", "", "9:5: no backup is taken before the disaster", "- backup: full"},
        Refused{"BackupAfterDisaster", "  - disaster: lose_server\n", "  - disaster: lose_server\n  - backup: full\n",
                "11:5: no step can follow the disaster lose_server", "before the disaster"},
        Refused{"LoadAfterLostServer", "  - disaster: lose_server\n",
                "  - disaster: lose_server\n  - load: { for: 1s }\n",
                "11:5: no step can follow the disaster lose_server", "before the disaster"},
        Refused{"MarkNamedAsARestorePoint", "  - mark: here\n", "  - restore_point: here\n  - mark: here\n",
                "10:5: the restore point \"here\" was already taken in line 9", "of its own"},
        Refused{"RestorePointNamedAsAMark", "  - mark: here\n", "  - mark: here\n  - restore_point: here\n",
                "10:5: the mark \"here\" was already taken in line 9", "of its own"},
        Refused{"SameMarkTwice", "  - mark: here\n", "  - mark: here\n  - mark: here\n",
                "10:5: the mark \"here\" was already taken in line 9", "of its own"},
        Refused{"LedgerWithoutLoad", "  - load: { for: 1s }\n", "", "11:10: the check ledger has nothing to judge",
                "- load:"},
        Refused{"PageChecksumsOfASourceWithoutAny",
                "ecommerce }\n  wal: { by: stream, synchronous: false }\ntimeline:\n  - load: { for: 1s }\n  - backup: "
                "full\n  - mark: here\n  - disaster: lose_server\nrestore: { kind: full, target: end_of_wal }\nverify: "
                "[ledger]",
                "ecommerce, checksums: false }\n  wal: { by: stream, synchronous: false }\ntimeline:\n  - load: { for: "
                "1s }\n  - backup: full\n  - mark: here\n  - disaster: lose_server\nrestore: { kind: full, target: "
                "end_of_wal }\nverify: [ledger, page_checksums]",
                "12:18: the check page_checksums has nothing to judge: the source is provisioned with \"checksums: "
                "false\"",
                "leave the check out"},
        Refused{
            "ContentWithoutMark",
            "  - mark: here\n  - disaster: lose_server\nrestore: { kind: full, target: end_of_wal }\nverify: [ledger]",
            "  - disaster: lose_server\nrestore: { kind: full, target: end_of_wal }\nverify: [content]",
            "11:10: no mark says what the check content must find at the end of WAL", "- mark: NAME"},
        Refused{"CatalogWithMarkOnlyBeforeBackup",
                "  - backup: full\n  - mark: here\n  - disaster: lose_server\nrestore: { kind: full, target: "
                "end_of_wal }\nverify: [ledger]",
                "  - mark: here\n  - backup: full\n  - disaster: lose_server\nrestore: { kind: full, target: "
                "end_of_wal }\nverify: [catalog]",
                "12:10: no mark says what the check catalog must find at the end of WAL", "between the last backup"},
        Refused{"SettingsWithMarkOnlyBeforeBackup",
                "  - backup: full\n  - mark: here\n  - disaster: lose_server\nrestore: { kind: full, target: "
                "end_of_wal }\nverify: [ledger]",
                "  - mark: here\n  - backup: full\n  - disaster: lose_server\nrestore: { kind: full, target: "
                "end_of_wal }\nverify: [settings]",
                "12:10: no mark says what the check settings must find at the end of WAL", "between the last backup"},
        Refused{
            "ContentWithMarkBeforeTheBackupThatIsRestored",
            "  - mark: here\n  - disaster: lose_server\nrestore: { kind: full, target: end_of_wal }\nverify: [ledger]",
            "  - mark: here\n  - backup: full\n  - disaster: lose_server\nrestore: { kind: full, target: "
            "end_of_wal }\nverify: [content]",
            "13:10: no mark says what the check content must find at the end of WAL", "between the last backup"},
        Refused{"ContentAtBackupPointWithMarkAfterIt", "target: end_of_wal }\nverify: [ledger]",
                "target: immediate }\nverify: [content]",
                "12:10: no mark says what the check content must find at the backup's own point",
                "directly before the last backup"},
        Refused{"ContentAtBackupPointUnderLoad",
                "  - load: { for: 1s }\n  - backup: full\n  - mark: here\n  - disaster: lose_server\nrestore: { kind: "
                "full, target: end_of_wal }\nverify: [ledger]",
                "  - load: { for: 1s, keep_running: true }\n  - mark: here\n  - backup: full\n  - disaster: "
                "lose_server\nrestore: { kind: full, target: immediate }\nverify: [content]",
                "12:10: no mark says what the check content", "no load running"}),
    title_of);

class SettingRefusal : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(SettingRefusal, GivesTheReason) {
  const auto [setting, reason] = GetParam();
  const auto replacement = "ecommerce, settings: { " + std::string(setting) + " } }";
  EXPECT_THAT(refusal_of(with("ecommerce }", replacement)), AllOf(StartsWith("4:"), HasSubstr(reason)));
}

INSTANTIATE_TEST_SUITE_P(ParseScenario, SettingRefusal,
                         testing::Values(std::pair{"fsync: off", "may not be off: a server that does not sync"},
                                         std::pair{"fsync: \"No\"", "may not be No: a server that does not sync"},
                                         std::pair{"full_page_writes: false", "cannot be recovered safely"},
                                         std::pair{"synchronous_commit: off", "not on disk proves nothing"},
                                         std::pair{"zero_damaged_pages: on", "replaced by empty pages"},
                                         std::pair{"wal_level: minimal", "replica or logical"},
                                         std::pair{"archive_command: cp", "Lifeboat sets this one itself"},
                                         std::pair{"log_directory: /etc", "Lifeboat sets this one itself"},
                                         std::pair{"include: /etc/passwd", "Lifeboat sets this one itself"},
                                         std::pair{"recovery_target_time: now", "Lifeboat sets this one itself"},
                                         std::pair{"Work-Mem: 1MB", "is no name of a PostgreSQL setting"}));

TEST(ParseScenario, RefusesASynchronousWaitThatNoReceiverCanEnd) {
  auto text = with("ecommerce }", "ecommerce, settings: { synchronous_commit: remote_apply } }");
  EXPECT_EQ(refusal_of(text), "accepted");
  text.replace(text.find("synchronous: false"), 18, "synchronous: true");
  EXPECT_THAT(refusal_of(text), HasSubstr("every commit would wait for ever"));
}

TEST(ParseScenario, RefusesEveryScenarioThatIsKeptToBeRefused) {
  const std::filesystem::path root(tests::source_directory());
  for (const auto* const name : {"unknown-key.yaml", "unreachable-target.yaml", "zero-checks.yaml"}) {
    EXPECT_THROW(static_cast<void>(parse_scenario(root / "tests/scenarios" / name, root / "fixtures")),
                 backup_engine::base::Error)
        << name;
  }
}

TEST(ParseScenario, RefusesWhatIsNoFile) {
  for (const auto* const path : {"/nowhere/drill.yaml", "/var/tmp"}) {
    try {
      static_cast<void>(parse_scenario(path, "/nowhere"));
      ADD_FAILURE() << path << " was accepted";
    } catch (const backup_engine::base::Error& error) {
      EXPECT_EQ(error.kind(), backup_engine::base::ErrorKind::usage);
      EXPECT_THAT(error.what(), HasSubstr("there is no such scenario file"));
    }
  }
}

TEST(ParseScenario, RefusesAnEmptyFile) {
  EXPECT_THAT(refusal_of(""), StartsWith("1:1: the file holds no scenario"));
}

}  // namespace
}  // namespace harness::scenario
