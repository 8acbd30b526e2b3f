#include "harness/scenario/suggestion.hpp"

#include <gtest/gtest.h>

#include <array>

namespace harness::scenario {
namespace {

constexpr std::array<std::string_view, 4> known{"ledger", "content", "page_checksums", "sql"};

TEST(NearestWord, FindsATypingSlip) {
  EXPECT_EQ(nearest_word("legder", known), "ledger");
  EXPECT_EQ(nearest_word("contnt", known), "content");
  EXPECT_EQ(nearest_word("Page-Checksum", known), "page_checksums");
}

TEST(NearestWord, SuggestsNothingFarAway) {
  EXPECT_EQ(nearest_word("vacuum", known), "");
  EXPECT_EQ(nearest_word(std::string(5000, 'l'), known), "");
  EXPECT_EQ(nearest_word("ledger", {}), "");
}

TEST(Suggestion, ListsWhatIsAllowedWhetherOrNotAWordIsNear) {
  EXPECT_EQ(suggestion("ledgr", known), "did you mean \"ledger\"? allowed here: ledger, content, page_checksums, sql");
  EXPECT_EQ(suggestion("vacuum", known), "allowed here: ledger, content, page_checksums, sql");
}

}  // namespace
}  // namespace harness::scenario
