#include "harness/scenario/names.hpp"

#include <gtest/gtest.h>

namespace harness::scenario {
namespace {

TEST(ReadTableName, FoldsWhatIsNotQuotedAsPostgresqlDoes) {
  const auto plain = read_table_name("Shop.Orders_2");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->schema, "shop");
  EXPECT_EQ(plain->name, "orders_2");
  const auto quoted = read_table_name(R"("My Shop"."say ""hi""")");
  ASSERT_TRUE(quoted);
  EXPECT_EQ(quoted->schema, "My Shop");
  EXPECT_EQ(quoted->name, "say \"hi\"");
}

TEST(ReadTableName, TakesNothingElse) {
  for (const auto* const text : {"", "orders", ".orders", "shop.", "shop.orders.more", "shop.orders; DROP TABLE x",
                                 "2shop.orders", "shop .orders", R"("shop.orders)", R"("".orders)"}) {
    EXPECT_FALSE(read_table_name(text)) << text;
  }
}

TEST(ReadAssignment, TakesTheTableAndWhatIsSet) {
  const auto read = read_assignment(R"(shop."Products"  set price = 0, name = 'where; it was')");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->table.name, "Products");
  EXPECT_EQ(read->table_text, R"(shop."Products")");
  EXPECT_EQ(read->assignments, "price = 0, name = 'where; it was'");
}

TEST(ReadAssignment, RefusesConditionsAndFurtherStatements) {
  for (const auto* const text :
       {"shop.products", "shop.products price = 0", "shop.products SET", "shop.products SET price",
        "shop.products SET price = 0 WHERE true", "shop.products SET price = 0 where(true)",
        "shop.products SET price = 0; DROP TABLE shop.orders", "products SET price = 0"}) {
    EXPECT_FALSE(read_assignment(text)) << text;
  }
}

TEST(RefusalOfSchema, KeepsTheLedgerAndPostgresqlsOwn) {
  EXPECT_TRUE(refusal_of_schema("lifeboat"));
  EXPECT_TRUE(refusal_of_schema("pg_catalog"));
  EXPECT_TRUE(refusal_of_schema("information_schema"));
  EXPECT_FALSE(refusal_of_schema("Lifeboat"));  // quoted: another schema
  EXPECT_FALSE(refusal_of_schema("shop"));
}

TEST(IsSuffix, IsShortAndPlain) {
  EXPECT_TRUE(is_suffix("restored_2"));
  for (const auto* const text : {"", "Old", "a-b", "seventeen_letters"}) EXPECT_FALSE(is_suffix(text)) << text;
}

}  // namespace
}  // namespace harness::scenario
