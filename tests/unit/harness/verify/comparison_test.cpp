#include "harness/verify/comparison.hpp"

#include <gtest/gtest.h>

namespace harness::verify {
namespace {

using reports::record::Check;
using reports::record::ContentDigests;
using reports::record::TableDigest;

TableDigest table(std::string digest, std::vector<TableDigest::Chunk> chunks, std::string chunks_of = "keys") {
  return {"shop.orders", 100, std::move(digest), std::move(chunks), std::move(chunks_of)};
}

std::vector<std::string> told(const TableDigest& then, const TableDigest& now) {
  Check check;
  compare_content({{then}, {}, {}}, {{now}, {}, {}}, "the mark", check);
  std::vector<std::string> lines;
  for (const auto& finding : check.findings)
    lines.push_back(finding.object + " | " + finding.key + " | " + finding.text);
  return lines;
}

using Lines = std::vector<std::string>;

TEST(CompareContent, NamesTheRangesThatDiffer) {
  const auto then = table("a", {{"-8", "-1", 8, "m"}, {"0", "7", 8, "n"}, {"16", "23", 8, "o"}});
  EXPECT_EQ(told(then, then), Lines());
  EXPECT_EQ(told(then, table("b", {{"-8", "-1", 8, "m"}, {"0", "7", 7, "x"}, {"16", "23", 8, "o"}})),
            Lines{"shop.orders | keys 0..7 | rows differ from the mark: 8 then, 7 now"});
}

TEST(CompareContent, JoinsRangesThatFollowOneAnother) {
  const auto then = table("a", {{"8", "15", 8, "m"}, {"16", "23", 7, "n"}, {"32", "39", 1, "o"}});
  const auto now = table("b", {{"8", "15", 8, "x"}, {"16", "23", 8, "y"}, {"32", "39", 2, "z"}, {"40", "47", 3, "q"}});
  EXPECT_EQ(told(then, now), (Lines{"shop.orders | keys 8..23 | rows differ from the mark: 15 then, 16 now",
                                    "shop.orders | keys 32..47 | rows differ from the mark: 1 then, 5 now"}));
}

TEST(CompareContent, NamesTheTableWhereRangesCannotBeCompared) {
  const Lines whole = {"shop.orders |  | rows differ from the mark: 100 then, 100 now"};
  EXPECT_EQ(told(table("a", {{"0", "7", 8, "m"}}), table("b", {{"0", "7", 8, "n"}}, "blocks")), whole);
  EXPECT_EQ(told(table("a", {{"0", "7", 8, "m"}}), table("b", {{"0", "7", 8, "m"}})), whole);
}

TEST(CompareContent, OfBlocksNamesBlocks) {
  EXPECT_EQ(told(table("a", {{"0", "127", 8, "m"}}, "blocks"), table("b", {{"0", "127", 8, "n"}}, "blocks")),
            Lines{"shop.orders | blocks 0..127 | rows differ from the mark: 8 then, 8 now"});
}

TEST(CompareContent, NamesTheBlockThatCannotBeRead) {
  const auto then = table("a", {{"0", "7", 8, "m"}});
  const std::string text = "the table cannot be read: its pages are damaged";
  EXPECT_EQ(told(then, table("unreadable: ERROR:  invalid page in block 12 of relation base/5/16402", {})),
            Lines{"shop.orders | blocks 12..12 | " + text});
  EXPECT_EQ(told(then, table("unreadable: ERROR:  missing chunk number 0 for toast value 16500", {})),
            Lines{"shop.orders |  | " + text});
}

}  // namespace
}  // namespace harness::verify
