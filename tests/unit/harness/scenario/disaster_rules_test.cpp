// Several disasters in one timeline, what each of them needs there, and what a scenario may expect of its restore.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/scenario/disaster_kinds.hpp"
#include "harness/scenario/language.hpp"
#include "harness/scenario/steps.hpp"
#include "tests/unit/harness/scenario/refused_scenario.hpp"

namespace harness::scenario {
namespace {

constexpr auto end = "  - disaster: lose_server\n";
constexpr auto before_the_end =
    "ecommerce }\n  wal: { by: stream, synchronous: false }\ntimeline:\n  - load: { for: 1s }\n  - backup: full\n"
    "  - mark: here\n";
constexpr auto everything_behind_the_dataset =
    "ecommerce }\n  wal: { by: stream, synchronous: false }\ntimeline:\n  - load: { for: 1s }\n  - backup: full\n"
    "  - mark: here\n  - disaster: lose_server\n";
constexpr auto restore = "restore: { kind: full, target: end_of_wal }\nverify: [ledger]\n";

TEST(DisasterKinds, CoverEveryWordOfTheLanguage) {
  for (const auto& word : disaster_words) EXPECT_TRUE(effect_of(word.text)) << word.text;
  EXPECT_FALSE(effect_of("lose_sever"));
}

TEST(ParseScenario, TakesSeveralDisastersAndKnowsWhichMadeTheRecoveryNecessary) {
  const WrittenScenario written(
      with(end,
           "  - disaster: { lose_segment: here }\n  - load: { for: 1s }\n"
           "  - disaster: break_archiving\n  - load: { for: 1s }\n  - disaster: kill_server\n"));
  const auto steps = written.parse().timeline;
  EXPECT_EQ(first_harm(steps), 7U);
  EXPECT_EQ(server_end(steps), 7U);
  EXPECT_EQ(first_change(steps), nowhere);
  EXPECT_EQ(std::get<DisasterStep>(steps[3].what).argument, "here");
}

TEST(ParseScenario, TakesTheFirstHarmForTheDisasterThatATargetNames) {
  const WrittenScenario written(with("  - disaster: { drop_table: shop.orders }\n",
                                     "  - disaster: { delete_rows: shop.payments }\n  - load: { for: 1s }\n"
                                     "  - disaster: { drop_table: shop.orders }\n",
                                     struck_scenario));
  const auto steps = written.parse().timeline;
  EXPECT_EQ(step_of_point(steps, {TargetKind::lsn, "disaster", false}), 4U);
  EXPECT_EQ(server_end(steps), nowhere);
}

TEST(ParseScenario, TakesAFailoverForASourceThatGoesOn) {
  const WrittenScenario written(
      with(end,
           "  - disaster: fail_over\n  - load: { for: 1s }\n  - backup: incremental\n  - mark: there\n"
           "  - disaster: { lose_segment: there }\n  - disaster: fail_over\n  - disaster: kill_server\n"));
  const auto steps = written.parse().timeline;
  EXPECT_EQ(next_failover(steps), 3U);
  EXPECT_EQ(next_failover(steps, 4), 8U);
  EXPECT_EQ(first_harm(steps), 9U);
  EXPECT_EQ(server_end(steps), 9U);
}

TEST(ParseScenario, ReadsWhatAFileDisasterStrikes) {
  const auto struck_by = [](const std::string& disaster) {
    const WrittenScenario written(with("lose_server", disaster));
    return std::get<DisasterStep>(written.parse().timeline.back().what);
  };
  EXPECT_FALSE(struck_by("{ corrupt_page: shop.orders }").checksum_recomputed);
  const auto hidden = struck_by("{ corrupt_page: { table: shop.orders, checksum: recomputed } }");
  EXPECT_TRUE(hidden.checksum_recomputed);
  EXPECT_EQ(hidden.argument, "shop.orders");
  EXPECT_EQ(struck_by("{ encrypt_files: { newest_backups: 2 } }").newest_backups, 2);
}

TEST(ParseScenario, TakesAnExpectedRefusalInPlaceOfChecks) {
  const WrittenScenario written(
      with(restore, "restore: { kind: full, target: end_of_wal, expect: { refused: wal_gap } }\n"));
  const auto scenario = written.parse();
  EXPECT_EQ(scenario.restore.expected_refusal, "wal_gap");
  EXPECT_TRUE(scenario.verify.empty());
  const WrittenScenario recovered(
      with(restore, "restore: { kind: full, target: end_of_wal, expect: recovered }\nverify: [ledger]\n"));
  EXPECT_EQ(recovered.parse().restore.expected_refusal, "");
}

TEST(ParseScenario, TakesAFailoverWithJustTheSlotsAndSendersThatItWants) {
  const auto parse_with = [](const std::string& settings, const std::string& wal) {
    const WrittenScenario written(with(
        before_the_end, "ecommerce, settings: { " + settings + " } }\n  wal: { " + wal +
                            " }\ntimeline:\n  - load: { for: 1s }\n  - backup: full\n  - mark: here\n  - disaster: "
                            "fail_over\n"));
    return written.parse();
  };
  EXPECT_NO_THROW((void)parse_with("max_replication_slots: 3, max_wal_senders: 4", "by: stream, synchronous: false"));
  EXPECT_NO_THROW((void)parse_with("max_replication_slots: 2, max_wal_senders: 3", "by: archive, synchronous: false"));
}

class DisasterRule : public testing::TestWithParam<Refused> {};

TEST_P(DisasterRule, SaysWhereWhatAndWhatToDo) {
  expect_refused(GetParam(), sound_scenario);
}

INSTANTIATE_TEST_SUITE_P(
    ParseScenario, DisasterRule,
    testing::Values(
        Refused{"NothingToRecoverFrom", end, "  - disaster: { lose_segment: here }\n",
                "10:5: lose_segment leaves the source as it is, so there is nothing to recover from", "lose_server"},
        Refused{"SegmentThatIsLostAndThenDamaged", end,
                "  - disaster: { lose_segment: here }\n  - disaster: { damage_segment: here }\n  - disaster: "
                "lose_server\n",
                "11:5: the WAL that holds \"here\" is harmed in line 10 already", "remove one of the two"},
        Refused{"HarmByAServerThatIsGone", end,
                "  - disaster: kill_server\n  - disaster: { drop_table: shop.orders }\n",
                "11:5: no drop_table can follow the disaster kill_server: the server is gone", "before the disaster"},
        Refused{"FailoverThatMayLoseWhatWasAcknowledged", before_the_end,
                "ecommerce, settings: { synchronous_commit: local } }\n  wal: { by: stream, synchronous: false }\n"
                "timeline:\n  - load: { for: 1s }\n  - backup: full\n  - mark: here\n  - disaster: fail_over\n",
                "10:5: fail_over cannot go with the setting synchronous_commit: local", "remove the setting"},
        Refused{
            "FailoverWithoutASlotForTheStandby", before_the_end,
            "ecommerce, settings: { max_replication_slots: 2 } }\n  wal: { by: stream, synchronous: false }\n"
            "timeline:\n  - load: { for: 1s }\n  - backup: full\n  - mark: here\n  - disaster: fail_over\n",
            "10:5: fail_over cannot go with the setting max_replication_slots: 2: the witness, the WAL receiver and "
            "the standby that is made want 3",
            "set it to 3 at least"},
        Refused{
            "FailoverWithoutASenderForTheStandby", before_the_end,
            "ecommerce, settings: { max_wal_senders: 2 } }\n  wal: { by: archive, synchronous: false }\n"
            "timeline:\n  - load: { for: 1s }\n  - backup: full\n  - mark: here\n  - disaster: fail_over\n",
            "10:5: fail_over cannot go with the setting max_wal_senders: 2: the witness and the standby that is made "
            "want 3",
            "set it to 3 at least"},
        Refused{"WalThatASmallDiskCannotKeep", everything_behind_the_dataset,
                "ecommerce, settings: { max_wal_size: 10GB } }\n  wal: { by: stream, synchronous: false }\n"
                "timeline:\n  - load: { for: 1s }\n  - backup: full\n  - mark: here\n  - disaster: fill_disk\n",
                "10:5: fill_disk cannot go with the setting max_wal_size: 10GB", "remove the setting"},
        Refused{"LogThatDoesNotSayWhenTheDiskWasFull", everything_behind_the_dataset,
                "ecommerce, settings: { log_line_prefix: '%p ' } }\n  wal: { by: stream, synchronous: false }\n"
                "timeline:\n  - load: { for: 1s }\n  - backup: full\n  - mark: here\n  - disaster: fill_disk\n",
                "10:5: fill_disk cannot go with the setting log_line_prefix: %p : when the disk was full is read",
                "remove the setting"},
        Refused{"HarmByAServerThatEndedOnAFullDisk", end, "  - disaster: fill_disk\n  - disaster: lose_server\n",
                "11:5: no lose_server can follow the disaster fill_disk: the server is gone", "before the disaster"},
        Refused{"DiskThatIsNamed", "lose_server", "{ fill_disk: /var/lib }",
                "10:28: the disaster fill_disk takes no argument", "- disaster: fill_disk"},
        Refused{"RestoreInPlaceOnAFullDisk", "  - disaster: lose_server\nrestore: { kind: full, target: end_of_wal }",
                "  - disaster: fill_disk\nrestore: { kind: pitr, target: { mark: here }, in_place: true }",
                "11:58: the disaster fill_disk leaves no whole cluster", "in_place"},
        Refused{"FullRestoreOverAChange", end, "  - disaster: { drop_table: shop.orders }\n  - disaster: lose_server\n",
                "12:18: a full restore replays all WAL, and the disaster drop_table with it", "kind: pitr"},
        Refused{"SegmentOfNoPoint", end, "  - disaster: { damage_segment: there }\n  - disaster: lose_server\n",
                "10:5: damage_segment harms the WAL that holds \"there\"", "did you mean \"here\"?"},
        Refused{"SegmentOfALaterPoint", "  - mark: here\n", "  - disaster: { lose_segment: here }\n  - mark: here\n",
                "9:5: lose_segment harms the WAL that holds \"here\"", "restore_point"},
        Refused{"SegmentOfATimelineThatWasLeft", end,
                "  - disaster: fail_over\n  - disaster: { lose_segment: here }\n  - disaster: lose_server\n",
                "11:5: the WAL that holds \"here\" is of the timeline that was left in line 10", "before the failover"},
        Refused{"NothingButAFailover", end, "  - disaster: fail_over\n",
                "10:5: fail_over leaves the source as it is, so there is nothing to recover from", "lose_server"},
        Refused{"FailoverOfAServerThatIsGone", end, "  - disaster: lose_server\n  - disaster: fail_over\n",
                "11:5: no fail_over can follow the disaster lose_server", "before the disaster"},
        Refused{"FailoverWhileArchivingIsBroken", end,
                "  - disaster: break_archiving\n  - disaster: fail_over\n  - disaster: lose_server\n",
                "11:5: this step waits until its WAL is in the repository", "mend_archiving"},
        Refused{"FailoverThatIsToldOfWhat", "lose_server", "{ fail_over: shop.orders }",
                "10:28: the disaster fail_over takes no argument", "- disaster: fail_over"},
        Refused{"KeyThatThereIsNot", end, "  - disaster: lose_server\n  - disaster: lose_key\n",
                "11:5: the drill's repository has no key that could be lost", "encrypted: true"},
        Refused{"ArchivingBrokenTwice", end,
                "  - disaster: break_archiving\n  - disaster: break_archiving\n  - disaster: lose_server\n",
                "11:5: archiving is broken here already", "remove the step"},
        Refused{"ArchivingMendedUnbroken", end, "  - disaster: mend_archiving\n  - disaster: lose_server\n",
                "10:5: archiving is whole here already", "remove the step"},
        Refused{"MarkWhileArchivingIsBroken", "  - mark: here\n", "  - disaster: break_archiving\n  - mark: here\n",
                "10:5: this step waits until its WAL is in the repository, and archiving is broken since line 9",
                "mend_archiving"},
        Refused{"SynchronousCommitsWithoutArchiving", "{ by: stream, synchronous: false }\ntimeline:\n",
                "{ by: stream, synchronous: true }\ntimeline:\n"
                "  - disaster: break_archiving\n",
                "7:5: with a synchronous repository every commit would wait", "synchronous: false"},
        Refused{"BackupsOwnPointOfALostBackup",
                "  - disaster: lose_server\nrestore: { kind: full, target: end_of_wal }",
                "  - disaster: { encrypt_files: { newest_backups: 1 } }\nrestore: { kind: full, target: immediate }",
                "10:5: which backup's own point is meant is not known", "newest_backups: 0"},
        Refused{"UnknownChecksum", "lose_server", "{ corrupt_page: { table: shop.orders, checksum: fresh } }",
                "10:63: unknown state of a checksum \"fresh\"", "stale, recomputed"},
        Refused{"UnknownReason", "end_of_wal }", "end_of_wal, expect: { refused: wal_gpa } }",
                "11:63: unknown reason to refuse a restore \"wal_gpa\"", "did you mean \"wal_gap\"?"},
        Refused{"ExpectationOfAnotherOutcome", "end_of_wal }", "end_of_wal, expect: failed }",
                "11:52: restore.expect is \"recovered\" or says why", "{ refused: REASON }"},
        Refused{"ChecksOfARefusal", "end_of_wal }", "end_of_wal, expect: { refused: wal_gap } }",
                "12:9: a restore that must be refused brings nothing back, so \"verify\" has nothing to judge",
                "remove \"verify\""},
        Refused{"ObjectivesOfARefusal", restore,
                "restore: { kind: full, target: end_of_wal, expect: { refused: wal_gap } }\nobjectives: { rto: 1s }\n",
                "12:13: a restore that must be refused brings nothing back, so \"objectives\" has nothing to judge",
                "remove \"objectives\""},
        Refused{"SecondDisasterOfARefusal", restore,
                "restore: { kind: full, target: end_of_wal, expect: { refused: wal_gap }, struck_by: kill_server }\n",
                "11:85: what is refused does not run", "struck_by"},
        Refused{"UnknownSecondDisaster", "end_of_wal }", "end_of_wal, struck_by: lose_server }",
                "11:55: unknown second disaster \"lose_server\"", "kill_server, kill_restore"},
        Refused{"InterruptedBackupThatRestsOnNone", "  - backup: full\n",
                "  - disaster: { interrupt_backup: incremental }\n  - backup: full\n",
                "8:5: the incremental backup that is interrupted rests on none", "interrupt_backup: full"},
        Refused{"NoChecksOfARecovery", "verify: [ledger]\n", "", "1:1: the scenario lacks the key \"verify\"",
                "add \"verify:\""}),
    title_of);

}  // namespace
}  // namespace harness::scenario
