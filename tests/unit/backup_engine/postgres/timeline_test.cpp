#include "backup_engine/postgres/timeline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"

namespace backup_engine::postgres {
namespace {

TEST(HistoryFileName, IsHexadecimal) {
  EXPECT_EQ(history_file_name(TimelineId(10)), "0000000A.history");
  EXPECT_EQ(parse_history_file_name("0000000A.history"), TimelineId(10));
  EXPECT_EQ(parse_history_file_name("00000010.history"), TimelineId(16));
}

TEST(HistoryFileName, RefusesEverythingElse) {
  for (const auto* name : {"", "A.history", "0000000G.history", "0000000A.histories", "0000000A.partial"}) {
    EXPECT_FALSE(parse_history_file_name(name)) << name;
  }
}

TEST(ParseHistory, ReadsSwitchesOldestFirst) {
  const auto switches =
      parse_history("# a comment\n1\t0/3000148\tno recovery target specified\n\n10\t16/B374D848\tbefore 2026\n");
  ASSERT_EQ(switches.size(), 2U);
  EXPECT_EQ(switches[0].parent, TimelineId(1));
  EXPECT_EQ(switches[0].switch_lsn, Lsn(0x3000148));
  EXPECT_EQ(switches[0].reason, "no recovery target specified");
  EXPECT_EQ(switches[1].parent, TimelineId(10));
}

TEST(ParseHistory, NamesTheLineThatIsNone) {
  try {
    (void)parse_history("1\t0/3000148\tfine\n2\tnonsense\n");
    FAIL() << "a bad line was accepted";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::corrupt);
    EXPECT_THAT(error.what(), testing::HasSubstr("line 2"));
  }
}

}  // namespace
}  // namespace backup_engine::postgres
