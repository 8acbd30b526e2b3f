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
