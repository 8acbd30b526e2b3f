#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "harness/verify/sql_statements.hpp"
#include "harness/verify/wal_dump_lines.hpp"

namespace harness::verify {
namespace {

TEST(SplitStatements, NamesThemByTheirComment) {
  const auto statements =
      split_statements("-- a file\n\n-- name: first rule\nSELECT 1;\nSELECT 2 -- name: not this\n;\n-- end\n");
  ASSERT_EQ(statements.size(), 2U);
  EXPECT_EQ(statements[0].name, "first rule");
  EXPECT_EQ(statements[0].text, "SELECT 1");
  EXPECT_EQ(statements[1].name, "statement 2");
}

TEST(SplitStatements, CutsOnlyOutsideOfQuotesAndComments) {
  const auto statements = split_statements(
      "SELECT ';', \";\", E'\\';', $$;$$, $a$ ; $$ ; $a$, 'it''s;' /* ; /* ; */ ; */ -- ;\n, $1; SELECT a$b FROM t;;");
  ASSERT_EQ(statements.size(), 2U);
  EXPECT_EQ(statements[1].text, "SELECT a$b FROM t");
}

TEST(SplitStatements, KeepsWhatBreaksARuleWithItsStatement) {
  const auto statements = split_statements(
      "-- name: a\n-- sabotage: UPDATE t SET a = 1\n-- sabotage:  WHERE b\nSELECT 1;\nSELECT 2 -- sabotage: not "
      "this\n;");
  ASSERT_EQ(statements.size(), 2U);
  EXPECT_EQ(statements[0].sabotage, "UPDATE t SET a = 1\nWHERE b");
  EXPECT_EQ(statements[0].text, "SELECT 1");
  EXPECT_EQ(statements[1].sabotage, "");
}

constexpr auto dump =
    "rmgr: Transaction len (rec/tot):     46/    46, tx:        740, lsn: 0/0152A0B8, prev 0/0152A080, desc: COMMIT "
    "2026-11-21 00:30:18.123456 UTC; subxacts: 741 742; inval msgs: catcache 7\n"
    "rmgr: Heap        len (rec/tot):     54/    54, tx:        743, lsn: 0/0152A0E8, prev 0/0152A0B8, desc: INSERT "
    "off 1\n"
    "rmgr: Transaction len (rec/tot):     34/    34, tx:        743, lsn: 0/0152A120, prev 0/0152A0E8, desc: ABORT "
    "2026-11-21 00:30:17.000001 UTC\n"
    "rmgr: XLOG        len (rec/tot):     98/    98, tx:          0, lsn: 0/0152A148, prev 0/0152A120, desc: "
    "RESTORE_POINT before the desc: drop\n"
    "rmgr: XLOG        len (rec/tot):     49/  8137, tx:          0, lsn: 0/0152A1B0, prev 0/0152A148, desc: "
    "FPI_FOR_HINT "
    ", blkref #0: rel 1663/5/1259 blk 0 FPW\n"
    "rmgr: Transaction len (rec/tot):     50/    50, tx:          0, lsn: 0/0152C198, prev 0/0152A1B0, desc: "
    "COMMIT_PREPARED 750: 2026-11-21 00:30:19.5 UTC\n"
    "rmgr: XLOG        len (rec/tot):     24/    24, tx:          0, lsn: 0/0152C1D0, prev 0/0152C198, desc: SWITCH \n"
    "pg_waldump: error: error in WAL record at 0/152C1D0: invalid record length at 0/152C1F0: wanted 24, got 0\n";

TEST(ParseDumpedRecords, ReadsCommitsAbortsAndPreparedOnes) {
  const auto records = parse_dumped_records(dump, {3, {}}).commits;
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].lsn, "0/152A0B8");
  EXPECT_EQ(records[0].end_lsn, "0/152A0E8") << "46 bytes, aligned to 8";
  EXPECT_EQ(records[0].xid, 740U);
  EXPECT_EQ(records[0].subtransactions, (std::vector<std::uint32_t>{741, 742}));
  EXPECT_EQ(records[0].time, "2026-11-21T00:30:18.123456Z");
  EXPECT_EQ(records[0].timeline, 3U);
  EXPECT_FALSE(records[1].committed);
  EXPECT_EQ(records[2].xid, 750U);
}

