// --where: some rows of one table, beside it or back into it.
#include <gmock/gmock.h>

#include "backup_engine/base/error.hpp"
#include "tests/pg/extract/two_databases.hpp"
#include "tests/support/failure.hpp"

namespace harness::extract {
namespace {

using backup_engine::base::ErrorKind;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class Rows : public TwoDatabases {
 protected:
  Order rows(Placement placement, const std::string& table, const std::string& where) {
    make_scratch();
    auto made = order(placement, {table});
    made.selection.where = where;
    return made;
  }
  void expect_refused(const Order& wanted, ErrorKind kind, const std::string& words) {
    std::string message;
    EXPECT_EQ(tests::kind_of_failure([&] { (void)extract(wanted, progress_); }, &message), kind);
    EXPECT_THAT(message, HasSubstr(words));
  }
};

TEST_F(Rows, ComeBackByTheirKeyAndLeaveNewerOnesAlone) {
  live(
      "SET session_replication_role = replica; UPDATE shop.orders SET total = 0, notes = NULL; "
      "DELETE FROM shop.orders WHERE order_id % 2 = 0;"
      "INSERT INTO shop.orders (order_id, placed_on, customer_id, total) VALUES (900001, '2026-01-01', 3, 5)");
  const auto before = definitions("live");
  const auto events = ask_live("SELECT count(*) FROM audit.order_events");
  const auto counted = ask_live("SELECT sum(order_count) FROM shop.customers");
  const auto result = extracted(rows(Placement::replace, "shop.orders", "orders.order_id BETWEEN 10 AND 29"));
  EXPECT_EQ(result.rows, 20U);
  const auto digest = [](const std::string& database, const std::string& where) {
    return ask(database,
               "SELECT count(*) || md5(string_agg(o::text, '' ORDER BY order_id)) FROM shop.orders o WHERE " + where);
  };
  EXPECT_EQ(digest("live", "order_id BETWEEN 10 AND 29"), digest("source", "order_id BETWEEN 10 AND 29"));
  EXPECT_EQ(ask_live("SELECT sum(total) FROM shop.orders WHERE order_id NOT BETWEEN 10 AND 29"), "5.00");
  EXPECT_EQ(ask_live("SELECT count(*) FROM shop.orders WHERE order_id = 900001"), "1");
  EXPECT_EQ(ask_live("SELECT count(*) FROM audit.order_events"), events) << "no trigger was fired";
  EXPECT_EQ(ask_live("SELECT sum(order_count) FROM shop.customers"), counted);
  EXPECT_EQ(definitions("live"), before);
}

TEST_F(Rows, OfAGeneratedKeyAndAnInheritedTableComeBack) {
  live("DELETE FROM inventory.\"Odd \"\"Place\" WHERE \"the key\" >= 200");
  const auto result = extracted(rows(Placement::replace, "inventory.\"Odd \"\"Place\"", "note LIKE 'place %'"));
  EXPECT_EQ(result.rows, 20U);
  expect_alike("live", "source");
}

TEST_F(Rows, ThatReferToWhatIsGoneStayOutAndAreTold) {
  live(
      "SET session_replication_role = replica; DELETE FROM shop.order_items WHERE order_id IN (50, 51); "
      "DELETE FROM shop.orders WHERE order_id = 50");
  const auto wanted = ask("source", "SELECT count(*) FROM shop.order_items WHERE order_id = 51");
  const auto result = extracted(rows(Placement::replace, "shop.order_items", "order_id IN (50, 51)"));
  EXPECT_EQ(std::to_string(result.rows), wanted);
  EXPECT_THAT(
      words_of(result.findings),
      Contains("shop.order_items: not put back: it refers to a row of shop.orders that is not there: constraint "
               "order_items_order"));
  EXPECT_EQ(ask_live("SELECT count(*) FROM shop.order_items WHERE order_id = 50"), "0");
  EXPECT_EQ(ask_live("SELECT bool_and(convalidated) FROM pg_constraint WHERE contype = 'f'"), "t");
}

TEST_F(Rows, MakeATableOfTheirOwnBeside) {
  const auto before = content("live");
  const auto result =
      extracted(rows(Placement::beside, "shop.orders",
                     "customer_id IN (SELECT customer_id FROM shop.customers WHERE customer_id < 5) -- few"));
  EXPECT_THAT(result.objects, ElementsAre("shop.orders_restored"));
  EXPECT_EQ(std::to_string(result.rows), ask("source", "SELECT count(*) FROM shop.orders WHERE customer_id < 5"));
  EXPECT_EQ(
      ask_live("SELECT md5(string_agg(o::text, '' ORDER BY order_id)) FROM shop.orders_restored o"),
      ask("source", "SELECT md5(string_agg(o::text, '' ORDER BY order_id)) FROM shop.orders o WHERE customer_id < 5"));
  EXPECT_EQ(ask_live("SELECT last_value FROM shop.order_numbers_restored"), "6000");
  const auto after = content("live");
  for (const auto& [table, digest] : before) EXPECT_EQ(after.at(table), digest) << table;
}

TEST_F(Rows, AreRefusedAConditionThatIsNone) {
  expect_refused(rows(Placement::replace, "shop.orders", "order_id ="), ErrorKind::usage, "syntax error");
  expect_refused(rows(Placement::replace, "shop.orders", "true); DROP TABLE shop.orders; SELECT (1"), ErrorKind::usage,
                 "--where");
  expect_refused(rows(Placement::beside, "shop.orders", "colour = 'red'"), ErrorKind::usage, "colour");
  expect_refused(rows(Placement::beside, "shop.orders", "order_id + 1"), ErrorKind::usage, "boolean");
  expect_refused(rows(Placement::replace, "shop.prices", "true"), ErrorKind::usage, "no primary key");
  live("DROP TABLE shop.orders CASCADE");
  expect_refused(rows(Placement::replace, "shop.orders", "true"), ErrorKind::not_found, "put rows back into");
}

}  // namespace
}  // namespace harness::extract
