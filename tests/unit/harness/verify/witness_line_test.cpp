#include "harness/verify/witness_line.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/temporary_directory.hpp"

namespace harness::verify {
namespace {

struct Witness {
  backup_engine::base::TemporaryDirectory directory{"/var/tmp", "witness-line"};
  void write(const char* name, const char* text) const { std::ofstream(directory.path() / name) << text; }
};

TEST(NewestTimeline, EndsAtTheFirstHistoryThatIsMissing) {
  const Witness witness;
  EXPECT_EQ(newest_timeline(witness.directory.path(), 1), 1U);
  witness.write("00000002.history", "1\t0/3000\tno recovery target specified\n");
  witness.write("00000004.history", "1\t0/3000\tno recovery target specified\n");
  EXPECT_EQ(newest_timeline(witness.directory.path(), 1), 2U);
  EXPECT_EQ(newest_timeline(witness.directory.path(), 3), 4U);
}

TEST(LineTo, IsWhatTheHistoryTells) {
  const Witness witness;
  witness.write("0000000A.history", "1\t0/3000\tfirst\n\n2\t0/5000\tsecond\n");
  const auto line = line_to(witness.directory.path(), 10);
  ASSERT_EQ(line.size(), 3U);
  EXPECT_EQ(line[0].timeline, 1U);
  EXPECT_EQ(line[0].end_lsn, "0/3000");
  EXPECT_EQ(line[1].timeline, 2U);
  EXPECT_EQ(line[2].timeline, 10U);
  EXPECT_EQ(line[2].end_lsn, "");
  EXPECT_EQ(timeline_at(line, "0/2FF8"), 1U);
  EXPECT_EQ(timeline_at(line, "0/3000"), 2U) << "at a branching the newer one";
  EXPECT_EQ(timeline_at(line, "1/0"), 10U);
  EXPECT_EQ(line_of("", 7).at(0).timeline, 7U);
  EXPECT_EQ(line_to(witness.directory.path(), 1).size(), 1U) << "the first one has no history";
}

TEST(LineTo, RefusesAHistoryThatCannotBeRead) {
  const Witness witness;
  witness.write("00000002.history", "one\tnowhere\n");
  EXPECT_THROW((void)line_to(witness.directory.path(), 2), backup_engine::base::Error);
}

}  // namespace
}  // namespace harness::verify
