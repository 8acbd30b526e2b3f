// What is refused of disasters that leave the server alive, of points in time and of partial restores.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/harness/scenario/refused_scenario.hpp"

namespace harness::scenario {
namespace {

class StruckRefusal : public testing::TestWithParam<Refused> {};

TEST_P(StruckRefusal, SaysWhereWhatAndWhatToDo) {
  expect_refused(GetParam(), struck_scenario);
}

TEST(ParseScenario, AcceptsTheScenarioThatTheRefusedOnesDifferFrom) {
  EXPECT_EQ(refusal_of(std::string(struck_scenario)), "accepted");
}

// Recovery from the one backup comes to the first of them.
TEST(ParseScenario, AcceptsTwoRestorePointsOfOneNameWithNoBackupInBetween) {
  const auto with_backups = [](const std::string& between, const std::string& behind) {
    return with(
        "  - load: { for: 2s }\n  - mark: here\n",
        "  - restore_point: twice\n" + between + "  - restore_point: twice\n" + behind,
        with("{ mark: here } }\nverify: [ledger, content]", "{ name: twice } }\nverify: [ledger]", struck_scenario));
  };
  EXPECT_EQ(refusal_of(with_backups("", "  - backup: full\n")), "accepted");
  EXPECT_THAT(refusal_of(with_backups("  - backup: full\n", "")), testing::HasSubstr("different names"));
}

constexpr auto disaster = "{ drop_table: shop.orders }";
constexpr auto point = "{ mark: here }";
constexpr auto restore = "{ kind: pitr, target: { mark: here } }";

INSTANTIATE_TEST_SUITE_P(
    Steps, StruckRefusal,
    testing::Values(
        Refused{"UnknownBackupMethod", "backup: full", "backup: { type: full, by: strem }",
                "8:31: unknown backup method \"strem\"", "did you mean \"stream\"? allowed here: files, stream"},
        Refused{"BackupWithoutType", "backup: full", "backup: { by: stream }",
                "8:13: a backup step lacks the key \"type\"", "add \"type:\""},
        Refused{"UnknownBackupType", "backup: full", "backup: { type: incremental_ }",
                "8:21: unknown backup type \"incremental_\"", "did you mean \"incremental\"?"},
        Refused{"BadRestorePointName", "mark: here", "restore_point: Over Here",
                "10:20: \"Over Here\" is no name for a restore point", "lower-case"},
        Refused{"MarkNamedDisaster", "mark: here", "mark: disaster", "10:11: a mark may not be named \"disaster\"",
                "before-disaster"},
        Refused{"DisasterWithoutArgument", disaster, "drop_table",
                "11:15: the disaster drop_table does not say what it strikes",
                "- disaster: { drop_table: shop.orders }"},
        Refused{"DisasterWithEmptyArgument", disaster, "{ update_rows: }",
                "11:17: the disaster update_rows does not say what it strikes", "SET price = 0"},
        Refused{"TwoDisastersInOne", disaster, "{ drop_table: shop.orders, drop_schema: shop }",
                "11:15: a disaster has one kind, this one has 2", "of their own"},
        Refused{"MisspeltDisaster", disaster, "{ drop_tabel: shop.orders }", "11:17: unknown disaster \"drop_tabel\"",
                "did you mean \"drop_table\"?"},
        Refused{"TableWithoutSchema", disaster, "{ truncate_table: orders }", "11:33: \"orders\" is no name of a table",
                "schema.name"},
        Refused{"TableWithMore", disaster, "{ delete_rows: shop.orders WHERE true }",
                "11:30: \"shop.orders WHERE true\" is no name of a table", "schema.name"},
        Refused{"LedgerTable", disaster, "{ drop_table: Lifeboat.ledger }",
                "11:29: the schema lifeboat may not be touched: it holds the ledger", "the dataset's own"},
        Refused{"CatalogTable", disaster, "{ delete_rows: pg_catalog.pg_class }",
                "11:30: the schema pg_catalog may not be touched: it is PostgreSQL's own", "the dataset's own"},
        Refused{"LedgerSchema", disaster, "{ drop_schema: lifeboat }", "11:30: the schema lifeboat may not be touched",
                "a schema of the dataset's own"},
        Refused{"SchemaWithDot", disaster, "{ drop_schema: shop.orders }",
                "11:30: \"shop.orders\" is no name of a schema", "double quotes"},
        Refused{"UpdateWithWhere", disaster, "{ update_rows: shop.products SET price = 0 WHERE price > 9 }",
                "11:30: update_rows cannot carry out", "without WHERE"},
        Refused{"UpdateWithoutSet", disaster, "{ update_rows: shop.products }", "11:30: update_rows cannot carry out",
                "TABLE SET ASSIGNMENTS"},
        Refused{"UpdateOfTheLedger", disaster, "{ update_rows: lifeboat.ledger SET id = 0 }",
                "11:30: the schema lifeboat may not be touched", "the dataset's own"},
        Refused{"UnknownDatabase", disaster, "{ drop_database: shop_archives }",
                "11:5: the dataset has no database \"shop_archives\" to drop", "did you mean \"shop_archive\"?"},
        Refused{"LoadDatabaseWithLoadBehind", disaster, "{ drop_database: shop }",
                "11:5: the database shop cannot be dropped: the load goes on in it", "drop another"},
        Refused{"LoadDatabaseWithMarkBehind", "  - disaster: { drop_table: shop.orders }\n  - load: { for: 3s }\n",
                "  - disaster: { drop_database: shop }\n  - mark: later\n",
                "11:5: the database shop cannot be dropped: a mark is taken later in it", "drop another"},
        Refused{"LoadDatabaseThatTheWritersWouldConnectToAgain",
                "  - disaster: { drop_table: shop.orders }\n  - load: { for: 3s }\n",
                "  - disaster: { drop_database: shop }\n  - disaster: fail_over\n",
                "11:5: the database shop cannot be dropped: after the failover in line 12", "drop another"},
        Refused{"LoadDatabaseWithLoadKeptRunning",
                "  - load: { for: 2s }\n  - mark: here\n  - disaster: { drop_table: shop.orders }\n  - load: { for: 3s "
                "}\n",
                "  - load: { for: 2s, keep_running: true }\n  - mark: here\n  - disaster: { drop_database: shop }\n",
                "11:5: the database shop cannot be dropped: the load goes on in it", "end the load"}),
    title_of);

INSTANTIATE_TEST_SUITE_P(
    Targets, StruckRefusal,
    testing::Values(
        Refused{"TargetWithoutPoint", point, "{ inclusive: false }", "13:32: restore.target names no point",
                "{ mark: NAME }"},
        Refused{"TwoPoints", point, "{ mark: here, time: here }",
                "13:32: a target is one point, this one has mark and time", "keep one"},
        Refused{"UnknownKindOfPoint", point, "{ marc: here }", "13:34: unknown key of restore.target \"marc\"",
                "did you mean \"mark\"?"},
        Refused{"KindOfPointAlone", point, "mark", "13:32: the target mark does not say which", "{ mark: POINT }"},
        Refused{"InclusiveMark", point, "{ mark: here, inclusive: false }",
                "13:57: a target by mark is neither inclusive nor exclusive", "remove \"inclusive\""},
        Refused{"InclusiveInWords", point, "{ time: here, inclusive: never }",
                "13:57: inclusive must be true or false, not never", "true or false"},
        Refused{"UnknownMark", point, "{ mark: hero }", "13:40: the timeline has no mark \"hero\"",
                "did you mean \"here\"?"},
        Refused{"NameWithoutAnyRestorePoint", point, "{ name: there }",
                "13:40: the timeline has no restore point \"there\"", "add \"- restore_point: NAME\" behind a backup"},
        Refused{"RestorePointThatIsAMark", point, "{ name: here }", "13:40: \"here\" is a mark, not a restore point",
                "{ mark: here }"},
        Refused{"MarkThatIsARestorePoint", "  - mark: here\n", "  - restore_point: here\n",
                "13:40: \"here\" is a restore point, not a mark", "{ name: here }"},
        Refused{"TimeAsAPersonWritesIt", point, "{ time: 2026-11-21 10:00:00 }",
                "13:40: the timeline has no mark or restore point \"2026-11-21 10:00:00\"",
                "allowed here: here, disaster"},
        Refused{"MarkBeforeTheFirstBackup", "  - backup: full\n  - load: { for: 2s }\n  - mark: here\n",
                "  - mark: here\n  - backup: full\n",
                "12:40: \"here\" in line 8 comes before the end of the first backup, so no backup reaches it",
                "take a backup before it"},
        Refused{
            "FirstOfTwoRestorePointsBeforeTheBackup",
            "  - backup: full\n  - load: { for: 2s }\n  - mark: here\n  - disaster: { drop_table: shop.orders }\n  - "
            "load: { for: 3s }\nrestore: { kind: pitr, target: { mark: here } }",
            "  - restore_point: twice\n  - backup: full\n  - restore_point: twice\n  - disaster: { drop_table: "
            "shop.orders }\nrestore: { kind: pitr, target: { name: twice } }",
            "12:40: \"twice\" in line 8 comes before the end of the first backup", "behind the backup"},
        Refused{"RestorePointTakenAgainBehindABackup",
                "  - load: { for: 2s }\n  - mark: here\n  - disaster: { drop_table: shop.orders }\n  - load: { for: 3s "
                "}\nrestore: { kind: pitr, target: { mark: here } }",
                "  - restore_point: twice\n  - backup: full\n  - restore_point: twice\n  - disaster: { drop_table: "
                "shop.orders }\nrestore: { kind: pitr, target: { name: twice } }",
                "13:40: \"twice\" is taken in line 9 and, behind the backup of line 10, again in line 11: recovery "
                "would start from that backup",
                "different names"},
        Refused{"RestorePointTakenAgainBehindABackupAndTheDisaster",
                "  - load: { for: 2s }\n  - mark: here\n  - disaster: { drop_table: shop.orders }\n  - load: { for: 3s "
                "}\nrestore: { kind: pitr, target: { mark: here } }",
                "  - restore_point: twice\n  - disaster: { drop_table: shop.orders }\n  - backup: full\n  - "
                "restore_point: twice\nrestore: { kind: pitr, target: { name: twice } }",
                "13:40: \"twice\" is taken in line 9 and, behind the backup of line 11, again in line 12",
                "different names"},
        Refused{"MarkBehindTheDisaster", "  - mark: here\n  - disaster: { drop_table: shop.orders }\n",
                "  - disaster: { drop_table: shop.orders }\n  - mark: here\n",
                "13:40: \"here\" in line 11 comes after the disaster, so drop_table would be replayed too",
                "before the disaster"},
        Refused{"NewestBackupHoldsTheHarm", "  - load: { for: 3s }\nrestore: { kind: pitr, target: { mark: here } }",
                "  - backup: full\nrestore: { kind: pitr, target: immediate }",
                "13:32: the last backup is taken after the disaster drop_table and holds its harm",
                "no backup after it"},
        Refused{
            "XidWithoutTransactions",
            "  - load: { for: 2s }\n  - mark: here\n  - disaster: { drop_table: "
            "shop.orders }\n  - load: { for: 3s }\nrestore: { kind: pitr, target: { mark: here } }",
            "  - mark: here\n  - disaster: { drop_table: shop.orders }\nrestore: { kind: pitr, target: { xid: here } }",
            "11:39: no transaction of the load lies between the first backup and \"here\"", "add \"- load:"},
        Refused{
            "DisasterOfALostServer",
            "  - disaster: { drop_table: shop.orders }\n  - load: { for: 3s }\nrestore: { kind: pitr, target: { mark: "
            "here } }",
            "  - disaster: lose_server\nrestore: { kind: pitr, target: { time: disaster, inclusive: false } }",
            "12:40: the disaster lose_server leaves nothing in the WAL", "target: end_of_wal"},
        Refused{
            "PauseAtTheEndOfWal",
            "  - disaster: { drop_table: shop.orders }\n  - load: { for: 3s }\nrestore: { kind: pitr, target: { mark: "
            "here } }",
            "  - disaster: lose_server\nrestore: { kind: pitr, target: end_of_wal, action: pause }",
            "12:52: the end of WAL is no target at which PostgreSQL could pause", "remove \"action\""},
        Refused{"DisasterInclusively", point, "{ xid: disaster }",
                "13:39: an inclusive target at the disaster replays drop_table itself", "add \"inclusive: false\""},
        Refused{"EndOfWalWithTheHarm", point, "end_of_wal",
                "13:32: recovery to the end of WAL replays the disaster drop_table too",
                "{ lsn: disaster, inclusive: false }"},
        Refused{"UnknownAction", restore, "{ kind: pitr, target: { mark: here }, action: promot }",
                "13:56: unknown target action \"promot\"", "did you mean \"promote\"?"},
        Refused{"FullAfterADroppedTable", restore, "{ kind: full, target: end_of_wal }",
                "13:18: a full restore replays all WAL, and the disaster drop_table with it", "kind: pitr"},
        Refused{"FullToAPoint", "kind: pitr", "kind: full", "13:32: a full restore's target is end_of_wal or immediate",
                "kind: pitr"},
        Refused{"PointsOfARestore", restore, "{ kind: pitr, target: { mark: here }, points: 60 }",
                "13:56: only a sweep has points", "kind: pitr_sweep"},
        Refused{"NoTarget", restore, "{ kind: pitr }", "13:10: restore lacks the key \"target\"", "add \"target:\""},
        Refused{"SweepWithoutPoints", restore, "{ kind: pitr_sweep }",
                "13:10: a sweep does not say how many points it judges", "points: 60"},
        Refused{"SweepOverOnePoint", restore, "{ kind: pitr_sweep, points: 1 }", "13:38: points", "2"},
        Refused{"SweepOverNoLoad",
                "  - load: { for: 2s }\n  - mark: here\n  - disaster: { drop_table: shop.orders }\n  - load: { for: 3s "
                "}\nrestore: { kind: pitr, target: { mark: here } }",
                "  - mark: here\n  - disaster: { drop_table: shop.orders }\nrestore: { kind: pitr_sweep, points: 9 }",
                "11:18: no transaction of the load lies between the first backup and the disaster",
                "load: { for: 1s }"},
        Refused{
            "SweepOverALostSegment",
            "  - disaster: { drop_table: shop.orders }\n  - load: { for: 3s }\nrestore: { kind: pitr, target: { mark: "
            "here } }",
            "  - disaster: { lose_segment: here }\n  - disaster: { drop_table: shop.orders }\nrestore: { kind: "
            "pitr_sweep, points: 9 }",
            "11:5: lose_segment cannot go with a sweep: that replays all WAL from the first backup on", "kind: pitr"},
        Refused{
            "SweepOverADamagedSegment",
            "  - disaster: { drop_table: shop.orders }\n  - load: { for: 3s }\nrestore: { kind: pitr, target: { mark: "
            "here } }",
            "  - disaster: { damage_segment: here }\n  - disaster: { drop_table: shop.orders }\nrestore: { kind: "
            "pitr_sweep, points: 9 }",
            "11:5: damage_segment cannot go with a sweep", "remove the disaster"},
        Refused{"SweepOfARefusal", restore, "{ kind: pitr_sweep, points: 9, expect: { refused: wal_gap } }",
                "13:49: nothing comes back of a restore that is refused", "remove \"expect\""},
        Refused{"SweepOverTables", restore, "{ kind: pitr_sweep, points: 9, tables: [shop.orders] }",
                "13:49: only a partial restore has the key \"tables\"", "kind: partial"},
        Refused{"SweepThatReplaysTheHarm", restore, "{ kind: pitr_sweep, points: 9, target: end_of_wal }",
                "13:49: recovery to the end of WAL replays the disaster drop_table too", "inclusive: false"},
        Refused{"SweepWithActionOfPitr", restore, "{ kind: pitr_sweep, points: 9, action: pause }",
                "13:49: only a restore of kind pitr has an action", "remove \"action\""},
        Refused{"TablesInPointInTime", restore, "{ kind: pitr, target: { mark: here }, tables: [shop.orders] }",
                "13:56: only a partial restore has the key \"tables\"", "kind: partial"}),
    title_of);

INSTANTIATE_TEST_SUITE_P(
    Partial, StruckRefusal,
    testing::Values(
        Refused{"NothingChosen", restore, "{ kind: partial, target: { mark: here } }",
                "13:10: a partial restore does not say what to restore", "tables: [schema.name]"},
        Refused{"TablesAndSchema", restore,
                "{ kind: partial, target: { mark: here }, tables: [shop.orders], schema: shop }",
                "13:82: a partial restore is of tables or of schema, not of both", "keep one"},
        Refused{"NoTables", restore, "{ kind: partial, target: { mark: here }, tables: [] }",
                "13:59: restore.tables lists no table", "[shop.orders]"},
        Refused{"SameTableTwice", restore,
                "{ kind: partial, target: { mark: here }, tables: [shop.orders, shop.orders] }",
                "13:73: the table shop.orders is listed twice", "keep one"},
        Refused{"TheLedger", restore, "{ kind: partial, target: { mark: here }, schema: lifeboat }",
                "13:59: the schema lifeboat may not be touched", "dataset's own"},
        Refused{"WhereOfTwoTables", restore,
                "{ kind: partial, target: { mark: here }, tables: [shop.orders, shop.payments], where: a > 1 }",
                "13:96: where chooses rows of exactly one table", "list one table"},
        Refused{"SuffixInPlace", restore,
                "{ kind: partial, target: { mark: here }, tables: [shop.orders], suffix: old }",
                "13:82: only what is put beside gets a suffix", "into: beside"},
        Refused{"BadSuffix", restore,
                "{ kind: partial, target: { mark: here }, tables: [shop.orders], into: beside, suffix: -old }",
                "13:96: \"-old\" is no suffix", "16 lower-case"},
        Refused{"DatabaseInPlace", restore, "{ kind: partial, target: { mark: here }, database: shop, into: replace }",
                "13:73: a database is restored into a new server, whole: it has no \"into\"", "remove it"},
        Refused{"DatabaseThatIsNone", restore, "{ kind: partial, target: { mark: here }, database: store }",
                "13:61: the dataset has no database \"store\"", "allowed here: shop, shop_archive"},
        Refused{"ActionOfAPartialRestore", restore,
                "{ kind: partial, target: { mark: here }, tables: [shop.orders], action: pause }",
                "13:82: only a restore of kind pitr has an action", "remove"},
        Refused{
            "TablesOfALostServer",
            "  - disaster: { drop_table: shop.orders }\n  - load: { for: 3s }\nrestore: { kind: pitr, target: { mark: "
            "here } }",
            "  - disaster: lose_server\nrestore: { kind: partial, target: { mark: here }, tables: [shop.orders] }",
            "12:59: tables are restored into the server that lives on", "kind: full"},
        Refused{"TablesOfADroppedDatabase",
                "{ drop_table: shop.orders }\n  - load: { for: 3s }\nrestore: { kind: pitr, target: { mark: here } }",
                "{ drop_database: shop_archive }\nrestore: { kind: partial, target: { mark: here }, tables: "
                "[shop.orders] }",
                "12:59: tables are restored into their database, and shop_archive was dropped",
                "database: shop_archive"}),
    title_of);

INSTANTIATE_TEST_SUITE_P(
    Checks, StruckRefusal,
    testing::Values(
        Refused{"ContentAtAnInclusiveLsn", point, "{ lsn: here }",
                "14:18: no mark says what the check content must find at an inclusive LSN, which also replays",
                "inclusive: false"},
        Refused{"ContentAtAnExclusiveXid", point, "{ xid: here, inclusive: false }",
                "14:18: no mark says what the check content must find before a transaction", "remove"},
        Refused{"ContentAtADisasterWithLoadBetween",
                "  - disaster: { drop_table: shop.orders }\n  - load: { for: 3s "
                "}\nrestore: { kind: pitr, target: { mark: here } }",
                "  - load: { for: 1s }\n  - disaster: { drop_table: shop.orders }\nrestore: { kind: pitr, target: { "
                "lsn: disaster, inclusive: false } }",
                "14:18: no mark says what the check content must find before the disaster", "no load in between"},
        Refused{
            "ContentAtARestorePointFarFromMarks",
            "  - load: { for: 2s }\n  - mark: here\n  - disaster: { drop_table: shop.orders }\n  - load: { for: 3s "
            "}\nrestore: { kind: pitr, target: { mark: here } }",
            "  - restore_point: there\n  - load: { for: 2s }\n  - disaster: { drop_table: shop.orders }\nrestore: { "
            "kind: pitr, target: { name: there } }",
            "13:18: no mark says what the check content must find at the restore point \"there\"",
            "next to the restore point"},
        Refused{"VerifybackupOfTables", "restore: { kind: pitr, target: { mark: here } }\nverify: [ledger, content]",
                "restore: { kind: partial, target: { mark: here }, schema: shop }\nverify: [ledger, verifybackup]",
                "14:18: the check verifybackup reads a restored directory", "leave the check out"},
        Refused{"PageChecksumsOfTables", "restore: { kind: pitr, target: { mark: here } }\nverify: [ledger, content]",
                "restore: { kind: partial, target: { mark: here }, tables: [shop.orders] }\nverify: [page_checksums]",
                "14:10: the check page_checksums reads a restored directory", "leave the check out"},
        Refused{"SettingsOfTheLivingSource",
                "restore: { kind: pitr, target: { mark: here } }\nverify: [ledger, content]",
                "restore: { kind: partial, target: { mark: here }, schema: shop }\nverify: [settings]",
                "14:10: the check settings compares a restored server with its source", "leave the check out"},
        Refused{"VerifybackupOfOneDatabase",
                "restore: { kind: pitr, target: { mark: here } }\nverify: [ledger, content]",
                "restore: { kind: partial, target: { mark: here }, database: shop }\nverify: [content, verifybackup]",
                "14:19: the check verifybackup needs every file of the backup", "page_checksums"},
        Refused{"SettingsOfOneDatabase", "restore: { kind: pitr, target: { mark: here } }\nverify: [ledger, content]",
                "restore: { kind: partial, target: { mark: here }, database: shop }\nverify: [content, settings]",
                "14:19: the check settings would find ignore_invalid_pages on", "docs/restore-database.md"},
        Refused{"UntouchedOfANewServer", "[ledger, content]", "[untouched]",
                "14:10: the check untouched compares the living server before and after", "leave the check out"},
        Refused{"LedgerOfAnotherDatabase", restore, "{ kind: partial, target: { mark: here }, database: shop_archive }",
                "14:10: the check ledger reads the database shop, and only shop_archive is restored", "restore shop"}),
    title_of);

}  // namespace
}  // namespace harness::scenario
