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
    "rmgr: Transaction len (rec/tot):     34/    34, tx:        740, lsn: 0/0152A0B8, prev 0/0152A080, desc: COMMIT "
    "2026-11-21 00:30:18.123456 UTC; subxacts: 741 742; inval msgs: catcache 7\n"
    "rmgr: Heap        len (rec/tot):     54/    54, tx:        743, lsn: 0/0152A0F0, prev 0/0152A0B8, desc: INSERT "
    "off 1\n"
    "rmgr: Transaction len (rec/tot):     34/    34, tx:        743, lsn: 0/0152A120, prev 0/0152A0F0, desc: ABORT "
    "2026-11-21 00:30:17.000001 UTC\n"
    "rmgr: Transaction len (rec/tot):     50/    50, tx:          0, lsn: 0/0152A150, prev 0/0152A120, desc: "
    "COMMIT_PREPARED 750: 2026-11-21 00:30:19.5 UTC\n"
    "pg_waldump: error: error in WAL record at 0/152A150: invalid record length at 0/152A188: wanted 24, got 0\n";

TEST(ParseCommitRecords, ReadsCommitsAbortsAndPreparedOnes) {
  const auto records = parse_commit_records(dump, 3);
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].lsn, "0/152A0B8");
  EXPECT_EQ(records[0].end_lsn, "0/152A120");
  EXPECT_EQ(records[0].xid, 740U);
  EXPECT_EQ(records[0].subtransactions, (std::vector<std::uint32_t>{741, 742}));
  EXPECT_EQ(records[0].time, "2026-11-21T00:30:18.123456Z");
  EXPECT_EQ(records[0].timeline, 3U);
  EXPECT_FALSE(records[1].committed);
  EXPECT_EQ(records[2].xid, 750U);
  EXPECT_EQ(records[2].end_lsn, "");
}

TEST(ParseCommitRecords, RefusesWhatItCannotRead) {
  EXPECT_THROW((void)parse_commit_records("rmgr: Transaction tx: 7, lsn: nonsense, desc: COMMIT whenever\n", 1),
               backup_engine::base::Error);
}

}  // namespace
}  // namespace harness::verify