// What PostgreSQL prints; a name may hold what looks like the end of it, or a line's end.
TEST(ParseDumpedRecords, ReadsPreparedTransactionsWithNamesOfAnyWords) {
  const std::string start =
      "rmgr: Transaction len (rec/tot):    252/   252, tx:        742, lsn: 0/0152A0B8, prev 0/0, ";
  const auto prepared = [&](const std::string& description) {
    const auto records = parse_dumped_records(start + "desc: PREPARE gid " + description + "\n", {2, {}});
    EXPECT_TRUE(records.commits.empty());
    return records.prepared.at(0);
  };
  const auto plain = prepared("transfer: 2026-11-21 00:30:18.123456 UTC; subxacts: 743 744");
  EXPECT_EQ(plain.name, "transfer");
  EXPECT_EQ(plain.time, "2026-11-21T00:30:18.123456Z");
  EXPECT_EQ(plain.xid, 742U);
  EXPECT_EQ(plain.lsn, "0/152A0B8");
  EXPECT_EQ(plain.end_lsn, "0/152A1B8");
  EXPECT_EQ(plain.timeline, 2U);
  const auto misleading = prepared("a: 2000-01-01 00:00:00.000000 UTC: 2026-11-21 00:30:18.123456 UTC");
  EXPECT_EQ(misleading.name, "a: 2000-01-01 00:00:00.000000 UTC");
  EXPECT_EQ(misleading.time, "2026-11-21T00:30:18.123456Z");
  EXPECT_EQ(prepared("two\nlines: 2026-11-21 00:30:18.123456 UTC").time, "");
}

// xactdesc.c appends where a replicated commit came from, and when it was made there.
TEST(ParseDumpedRecords, TakesTheCommitsOwnTimeAndNotItsOrigins) {
  const auto records = parse_dumped_records(
      "rmgr: Transaction len (rec/tot):     77/    77, tx:        742, lsn: 0/0152A0B8, prev 0/0, desc: COMMIT "
      "2026-11-21 "
      "00:30:18.123456 UTC; origin: node 1, lsn 0/1, at 2000-01-01 00:00:00.000000 UTC\n",
      {});
  EXPECT_EQ(records.commits.at(0).time, "2026-11-21T00:30:18.123456Z");
}

TEST(ParseDumpedRecords, ReadsHundredsOfSubtransactions) {
  std::string line =
      "rmgr: Transaction len (rec/tot):   4034/  4034, tx:        700, lsn: 0/0152A0B8, prev 0/0, desc: COMMIT "
      "2026-11-21 "
      "00:30:18.123456 UTC; subxacts:";
  for (int xid = 1000; xid < 2000; ++xid) line += " " + std::to_string(xid);
  const auto records = parse_dumped_records(line + "; inval msgs: catcache 7\n", {});
  ASSERT_EQ(records.commits.at(0).subtransactions.size(), 1000U);
  EXPECT_EQ(records.commits[0].subtransactions.back(), 1999U);
}

TEST(ParseDumpedRecords, ReadsRestorePointsWithNamesOfAnyWords) {
  const auto points = parse_dumped_records(dump, {3, {}}).restore_points;
  ASSERT_EQ(points.size(), 1U);
  EXPECT_EQ(points[0].name, "before the desc: drop");
  EXPECT_EQ(points[0].lsn, "0/152A148");
  EXPECT_EQ(points[0].end_lsn, "0/152A1B0");
}

TEST(ParseDumpedRecords, RefusesWhatItCannotRead) {
  EXPECT_THROW((void)parse_dumped_records("rmgr: Transaction tx: 7, lsn: nonsense, desc: COMMIT whenever\n", {}),
               backup_engine::base::Error);
}

TEST(ParsePlaces, CountsImagesHeadersAndTheRestOfASwitchedSegment) {
  const auto places = parse_places(dump, {1, {}});
  ASSERT_EQ(places.size(), 7U);
  EXPECT_EQ(places[1].lsn, "0/152A0E8") << "records of any kind";
  EXPECT_EQ(places[4].end_lsn, "0/152C198") << "it crosses a page of 8 kB and its header of 24 bytes";
  EXPECT_EQ(places[6].end_lsn, "0/2000000");
}

TEST(EndOfRecord, SkipsTheLongHeaderOfASegmentAndStopsBeforeTheNextPages) {
  using backup_engine::postgres::Lsn;
  EXPECT_EQ(end_of_record(Lsn(0xFFFFE0), 32, {}), Lsn(0x1000000)) << "a record may end with its page";
  EXPECT_EQ(end_of_record(Lsn(0xFFFFE0), 33, {}), Lsn(0x1000030));
  EXPECT_EQ(end_of_record(Lsn(0x2000 - 8), 8 + 8168 + 1, {}), Lsn(0x4000 + 24 + 8));
}

}  // namespace
}  // namespace harness::verify
