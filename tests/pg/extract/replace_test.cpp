// --replace: damaged or dropped tables come back as they were, and what stands on them stays.
#include <gmock/gmock.h>

#include "tests/pg/extract/two_databases.hpp"

namespace harness::extract {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

class Replace : public TwoDatabases {};

TEST_F(Replace, BringsBackAPartitionedTableWithAllThatItHas) {
  live(
      "SET session_replication_role = replica; UPDATE shop.orders SET total = 0; DELETE FROM shop.orders WHERE "
      "order_id % 3 = 0 AND status = 'placed'");
  live(
      "DROP INDEX shop.orders_open; ALTER TABLE shop.orders DROP COLUMN notes CASCADE; DROP STATISTICS "
      "shop.orders_by_customer; REVOKE ALL ON shop.orders FROM lifeboat_clerk");
  const auto result = extracted(order(Placement::replace, {"shop.orders"}));
  EXPECT_EQ(result.rows, 6000U);
  EXPECT_THAT(result.objects, UnorderedElementsAre("shop.orders"));
  // Rows that the harm took with it elsewhere (items of deleted orders) are no part of the order.
  EXPECT_EQ(definitions("live"), definitions("source"));
  auto content_now = content("live"), content_then = content("source");
  for (const auto* const other : {"shop.order_items", "shop.payments", "shop.invoices"})
    content_now.erase(other), content_then.erase(other);
  EXPECT_EQ(content_now, content_then);
}

TEST_F(Replace, LeavesASoundDatabaseExactlyAsItIs) {
  for (const auto& tables : std::vector<std::vector<std::string>>{{"shop.orders"},
                                                                  {"shop.payments", "shop.order_items"},
                                                                  {"shop.products"},
                                                                  {"inventory.\"Odd \"\"Place\""}}) {
    const auto result = extracted(order(Placement::replace, tables));
    EXPECT_THAT(words_of(result.findings), Not(Contains(HasSubstr("refer")))) << tables.front();
    expect_alike("live", "source");
  }
}

TEST_F(Replace, BringsBackADroppedTableWithWhatWentWithIt) {
  live("DROP TABLE shop.orders CASCADE");
  const auto result = extracted(order(Placement::replace, {"shop.orders"}));
  EXPECT_THAT(result.objects,
              AllOf(Contains("shop.orders"), Contains("view shop.order_balances"), Contains("view shop.sales_by_month"),
                    Contains("constraint order_items_order of shop.order_items"),
                    Contains("publication orders_out of shop.orders"),
                    Contains("policy events_of_orders of audit.order_events")))
      << testing::PrintToString(words_of(result.findings));
  live("ALTER TABLE audit.order_drafts ALTER COLUMN order_id SET DEFAULT nextval('shop.order_numbers')");
  expect_alike("live", "source");
}

TEST_F(Replace, TellsOfOrphansAndKeepsTheirKeyNotValid) {
  make_scratch("SET session_replication_role = replica; DELETE FROM shop.orders WHERE order_id IN (11, 12)");
  const auto items = ask_live("SELECT count(*) FROM shop.order_items WHERE order_id IN (11, 12)");
  const auto result = extracted(order(Placement::replace, {"shop.orders"}));
  EXPECT_THAT(words_of(result.findings),
              Contains("shop.order_items: " + items +
                       " rows refer to rows of shop.orders that are not there: constraint order_items_order; it is NOT "
                       "VALID"));
  EXPECT_EQ(ask_live("SELECT convalidated FROM pg_constraint WHERE conname = 'order_items_order'"), "f");
  EXPECT_EQ(ask_live("SELECT count(*) FROM shop.order_items WHERE order_id IN (11, 12)"), items) << "nothing of others";
}

TEST_F(Replace, PutsAPartitionBackUnderAParentThatStays) {
  live("SET session_replication_role = replica; UPDATE shop.orders_2025_h1 SET total = 0");
  (void)extracted(order(Placement::replace, {"shop.orders_2025_h1"}));
  expect_alike("live", "source");
}

TEST_F(Replace, GivesAKeyThatRowsBreakToThePartitions) {
  live("SET session_replication_role = replica; DELETE FROM shop.customers WHERE customer_id = 7");
  const auto result = extracted(order(Placement::replace, {"shop.orders"}));
  EXPECT_THAT(words_of(result.findings), Contains(HasSubstr("rows refer to rows of shop.customers that are not there: "
                                                            "constraint orders_customer")));
  EXPECT_THAT(ask_live("SELECT count(*) FROM pg_constraint WHERE conname = 'orders_customer' AND NOT convalidated"),
              AllOf(Not("0")));
  EXPECT_EQ(ask_live("SELECT count(*) FROM shop.orders"), "6000");
}

TEST_F(Replace, TellsOfAPartitionThatIsNewerThanTheTarget) {
  live(
      "ALTER TABLE shop.orders DETACH PARTITION shop.orders_other; CREATE TABLE shop.orders_2027 PARTITION OF "
      "shop.orders FOR VALUES FROM ('2027-01-01') TO ('2028-01-01'); DROP TABLE shop.orders_other");
  const auto result = extracted(order(Placement::replace, {"shop.orders"}));
  EXPECT_THAT(words_of(result.findings),
              Contains("shop.orders_2027: it was made after the target, and went with its rows"));
  expect_alike("live", "source");
}

}  // namespace
}  // namespace harness::extract
