// What a partial restore really leaves, attribute by attribute: every table of ecommerce (with more_objects.sql) taken
// from a scratch database into a live one, then compared with the source by the catalog probe, in place and beside; and
// everything else with what it was before.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/verify/comparison.hpp"
#include "harness/verify/dependents_probe.hpp"
#include "harness/verify/judge.hpp"
#include "harness/verify/selected_probe.hpp"
#include "tests/pg/extract/two_databases.hpp"

namespace harness::verify {
namespace {

using extract::Placement;
using reports::record::Check;
using reports::record::SelectedTables;

class RestoredAttributes : public extract::TwoDatabases {
 protected:
  static SelectedTables probe(const std::string& database, const Scope& scope,
                              const reports::record::ContentDigests* alike = nullptr) {
    const Cluster cluster{[](const std::string& name) { return server().connect(name); }, database, scope};
    auto probed = probe_selected(cluster, alike);
    // What is elsewhere a server of its own; here it is another database of the same, and changed by the extraction.
    std::erase_if(probed.content.tables, [](const auto& table) { return table.table.starts_with("scratch."); });
    std::erase_if(probed.content.sequences, [](const auto& at) { return at.sequence.starts_with("scratch."); });
    std::erase_if(probed.objects, [](const auto& object) {
      return object.first.starts_with("scratch: ") || object.first == "database scratch";
    });
    return probed;
  }

  static void expect_alike(const SelectedTables& then, const SelectedTables& now, Positions positions) {
    Check check;
    compare_content(then.content, now.content, "the source", check);
    compare_sequences(then.content, now.content, positions, "the source", check);
    compare_objects(then.objects, now.objects, "the source", check);
    for (const auto& finding : check.findings)
      ADD_FAILURE() << finding.object << " " << finding.key << ": " << finding.text;
  }

