// Which tables an SQL text speaks of.
#include "harness/prove/victims.hpp"

#include <gtest/gtest.h>

namespace harness::prove {
namespace {

bool speaks_of(const std::string& text, const std::string& table) {
  return is_spoken_of(text, Victim{"16384", table, table});
}

TEST(IsSpokenOf, FindsATableHoweverItsNameIsWritten) {
  for (const auto* const text :
       {"SELECT 1 FROM orders", "DELETE FROM Orders;", "DELETE FROM SHOP.ORDERS WHERE true", "orders",
        "UPDATE \"orders\" SET a = 1", "SELECT 1 FROM shop.orders, shop.payments", "SELECT orders_old, orders.id"}) {
    EXPECT_TRUE(speaks_of(text, "shop.orders")) << text;
  }
  EXPECT_TRUE(speaks_of("select 1 from shop.\"Orders\"", "shop.Orders"));
}

TEST(IsSpokenOf, TakesNoPartOfANameForATable) {
  for (const auto* const text : {"SELECT 1 FROM orders_old", "SELECT 1 FROM preorders", "SELECT my$orders", "orders2",
                                 "SELECT 1 FROM é_orders", "SELECT 1 FROM ordersé", ""}) {
    EXPECT_FALSE(speaks_of(text, "shop.orders")) << text;
  }
  EXPECT_FALSE(speaks_of("DELETE FROM payments WHERE amount > 0", "public.a"));
  EXPECT_TRUE(speaks_of("DELETE FROM public.A", "public.a"));
}

}  // namespace
}  // namespace harness::prove
