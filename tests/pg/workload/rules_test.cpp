// Every business rule of a dataset holds on its rows, and every one can fail: broken one at a time, with the triggers
// and foreign keys that would have prevented it switched off, and rolled back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "tests/pg/workload/dataset_server.hpp"

namespace harness::workload {
namespace {

using ::testing::IsEmpty;

// Rule → harm.
using Harms = std::map<std::string, std::string>;

const Harms shop_harms{
    {"orders without a customer",
     "DELETE FROM shop.customers WHERE customer_id IN (SELECT customer_id FROM shop.orders LIMIT 1)"},
    {"items without their order", "DELETE FROM shop.orders WHERE order_id = 7"},
    {"items of an unknown product",
     "DELETE FROM shop.products WHERE product_id IN (SELECT product_id FROM shop.order_items LIMIT 1)"},
    {"payments without their order",
     "DELETE FROM shop.orders WHERE order_id IN (SELECT order_id FROM shop.payments LIMIT 1)"},
    {"order totals that are not the sum of their items",
     "DELETE FROM shop.order_items WHERE order_id = 7 AND line_no = 1"},
    {"line totals that are not quantity times price",
     "ALTER TABLE shop.order_items ALTER COLUMN line_total DROP EXPRESSION; "
     "UPDATE shop.order_items SET line_total = 0 WHERE order_id = 7"},
    {"orders paid beyond their total",
     "INSERT INTO shop.payments (order_id, placed_on, amount, method) SELECT order_id, placed_on, 1, 'card' FROM "
     "shop.orders "
     "WHERE status = 'paid' LIMIT 1"},
    {"paid or shipped orders whose payments fall short",
     "DELETE FROM shop.payments WHERE payment_id = (SELECT min(payment_id) FROM shop.payments)"},
    {"cancelled orders that were paid",
     "UPDATE shop.orders SET status = 'cancelled' WHERE order_id = (SELECT min(order_id) FROM shop.payments)"},
    {"order status that no event explains", "DELETE FROM audit.order_events WHERE event_id = 1"},
    {"customers whose order count is wrong",
     "UPDATE shop.customers SET order_count = order_count + 1 WHERE customer_id = 5"},
    {"stock that is not the sum of its movements",
     "UPDATE inventory.stock SET on_hand = on_hand - 1 WHERE product_id = 5"},
    {"sold goods that did not leave the stock",
     "DELETE FROM inventory.movements WHERE reason = 'sale' AND order_id = 7"},
    {"e-mail addresses used twice",
     "ALTER TABLE shop.customers DROP CONSTRAINT customers_email_key; DROP INDEX shop.customers_email_lower; "
     "INSERT INTO shop.customers (email, name) VALUES ('Customer1@example.org', 'Twice')"},
    {"product prices that differ from the current price version",
     "UPDATE shop.products SET price = 0.01 WHERE product_id = 5"},
    {"documents that differ from their last recorded change",
     "UPDATE shop.documents SET version = version + 1 WHERE document_id = 5"},
    {"contracts whose large object is missing or changed", "SELECT lo_unlink(content) FROM shop.contracts LIMIT 1"},
    {"orders in a partition that is not theirs",
     "ALTER TABLE shop.orders_2025_h1 RENAME TO mistaken; ALTER TABLE shop.orders_2025_h2 RENAME TO orders_2025_h1"},
    {"invoices without their order",
     "DELETE FROM shop.orders WHERE order_id = (SELECT min(order_id) FROM shop.invoices)"},
    {"suppliers whose number is used twice, here and abroad",
     "INSERT INTO shop.foreign_suppliers (supplier_id, name) SELECT min(supplier_id), 'Twice' FROM shop.suppliers"},
    {"ledger ids used twice",
     "SELECT * FROM lifeboat.transact(4096, 0, 'shop.restock', 1); INSERT INTO lifeboat.ledger SELECT * FROM "
     "lifeboat.ledger"},
    {"ledger rows whose business effects are missing or changed",
     "SELECT * FROM lifeboat.transact(4096, 0, 'shop.restock', 1); "
     "DELETE FROM inventory.movements WHERE movement_id = (SELECT max(movement_id) FROM inventory.movements)"},
    {"business rows without their ledger row",
     "SELECT * FROM lifeboat.transact(4096, 0, 'shop.restock', 1); DELETE FROM lifeboat.ledger"},
};

const Harms bench_harms{
    {"balances that do not add up", "UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = 5"},
    {"branches whose balance is not the sum of their history", "UPDATE pgbench_branches SET bbalance = bbalance + 1"},
    {"tellers whose balance is not the sum of their history",
     "UPDATE pgbench_tellers SET tbalance = tbalance + 1 WHERE tid = 5"},
    {"accounts whose balance is not the sum of their history",
     "UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = 5"},
    {"history of an unknown account, teller or branch",
     "DELETE FROM pgbench_accounts WHERE aid IN (SELECT aid FROM pgbench_history)"},
    {"ledger ids used twice",
     "SELECT * FROM lifeboat.transact(4096, 0, 'bench.transfer', 1); INSERT INTO lifeboat.ledger SELECT * FROM "
     "lifeboat.ledger"},
    {"ledger rows whose history row is missing or changed",
     "SELECT * FROM lifeboat.transact(4096, 0, 'bench.transfer', 1); UPDATE pgbench_history SET delta = delta + 1"},
    {"history rows without their ledger row",
     "SELECT * FROM lifeboat.transact(4096, 0, 'bench.transfer', 1); DELETE FROM lifeboat.ledger"},
};

// Before the first harm, so that harms find history to harm.
constexpr auto some_history =
    "SELECT lifeboat.transact(9000000 + n, 0, 'bench.transfer', n) FROM generate_series(1, 20) AS n";

// What holds on the untouched rows must name a violation after the harm, for every rule there is.
void expect_each_rule_can_fail(DatasetServer& source, const std::string& name, const Harms& harms) {
  auto connection = source.connect();
  EXPECT_THAT(broken_rules(connection, name), IsEmpty());
  const auto rules = rules_of(name);
  EXPECT_EQ(rules.size(), harms.size());
  for (const auto& [rule, statement] : rules) {
    ASSERT_TRUE(harms.contains(rule)) << "no harm shows that this rule can fail: " << rule;
    connection.execute("BEGIN");
    // Triggers stay off for the harm alone: lifeboat.transact() works as in the load.
    const auto& harm = harms.at(rule);
    if (!harm.starts_with("SELECT * FROM lifeboat.transact"))
      connection.execute("SET LOCAL session_replication_role = replica");
    connection.execute(harm);
    EXPECT_FALSE(connection.query(statement).empty()) << rule;
    connection.execute("ROLLBACK");
  }
  EXPECT_THAT(broken_rules(connection, name), IsEmpty());
}

TEST(EcommerceRules, HoldOnTheRowsAndCanEachFail) {
  DatasetServer shop("ecommerce");
  expect_each_rule_can_fail(shop, "ecommerce", shop_harms);
}

TEST(PgbenchRules, HoldOnTheRowsAndCanEachFail) {
  DatasetServer bench("pgbench");
  bench.connect().execute(some_history);
  expect_each_rule_can_fail(bench, "pgbench", bench_harms);
}

TEST(LoadDataset, GivesTheSameRowsForTheSameSeed) {
  DatasetServer shop("ecommerce");
  const auto first = shop.content();
  shop.reload();
  EXPECT_EQ(shop.content(), first);
}

// Kinds of objects and attributes that a restore of a part must bring back: each is there at least once.
const std::map<std::string, std::string> rarer_kinds{
    {"a child by inheritance",
     "SELECT inhparent = 'shop.suppliers'::regclass FROM pg_inherits WHERE inhrelid = "
     "'shop.foreign_suppliers'::regclass"},
    {"rows of a child", "SELECT (SELECT count(*) FROM shop.suppliers) > (SELECT count(*) FROM ONLY shop.suppliers)"},
    {"a check that is not inherited", "SELECT count(*) = 1 FROM pg_constraint WHERE connoinherit AND contype = 'c'"},
    {"partitions of a partition with rows", "SELECT count(DISTINCT tableoid) = 2 FROM shop.orders_2026_h2"},
    {"a foreign key to a partitioned table",
     "SELECT count(*) = 3 FROM pg_constraint WHERE contype = 'f' AND confrelid = 'shop.orders'::regclass AND "
     "conparentid = 0"},
    {"a table that refers to itself",
     "SELECT count(*) = 1 FROM pg_constraint WHERE contype = 'f' AND conrelid = confrelid"},
    {"deferrable constraints of each kind",
     "SELECT count(DISTINCT contype) = 3 FROM pg_constraint WHERE condeferrable AND contype IN ('f', 'u', 't')"},
    {"a unique constraint in which nulls are equal", "SELECT count(*) = 1 FROM pg_index WHERE indnullsnotdistinct"},
    {"a sequence without defaults",
     "SELECT seqcycle AND seqincrement = 5 AND seqmin = 1000 AND seqcache = 10 FROM pg_sequence "
     "WHERE seqrelid = 'shop.invoice_numbers'::regclass"},
    {"statistics targets of columns", "SELECT count(*) = 2 FROM pg_attribute WHERE attnum > 0 AND attstattarget > 0"},
    {"column options", "SELECT count(*) = 1 FROM pg_attribute WHERE 'n_distinct=5' = ANY (attoptions)"},
    {"extended statistics with a target", "SELECT count(*) = 1 FROM pg_statistic_ext WHERE stxstattarget > 0"},
    {"statistics on an expression", "SELECT count(*) = 1 FROM pg_statistic_ext WHERE stxexprs IS NOT NULL"},
    {"a column with its own compression", "SELECT count(*) = 1 FROM pg_attribute WHERE attcompression = 'l'"},
    {"storage parameters of tables and indexes",
     "SELECT count(DISTINCT relkind) = 4 FROM pg_class WHERE reloptions IS NOT NULL AND relkind IN ('r', 'i', 't', "
     "'v')"},
    {"a clustered table", "SELECT count(*) = 1 FROM pg_index WHERE indisclustered"},
    {"replica identities of each kind",
     "SELECT count(DISTINCT relreplident) = 3 FROM pg_class WHERE oid >= 16384 AND relkind = 'r'"},
    {"publications with columns, rows and a schema",
     "SELECT (SELECT count(*) > 0 FROM pg_publication_rel WHERE prattrs IS NOT NULL) AND (SELECT count(*) > 0 FROM "
     "pg_publication_rel WHERE prqual IS NOT NULL) AND (SELECT count(*) > 0 FROM pg_publication_namespace)"},
    {"triggers in every state", "SELECT count(DISTINCT tgenabled) = 4 FROM pg_trigger WHERE NOT tgisinternal"},
    {"a trigger of a view",
     "SELECT count(*) = 1 FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid WHERE relkind = 'v'"},
    {"a rule", "SELECT count(*) = 1 FROM pg_rules WHERE schemaname = 'shop'"},
    {"a view on a view",
     "SELECT count(*) = 1 FROM information_schema.view_table_usage WHERE view_name = 'large_open_balances' AND "
     "table_name = 'open_balances'"},
    {"materialized views with and without rows",
     "SELECT count(DISTINCT relispopulated) = 2 FROM pg_class WHERE relkind = 'm'"},
    {"row-level security that is forced",
     "SELECT relforcerowsecurity FROM pg_class WHERE oid = 'shop.documents'::regclass"},
    {"policies of both kinds", "SELECT count(DISTINCT polpermissive) = 2 FROM pg_policy"},
    {"a grant option",
     "SELECT count(*) > 0 FROM pg_class c, aclexplode(relacl) a WHERE oid >= 16384 AND a.is_grantable AND a.grantee <> "
     "c.relowner"},
    {"comments on each kind",
     "SELECT count(DISTINCT classoid) >= 11 AND count(*) FILTER (WHERE objsubid > 0) > 1 FROM pg_description "
     "WHERE objoid >= 16384"},
};

TEST(LoadDataset, HoldsAtLeastOneOfEachThingThatARecoveryCanLose) {
  DatasetServer shop("ecommerce");
  const std::map<std::string, std::string> counted{
      {"access methods of indexes",
       "SELECT count(DISTINCT am.amname) >= 5 FROM pg_index JOIN pg_class c ON c.oid = indexrelid "
       "JOIN pg_am am ON am.oid = relam WHERE c.relnamespace::regnamespace::text IN ('shop', 'audit', 'inventory')"},
      {"values stored out of line",
       "SELECT pg_relation_size(reltoastrelid) > 500000 FROM pg_class WHERE oid = 'shop.documents'::regclass"},
      {"compressed values", "SELECT max(pg_column_size(body)) < max(octet_length(body)) / 4 FROM shop.documents"},
      {"incompressible values", "SELECT min(pg_column_size(scan)) >= min(octet_length(scan)) FROM shop.documents"},
      {"large objects", "SELECT count(*) >= 10 FROM pg_largeobject_metadata"},
      {"unlogged rows", "SELECT count(*) > 0 FROM shop.sessions"},
      {"another database", "SELECT count(*) = 1 FROM pg_database WHERE datname = 'shop_archive'"},
      {"roles", "SELECT count(*) = 4 FROM pg_roles WHERE rolname LIKE 'lifeboat%'"},
      {"row-level security", "SELECT relrowsecurity FROM pg_class WHERE oid = 'shop.documents'::regclass"},
  };
  for (const auto& [what, question] : counted) EXPECT_EQ(shop.ask(question), "t") << what;
  for (const auto& [what, question] : rarer_kinds) EXPECT_EQ(shop.ask(question), "t") << what;
}

}  // namespace
}  // namespace harness::workload
