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
  for (const auto& tables : std::vector<std::vector<std::string>>{
           {"shop.orders"},
           {"shop.payments", "shop.order_items"},
           {"shop.products"},
           {"inventory.\"Odd \"\"Place\""},
           {"shop.suppliers"},
           {"shop.foreign_suppliers"},
           {"shop.customers", "shop.documents", "shop.invoices", "shop.contracts", "shop.prices", "audit.order_events",
            "inventory.stock", "inventory.movements"}}) {
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

TEST_F(Replace, PutsAPartitionBackUnderAParentThatStays) {
  live("SET session_replication_role = replica; UPDATE shop.orders_2025_h1 SET total = 0");
  (void)extracted(order(Placement::replace, {"shop.orders_2025_h1"}));
  expect_alike("live", "source");
}

TEST_F(Replace, PutsAPartitionBackUnderAParentThatWasRenamed) {
  live("ALTER TABLE shop.orders RENAME TO orders_of_all_years");
  const auto before = definitions("live");
  live("SET session_replication_role = replica; UPDATE shop.orders_2025_h1 SET total = 0");
  (void)extracted(order(Placement::replace, {"shop.orders_2025_h1"}));
  EXPECT_EQ(definitions("live"), before);
  EXPECT_EQ(content("live"), content("source"));
}

TEST_F(Replace, PutsADroppedPartitionOrChildBackUnderItsParent) {
  live(
      "SET session_replication_role = replica; DELETE FROM shop.orders_2025_h1; ALTER TABLE shop.orders DETACH "
      "PARTITION "
      "shop.orders_2025_h1; DROP TABLE shop.orders_2025_h1, shop.foreign_suppliers");
  (void)extracted(order(Placement::replace, {"shop.orders_2025_h1"}));
  (void)extracted(order(Placement::replace, {"shop.foreign_suppliers"}));
  expect_alike("live", "source");
}

TEST_F(Replace, NeedsNoSuperuserForAnOwnersTables) {
  live("SET session_replication_role = replica; DELETE FROM inventory.stock; ALTER ROLE lifeboat_owner LOGIN");
  auto wanted = order(Placement::replace, {"inventory.stock"});
  wanted.live_conninfo = server().conninfo_as("lifeboat_owner", "live");
  (void)require_possible(wanted);
  (void)extracted(wanted);
  live("ALTER ROLE lifeboat_owner NOLOGIN");
  expect_alike("live", "source");
}

}  // namespace
}  // namespace harness::extract
