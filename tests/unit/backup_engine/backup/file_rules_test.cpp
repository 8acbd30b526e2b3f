#include "backup_engine/backup/file_rules.hpp"

#include <gtest/gtest.h>

namespace backup_engine::backup {
namespace {

TEST(ParseRelationFile, TellsForksAndSegments) {
  const auto main = parse_relation_file("16384");
  ASSERT_TRUE(main);
  EXPECT_EQ(main->relation, "16384");
  EXPECT_EQ(main->fork, "");
  EXPECT_EQ(main->segment, 0U);
  const auto second = parse_relation_file("16384_vm.2");
  ASSERT_TRUE(second);
  EXPECT_EQ(second->fork, "vm");
  EXPECT_EQ(second->segment, 2U);
  EXPECT_EQ(parse_relation_file("1_fsm")->fork, "fsm");
  EXPECT_EQ(parse_relation_file("1_init")->fork, "init");
  EXPECT_EQ(parse_relation_file("99.10")->segment, 10U);
}

TEST(ParseRelationFile, RefusesOtherNames) {
  for (const auto* const name : {"", "PG_VERSION", "pg_filenode.map", "pg_control", "16384_", "16384_old", "16384.",
                                 "16384.x", "16384_vm2", "a16384", "016384", "t3_16384", "16384.99999999999"}) {
    EXPECT_FALSE(parse_relation_file(name)) << name;
  }
}

TEST(IsTemporaryRelation, KnowsBackendPrefixes) {
  EXPECT_TRUE(is_temporary_relation("t3_16384"));
  EXPECT_TRUE(is_temporary_relation("t12_16384_fsm.1"));
  EXPECT_FALSE(is_temporary_relation("16384"));
  EXPECT_FALSE(is_temporary_relation("t_16384"));
  EXPECT_FALSE(is_temporary_relation("t3_"));
  EXPECT_FALSE(is_temporary_relation("table"));
}

TEST(IsLeftOut, NamesWhatPostgresqlLeavesOut) {
  for (const auto* const name :
       {"postmaster.pid", "postmaster.opts", "pg_internal.init", "pg_internal.init.4711", "postgresql.auto.conf.tmp",
        "current_logfiles.tmp", "pgsql_tmp", "pgsql_tmp123.4", "backup_label", "tablespace_map", "backup_manifest"}) {
    EXPECT_TRUE(is_left_out(name)) << name;
  }
  for (const auto* const name : {"PG_VERSION", "postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "1259",
                                 "backup_label.txt", "current_logfiles"}) {
    EXPECT_FALSE(is_left_out(name)) << name;
  }
}

TEST(IsLeftOutAtTop, NamesWhatWouldChangeARecovery) {
  EXPECT_TRUE(is_left_out_at_top("standby.signal"));
  EXPECT_TRUE(is_left_out_at_top("recovery.signal"));
  EXPECT_TRUE(is_left_out_at_top("recovery.conf"));
  EXPECT_FALSE(is_left_out_at_top("postgresql.conf"));
}

TEST(BelongsToBackup, NothingOfASafetyCopyDoes) {
  EXPECT_TRUE(is_left_out_at_top("lifeboat-safety-copy"));
  for (const auto* const path :
       {"lifeboat-safety-copy", "lifeboat-safety-copy/journal.json", "lifeboat-safety-copy/data/base/5/1259"}) {
    EXPECT_FALSE(belongs_to_backup(path)) << path;
  }
  EXPECT_TRUE(belongs_to_backup("base/5/1259"));
}

TEST(IsKeptEmpty, NamesTheDirectoriesWhoseContentsBelongToOneServerRun) {
  for (const auto* const name : {"pg_wal", "pg_replslot", "pg_dynshmem", "pg_notify", "pg_serial", "pg_snapshots",
                                 "pg_subtrans", "pg_stat_tmp"}) {
    EXPECT_TRUE(is_kept_empty(name)) << name;
  }
  EXPECT_FALSE(is_kept_empty("pg_xact"));
  EXPECT_FALSE(is_kept_empty("base"));
}

TEST(RelationAt, KnowsWhereRelationsLie) {
  for (const auto* const path : {"global/1262", "base/5/1259_fsm", "pg_tblspc/16385/PG_15_202209061/5/16389.3"}) {
    EXPECT_TRUE(relation_at(path)) << path;
  }
  EXPECT_EQ(relation_at("pg_tblspc/16385/PG_15_202209061/5/16389.3")->segment, 3U);
  for (const auto* const path : {"1262", "base/1262", "base/5/pg_filenode.map", "pg_xact/0000", "mine/5/1259",
                                 "pg_tblspc/16385", "base/5/6/7"}) {
    EXPECT_FALSE(relation_at(path)) << path;
  }
}

TEST(BelongsToBackup, DecidesByThePathAlone) {
  for (const auto* const path :
       {"PG_VERSION", "base", "base/5/1259", "pg_wal", "pg_wal/archive_status", "pg_wal/summaries", "pg_notify",
        "pg_tblspc/16385/PG_15_202209061/5/16389", "postgresql.conf", "mine/standby.signal", "mine/t3_16384"}) {
    EXPECT_TRUE(belongs_to_backup(path)) << path;
  }
  for (const auto* const path :
       {"standby.signal", "backup_label", "base/backup_manifest", "base/pgsql_tmp/pgsql_tmp1.2", "base/5/t3_16384",
        "global/pg_internal.init", "pg_wal/000000010000000000000001", "pg_replslot/lifeboat", "pg_replslot/a/state",
        "pg_tblspc/16385/PG_15_202209061/5/t3_16389", "postmaster.pid"}) {
    EXPECT_FALSE(belongs_to_backup(path)) << path;
  }
}

}  // namespace
}  // namespace backup_engine::backup
