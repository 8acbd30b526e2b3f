// The comparison that judges partial restores sees each attribute: all are damaged one by one, each damage has to be
// seen, and then a single --replace has to undo what belongs to the tables and to keep what belongs to others.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/pg/extract/two_databases.hpp"

namespace harness::extract {
namespace {

class Attributes : public TwoDatabases {
 protected:
  struct Harm {
    std::string kind, sql;
  };
  // Definitions and positions; rows are compared by tests of their own.
  static std::string seen() {
    return definitions("live") + ask_live(
                                     "SELECT string_agg(format('%s.%s %s', schemaname, sequencename, last_value), "
                                     "' ' ORDER BY schemaname, sequencename) FROM pg_sequences");
  }
  static void expect_each_is_seen(const std::vector<Harm>& harms) {
    auto before = seen();
    for (const auto& [kind, sql] : harms) {
      live(sql);
      const auto after = seen();
      EXPECT_NE(after, before) << kind << ": " << sql;
      before = after;
    }
  }
};

TEST_F(Attributes, OfATableAreSeenWhenTheyAreDamagedAndComeBack) {
  expect_each_is_seen({
      {"index", "DROP INDEX shop.orders_open"},
      {"index's options", "ALTER INDEX shop.payments_order SET (fillfactor = 50)"},
      {"index's statistics target", "ALTER INDEX shop.customers_email_lower ALTER COLUMN 1 SET STATISTICS 10"},
      {"cluster mark", "ALTER TABLE shop.invoices SET WITHOUT CLUSTER"},
      {"replica identity", "ALTER TABLE shop.payments REPLICA IDENTITY NOTHING"},
      {"check", "ALTER TABLE shop.customers DROP CONSTRAINT customers_order_count_check"},
      {"exclusion", "ALTER TABLE shop.prices DROP CONSTRAINT prices_do_not_overlap"},
      {"foreign key", "ALTER TABLE shop.orders DROP CONSTRAINT orders_customer"},
      {"deferrability", "ALTER TABLE shop.payments ALTER CONSTRAINT payments_order NOT DEFERRABLE"},
      {"default", "ALTER TABLE shop.orders ALTER COLUMN status DROP DEFAULT"},
      {"not null", "ALTER TABLE shop.orders ALTER COLUMN total DROP NOT NULL"},
      {"generated column", "ALTER TABLE shop.order_items ALTER COLUMN line_total DROP EXPRESSION"},
      {"identity", "ALTER TABLE shop.customers ALTER COLUMN customer_id SET GENERATED ALWAYS"},
      {"identity's position", "SELECT setval('shop.customers_customer_id_seq', 3)"},
      {"sequence's position", "SELECT setval('shop.order_numbers', 3)"},
      {"sequence's options", "ALTER SEQUENCE shop.invoice_numbers NO CYCLE CACHE 2"},
      {"trigger", "DROP TRIGGER orders_counted ON shop.orders"},
      {"trigger's state", "ALTER TABLE shop.orders ENABLE ALWAYS TRIGGER orders_audited"},
      {"rule", "DROP RULE orders_stay ON shop.orders"},
      {"comment on a table", "COMMENT ON TABLE shop.orders IS NULL"},
      {"comment on a column", "COMMENT ON COLUMN shop.orders.total IS 'another'"},
      {"comment on an index", "COMMENT ON INDEX shop.orders_customer IS NULL"},
      {"comment on a constraint", "COMMENT ON CONSTRAINT invoices_place ON shop.invoices IS NULL"},
      {"comment on statistics", "COMMENT ON STATISTICS shop.orders_by_customer IS NULL"},
      {"owner", "ALTER TABLE shop.orders_other OWNER TO postgres"},
      {"privileges", "REVOKE SELECT ON shop.orders FROM lifeboat_owner"},
      {"privileges of a column", "REVOKE UPDATE (status) ON shop.orders FROM lifeboat_reader"},
      {"statistics target", "ALTER TABLE shop.orders ALTER COLUMN customer_id SET STATISTICS 7"},
      {"extended statistics' target", "ALTER STATISTICS shop.orders_by_customer SET STATISTICS 7"},
      {"extended statistics", "DROP STATISTICS shop.orders_by_customer"},
      {"column's options", "ALTER TABLE shop.customers ALTER COLUMN interests RESET (n_distinct)"},
      {"storage", "ALTER TABLE shop.orders_2025_h1 ALTER COLUMN notes SET STORAGE MAIN"},
      {"compression", "ALTER TABLE shop.orders ALTER COLUMN notes SET COMPRESSION default"},
      {"storage parameters", "ALTER TABLE shop.orders_2025_h1 RESET (fillfactor)"},
      {"row-level security", "ALTER TABLE shop.orders DISABLE ROW LEVEL SECURITY"},
      {"row-level security of the owner", "ALTER TABLE shop.orders NO FORCE ROW LEVEL SECURITY"},
      {"policy", "ALTER POLICY orders_by_clerks ON shop.orders TO lifeboat_reader"},
      {"place of a partition",
       "SET session_replication_role = replica; DELETE FROM shop.orders_2026_h2_odd; ALTER TABLE shop.orders_2026_h2 "
       "DETACH PARTITION shop.orders_2026_h2_odd; DROP TABLE shop.orders_2026_h2_odd"},
      {"inheritance", "ALTER TABLE shop.foreign_suppliers NO INHERIT shop.suppliers"},
  });
  (void)extracted(
      order(Placement::replace, {"shop.orders", "shop.customers", "shop.payments", "shop.invoices", "shop.prices",
                                 "shop.suppliers", "shop.foreign_suppliers", "shop.order_items"}));
  expect_alike("live", "source");
}

TEST_F(Attributes, OfOthersAreSeenWhenTheyChangeAndAreKeptAsTheyAre) {
  expect_each_is_seen({
      {"view",
       "CREATE OR REPLACE VIEW shop.late_balances WITH (security_barrier = true) AS SELECT b.*, b.total - "
       "b.paid + 0 AS due FROM shop.order_balances AS b"},
      {"view's options", "ALTER VIEW shop.late_balances RESET (security_barrier)"},
      {"view's default", "ALTER VIEW shop.late_balances ALTER COLUMN due DROP DEFAULT"},
      {"view's comment", "COMMENT ON VIEW shop.late_balances IS 'new'"},
      {"view's privileges", "GRANT DELETE ON shop.late_balances TO lifeboat_clerk"},
      {"view's owner", "ALTER VIEW inventory.sales OWNER TO lifeboat_owner"},
      {"view's trigger", "DROP TRIGGER balances_stay ON shop.late_balances"},
      {"materialized view's index", "CREATE INDEX ON shop.sales_by_month (orders)"},
      {"materialized view's statistics target",
       "ALTER MATERIALIZED VIEW shop.sales_by_month ALTER COLUMN orders SET STATISTICS 9"},
      {"materialized view's comment", "COMMENT ON MATERIALIZED VIEW shop.sales_by_month IS NULL"},
      {"publication's columns",
       "ALTER PUBLICATION orders_out SET TABLE shop.orders (order_id, placed_on) WHERE "
       "(order_id > 10), shop.products"},
      {"publication's rows",
       "ALTER PUBLICATION orders_out SET TABLE shop.orders (order_id, placed_on) WHERE "
       "(order_id > 11), shop.products"},
      {"publication's options", "ALTER PUBLICATION orders_out SET (publish = 'insert, delete')"},
      {"publication's comment", "COMMENT ON PUBLICATION orders_out IS 'new'"},
      {"foreign key's action",
       "ALTER TABLE shop.order_items DROP CONSTRAINT order_items_order, ADD CONSTRAINT "
       "order_items_order FOREIGN KEY (order_id, placed_on) REFERENCES shop.orders"},
      {"foreign key's comment", "COMMENT ON CONSTRAINT order_items_order ON shop.order_items IS 'new'"},
      {"policy's expression",
       "ALTER POLICY events_of_orders ON audit.order_events USING (EXISTS (SELECT FROM "
       "shop.orders AS o WHERE o.order_id = order_events.order_id))"},
      {"policy's comment", "COMMENT ON POLICY events_of_orders ON audit.order_events IS NULL"},
      {"rule's state", "ALTER TABLE audit.order_drafts ENABLE ALWAYS RULE drafts_known"},
      {"default on a sequence",
       "ALTER TABLE audit.order_drafts ALTER COLUMN order_id SET DEFAULT 1 + "
       "nextval('shop.order_numbers')"},
  });
  const auto before = definitions("live");
  const auto content_before = content("live");
  (void)extracted(order(Placement::replace, {"shop.orders"}));
  EXPECT_EQ(definitions("live"), before);
  EXPECT_EQ(content("live"), content_before);
}

// pg_dump does not show these, so they are asked for by themselves.
TEST_F(Attributes, OfTheTriggersThatEnforceForeignKeysAreKeptOrComeBack) {
  const std::string states =
      "SELECT string_agg(format('%s %s %s %s', g.tgrelid::regclass, c.conname, p.proname, g.tgenabled), chr(10) "
      "ORDER BY 1) FROM (SELECT * FROM pg_trigger ORDER BY tgrelid::regclass::text, tgfoid, tgenabled) AS g "
      "JOIN pg_constraint c ON c.oid = g.tgconstraint AND c.conparentid = 0 JOIN pg_proc p ON p.oid = g.tgfoid "
      "WHERE g.tgisinternal AND g.tgenabled <> 'O'";
  const auto in_another_state = [&](const std::string& table, const std::string& only, const std::string& state) {
    return fmt::format(
        "DO $$ DECLARE n name; BEGIN FOR n IN SELECT tgname FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid WHERE "
        "tgrelid = '{0}'::regclass AND tgisinternal AND p.proname LIKE '{1}' LOOP EXECUTE "
        "format('ALTER TABLE {0} {2} TRIGGER %I', n); END LOOP; END $$",
        table, only, state);
  };
  // On the far side of a key to the table that is replaced, and of one from it; and its own, as they are at the target.
  live(in_another_state("shop.order_items", "RI_FKey_check_ins", "DISABLE"));
  live(in_another_state("shop.customers", "RI_FKey_noaction_del", "ENABLE ALWAYS"));
  make_scratch(in_another_state("shop.orders", "RI_FKey_check_upd", "ENABLE REPLICA"));
  const auto own = [](const std::string& words) { return words.find("shop.orders ") != std::string::npos; };
  const auto before = ask_live(states);
  EXPECT_THAT(before,
              ::testing::AllOf(::testing::HasSubstr("shop.order_items"), ::testing::HasSubstr("shop.customers")));
  EXPECT_FALSE(own(before)) << before;
  (void)extracted(order(Placement::replace, {"shop.orders"}));
  const auto after = ask_live(states);
  EXPECT_THAT(after, ::testing::HasSubstr("RI_FKey_check_upd R"));
  EXPECT_TRUE(own(after)) << after;
  for (const auto* const line : {"shop.order_items order_items_order RI_FKey_check_ins D", "RI_FKey_noaction_del A"}) {
    EXPECT_THAT(after, ::testing::HasSubstr(line)) << before;
  }
}

}  // namespace
}  // namespace harness::extract