  // The two halves of the judgement, over a restore of these.
  void expect_restored(const scenario::PartialRestore& partial) {
    make_scratch();
    const auto mark = scope_at_mark(partial);
    const auto restored = scope_of_restored(partial);
    const auto rest = scope_of_untouched(partial);
    const auto then = probe("source", mark);
    const auto before = probe("live", rest);
    auto wanted = order(partial.placement == scenario::Placement::beside ? Placement::beside : Placement::replace,
                        partial.tables);
    wanted.selection.schema = partial.schema;
    wanted.selection.where = partial.where;
    (void)extracted(wanted);  // its findings are advice, for the tests of extract to look at
    expect_alike(then, probe("live", restored, &then.content), Positions::equal);
    const auto after = probe("live", rest, &before.content);
    expect_alike(before, after, Positions::equal);
    EXPECT_GT(then.objects.size(), 10U);
    EXPECT_GT(before.objects.size(), then.objects.size());
  }
};

const std::vector<std::string> every_table = {"shop.customers",      "shop.products",      "shop.prices",
                                              "shop.orders",         "shop.order_items",   "shop.payments",
                                              "shop.documents",      "shop.contracts",     "inventory.stock",
                                              "inventory.movements", "audit.order_events", "audit.document_changes"};

scenario::PartialRestore restore_of(std::vector<std::string> tables, scenario::Placement placement) {
  scenario::PartialRestore partial;
  partial.tables = std::move(tables);
  partial.placement = placement;
  return partial;
}

// What the check says of a restore of tables that had been dropped, with `afterwards` done to the live database.
class ReturnedDependents : public RestoredAttributes {
 protected:
  Check judged(const std::vector<std::string>& tables, const std::string& afterwards = "") {
    for (const auto& table : tables) live("DROP TABLE " + table + " CASCADE");
    make_scratch();
    const auto partial = restore_of(tables, scenario::Placement::replace);
    const auto rest = scope_of_untouched(partial);
    Records records;
    auto& mark = records.marks.emplace_back();
    mark.catalog = probe("source", {}).objects;
    auto& untouched = records.evidence.untouched.emplace();
    untouched.before = probe("live", rest);
    (void)extracted(order(Placement::replace, partial.tables));
    if (!afterwards.empty()) live(afterwards);
    untouched.after = probe("live", rest, &untouched.before.content);
    untouched.dependents =
        probe_dependents({[](const std::string& name) { return server().connect(name); }, "live", rest});
    return judge({{scenario::CheckKind::untouched, {}}}, records).checks.at(0);
  }
  static std::vector<std::string> found(const Check& check) {
    std::vector<std::string> objects;
    for (const auto& finding : check.findings) objects.push_back(finding.object + ": " + finding.text);
    return objects;
  }
};

TEST_F(ReturnedDependents, AreNoChangeWhenTheyAreWhatTheyWere) {
  const auto check = judged({"shop.orders", "shop.documents"});
  EXPECT_EQ(check.verdict, reports::record::Verdict::pass) << check.summary;
  EXPECT_THAT(found(check), testing::IsEmpty());
  EXPECT_THAT(check.expected, testing::ContainsRegex("[0-9]+ dependent objects as at the mark"));
}

TEST_F(ReturnedDependents, AreAChangeWhenTheyAreAnythingElse) {
  const auto check = judged(
      {"shop.orders"},
      "COMMENT ON VIEW shop.order_balances IS 'other'; ALTER TABLE shop.payments DROP CONSTRAINT payments_order; "
      "ALTER TABLE shop.payments ADD CONSTRAINT payments_order FOREIGN KEY (order_id, placed_on) REFERENCES "
      "shop.orders "
      "NOT VALID; CREATE VIEW shop.newcomer AS SELECT FROM shop.orders; CREATE TABLE shop.bystander AS SELECT 1 AS "
      "one; "
      "ALTER POLICY events_of_orders ON audit.order_events TO lifeboat_clerk");
  const auto elsewise = ": came back with another definition than at the mark";
  EXPECT_THAT(found(check), testing::IsSupersetOf(
                                {std::string("comment on view shop.order_balances") + elsewise,
                                 std::string("constraint shop.payments.payments_order") + elsewise,
                                 std::string("policy audit.order_events.events_of_orders") + elsewise,
                                 std::string("view shop.newcomer: was not there at the restore's beginning"),
                                 std::string("table shop.bystander: was not there at the restore's beginning"),
                                 std::string("shop.bystander: the table was not there at the restore's beginning")}));
}

// Nobody has to wait for a restore to make a view better.
TEST_F(ReturnedDependents, ThatWereThereAlreadyMustStayAsTheyWere) {
  const auto check =
      judged({"shop.documents"},
             "CREATE OR REPLACE VIEW inventory.sales AS SELECT month, 0::numeric AS orders FROM shop.sales_by_month");
  EXPECT_THAT(found(check),
              testing::Contains("view inventory.sales: its definition is not the one at the restore's beginning"));
}

TEST_F(RestoredAttributes, OfEveryTableInPlaceAreTheSources) {
  live(
      "SET session_replication_role = replica; UPDATE shop.orders SET total = 0; DELETE FROM shop.customers; "
      "TRUNCATE audit.order_events; ALTER TABLE shop.payments DROP COLUMN method; SELECT setval('shop.order_numbers', "
      "3)");
  expect_restored(restore_of(every_table, scenario::Placement::replace));
}

TEST_F(RestoredAttributes, OfOneTableInPlaceAreTheSourcesAndItsNeighboursKeepTheirs) {
  live(
      "ALTER TABLE shop.orders DISABLE TRIGGER ALL; UPDATE shop.orders SET total = 0; "
      "COMMENT ON TABLE shop.orders IS NULL; REVOKE ALL ON shop.orders FROM lifeboat_reader");
  expect_restored(restore_of({"shop.orders"}, scenario::Placement::replace));
}

TEST_F(RestoredAttributes, OfCopiesBesideAreTheSources) {
  live("TRUNCATE audit.order_events");
  expect_restored(restore_of({"shop.orders", "shop.products", "audit.order_events"}, scenario::Placement::beside));
}

TEST_F(RestoredAttributes, OfASchemaBesideAreTheSources) {
  scenario::PartialRestore partial;
  partial.schema = "inventory";
  partial.placement = scenario::Placement::beside;
  expect_restored(partial);
}

TEST_F(RestoredAttributes, OfRowsLeaveTheOtherRowsAlone) {
  live("UPDATE shop.products SET price = 1");
  auto partial = restore_of({"shop.products"}, scenario::Placement::replace);
  partial.where = "product_id <= 100";
  expect_restored(partial);
}

}  // namespace
}  // namespace harness::verify
