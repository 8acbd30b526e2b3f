#include "harness/verify/row_hash.hpp"

#include <gmock/gmock.h>

namespace harness::verify {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(RowHash, TakesEachValueOnceAndHashesItWithTheHashOfThoseBefore) {
  const auto inputs = hash_inputs({{"id", 23}, {"\"Name\"", 25}}, Values::in_place);
  EXPECT_EQ(selected(inputs),
            ", coalesce(t.id::bigint, 4611686018427387904) AS c1, coalesce((t.\"Name\"::text) COLLATE \"C\", "
            "'NULL 8674665223082153551 6129484611666145821') AS c2");
  const auto hashes = row_hashes(inputs);
  EXPECT_EQ(hashes[0], "hashtextextended(s.c2 COLLATE \"C\", hashint4extended(1, s.c1 # '100000'::bigint))");
  EXPECT_EQ(hashes[1], "hashtextextended(s.c2 COLLATE \"C\", hashint4extended(1, s.c1 # '200000'::bigint))");
}

TEST(RowHash, ComparesAsTextWhatThePlainHashWouldTakeForEqual) {
  for (const std::uint32_t type : {1700U, 3802U, 1007U, 114U}) {  // numeric, jsonb, integer[], json
    EXPECT_THAT(selected(hash_inputs({{"v", type}}, Values::in_place)), HasSubstr("t.v::text")) << type;
  }
}

TEST(RowHash, LeavesTypesOfOthersToTheirOutputFunctionsInOneRow) {
  const auto inputs = hash_inputs({{"a", 20000, false}, {"id", 20}, {"b", 20001, false}}, Values::in_place);
  ASSERT_EQ(inputs.size(), 2U);
  EXPECT_EQ(inputs[1].expression, "ROW(t.a, t.b)::text");
}

TEST(RowHash, FetchesValuesThatAreStoredApartOnce) {
  EXPECT_THAT(selected(hash_inputs({{"v", 17}}, Values::stored_apart)), HasSubstr("|| ''"));
  EXPECT_THAT(selected(hash_inputs({{"v", 17}}, Values::in_place)), Not(HasSubstr("||")));
}

TEST(RowHash, OfAsManyColumnsAsATableMayHaveIsNestedNoDeeperThanTheServersStackAllows) {
  const auto hash = row_hashes(hash_inputs(std::vector<Column>(1600, Column{"v", 23}), Values::in_place))[0];
  int depth = 0, deepest = 0;
  for (const auto c : hash) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    deepest = std::max(deepest, depth);
  }
  EXPECT_EQ(depth, 0);
  EXPECT_LT(deepest, 100);
  EXPECT_THAT(hash, HasSubstr("s.c1600 #"));
}

TEST(RowHash, OfATableWithoutColumnsIsAConstant) {
  EXPECT_EQ(row_hashes({})[0], "'100000'::bigint");
}

}  // namespace
}  // namespace harness::verify
