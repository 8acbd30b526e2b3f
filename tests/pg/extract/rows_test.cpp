// --where: some rows of one table, beside it or back into it.
#include <gmock/gmock.h>

#include <algorithm>

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

// Invoices that correct others: 1 corrects one that is gone, 2 corrects 1, 3 corrects 2; 4 corrects one that is there,
// 5 corrects 4 and 6 itself.
TEST_F(Rows, ThatReferToRowsOfTheirOwnTableThatStayOutStayOutAsWell) {
  const auto gone = ask("source", "SELECT min(corrects) FROM shop.invoices");
  const auto there = ask("source", "SELECT max(corrects) FROM shop.invoices");
  make_scratch(
      "INSERT INTO shop.invoices (invoice_no, order_id, placed_on, corrects) SELECT n, order_id, placed_on, c FROM "
      "(VALUES (1, " +
      gone + "), (2, 1), (3, 2), (4, " + there +
      "), (5, 4), (6, 6)) AS v (n, c), (SELECT order_id, placed_on FROM "
      "shop.orders WHERE order_id NOT IN (SELECT order_id FROM shop.invoices) LIMIT 1) AS o");
  live("SET session_replication_role = replica; DELETE FROM shop.invoices WHERE invoice_no = " + gone +
       " OR corrects = " + gone);
  auto wanted = order(Placement::replace, {"shop.invoices"});
  wanted.selection.where = "invoice_no < 7";
  const auto result = extracted(wanted);
  EXPECT_EQ(result.rows, 3U);
  EXPECT_EQ(ask_live("SELECT string_agg(invoice_no::text, ' ' ORDER BY 1) FROM shop.invoices WHERE invoice_no < 7"),
            "4 5 6");
  const auto words = words_of(result.findings);
  EXPECT_EQ(std::count(words.begin(), words.end(),
                       "shop.invoices: not put back: it refers to a row of shop.invoices that is not there: constraint "
                       "invoices_corrects"),
            3);
}

TEST_F(Rows, OfAPartitionAreHeldToTheKeysOfItsParent) {
  live(
      "SET session_replication_role = replica; DELETE FROM shop.orders_2025_h1; DELETE FROM shop.customers WHERE "
      "customer_id = 7");
  const auto result = extracted(rows(Placement::replace, "shop.orders_2025_h1", "customer_id IN (7, 8)"));
  EXPECT_EQ(std::to_string(result.rows),
            ask("source", "SELECT count(*) FROM shop.orders_2025_h1 WHERE customer_id = 8"));
  EXPECT_THAT(words_of(result.findings), Contains(HasSubstr("it refers to a row of shop.customers that is not there")));
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

TEST_F(Rows, AreChosenByAConditionWithBracketsQuotesAndComments) {
  const auto result = extracted(
      rows(Placement::replace, "shop.orders",
           "order_id IN (10, 11) AND $x$)($x$ <> ') -- ' /* ) ] */ AND (ARRAY[order_id])[1] = 11 -- ) OR true"));
  EXPECT_EQ(result.rows, 1U);
}

TEST_F(Rows, AreRefusedAConditionThatIsNone) {
  expect_refused(rows(Placement::replace, "shop.orders", "order_id ="), ErrorKind::usage, "syntax error");
  expect_refused(rows(Placement::replace, "shop.orders", "true); DROP TABLE shop.orders; SELECT (1"), ErrorKind::usage,
                 "--where");
  for (const std::string other :
       {"true) or (true", "true)) or ((true", "false) or true --", "false] or [true", "false -- )\n) or (true",
        "false /* ( */) or (true /* ) */", "'(' = ')') or (true", "$x$($x$ = '') or (true", "true, false", "/*", "'"}) {
    auto wanted = order(Placement::replace, {"shop.orders"});
    wanted.selection.where = other;
    expect_refused(wanted, ErrorKind::usage, "--where " + other);
    if (other == "true, false") continue;  // a type that no condition has is found later
    EXPECT_EQ(tests::kind_of_failure([&] { (void)require_possible(wanted); }), ErrorKind::usage) << other;
  }
  expect_refused(rows(Placement::beside, "shop.orders", "colour = 'red'"), ErrorKind::usage, "colour");
  expect_refused(rows(Placement::beside, "shop.orders", "order_id + 1"), ErrorKind::usage, "boolean");
  expect_refused(rows(Placement::replace, "shop.prices", "true"), ErrorKind::usage, "no primary key");
  live("DROP TABLE shop.orders CASCADE");
  expect_refused(rows(Placement::replace, "shop.orders", "true"), ErrorKind::not_found, "put rows back into");
}

}  // namespace
}  // namespace harness::extract
