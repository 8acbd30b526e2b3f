// --beside: the tables of the target under names of their own; nothing that exists is touched.
#include <gmock/gmock.h>

#include <algorithm>
#include <regex>
#include <sstream>

#include "tests/pg/extract/two_databases.hpp"

namespace harness::extract {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

// pg_dump orders by names, and the names are others; it leaves a not-null constraint's name out that fits its table.
std::vector<std::string> sorted_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  const std::regex not_null_name("CONSTRAINT \\w+_not_null ");
  for (std::string line; std::getline(stream, line);) lines.push_back(std::regex_replace(line, not_null_name, ""));
  std::sort(lines.begin(), lines.end());
  return lines;
}

class Beside : public TwoDatabases {
 protected:
  static std::vector<std::string> chosen(const std::string& suffix) {
    std::vector<std::string> arguments;
    for (const auto* const name :
         {"", "_2025_h1", "_2025_h2", "_2026_h1", "_2026_h2", "_2026_h2_even", "_2026_h2_odd", "_other"}) {
      arguments.insert(arguments.end(), {"-t", std::string("shop.orders") + name + suffix});
    }
    return arguments;
  }
};

TEST_F(Beside, PutsAPartitionedTableWithAllThatItHasUnderNewNames) {
  live("DELETE FROM shop.order_items; DELETE FROM shop.payments; DELETE FROM shop.orders");
  const auto before = definitions("live");
  const auto rows_before = content("live");
  const auto result = extracted(order(Placement::beside, {"shop.orders"}));
  EXPECT_EQ(result.rows, 6000U);
  EXPECT_THAT(result.objects, ElementsAre("shop.orders_restored"));
  const auto renamed = std::regex_replace(definitions("live", chosen("_restored")), std::regex("_restored\\b"), "");
  EXPECT_EQ(sorted_lines(renamed), sorted_lines(definitions("source", chosen(""))));
  auto content_now = content("live");
  const auto content_then = content("source");
  for (const auto& [table, digest] : content_then) {
    const auto copy = content_now.find(table + "_restored");
    if (copy != content_now.end()) {
      EXPECT_EQ(copy->second, digest) << table;
    }
  }
  EXPECT_EQ(content_now.count("shop.orders_2025_h1_restored"), 1U);
  EXPECT_EQ(content_now.count("shop.order_numbers_restored"), 1U);

  live("DROP TABLE shop.orders_restored CASCADE");
  EXPECT_EQ(definitions("live"), before);
  EXPECT_EQ(content("live"), rows_before);
}

TEST_F(Beside, PutsAChildByInheritanceBelowNoTableThatIsThere) {
  const auto suppliers = ask_live("SELECT count(*) FROM shop.suppliers");
  const auto result = extracted(order(Placement::beside, {"shop.foreign_suppliers"}));
  EXPECT_EQ(std::to_string(result.rows), ask_live("SELECT count(*) FROM shop.foreign_suppliers"));
  const auto digest = [](const std::string& database, const std::string& table) {
    return ask(database, "SELECT md5(string_agg(t::text, '' ORDER BY supplier_id)) FROM " + table + " AS t");
  };
  EXPECT_EQ(digest("live", "shop.foreign_suppliers_restored"), digest("source", "shop.foreign_suppliers"));
  EXPECT_EQ(ask_live("SELECT count(*) FROM shop.suppliers"), suppliers);
}

TEST_F(Beside, TakesEachKindOfTable) {
  const std::vector<std::string> tables = {"shop.customers", "shop.products",  "shop.prices",
                                           "shop.payments",  "shop.documents", "shop.contracts",
                                           "shop.invoices",  "shop.suppliers", "inventory.movements"};
  const auto result = extracted(order(Placement::beside, tables));
  std::vector<std::string> now, then;
  for (const auto& table : tables) {
    now.insert(now.end(), {"-t", table + "_restored"});
    then.insert(then.end(), {"-t", table});
  }
  EXPECT_EQ(ask_live("SELECT string_agg(DISTINCT confrelid::regclass::text, ' ') FROM pg_constraint "
                     "WHERE conrelid = 'shop.payments_restored'::regclass AND conparentid = 0 AND contype = 'f'"),
            "shop.orders")
      << "what was not taken is referred to where it is";
  EXPECT_EQ(ask_live("SELECT confrelid::regclass FROM pg_constraint WHERE conrelid = "
                     "'shop.documents_restored'::regclass AND contype = 'f'"),
            "shop.customers_restored")
      << "what was taken as well, beside";
  const auto without_suffix = [](const std::string& text) {
    return std::regex_replace(text, std::regex("_restored\\b"), "");
  };
  EXPECT_EQ(sorted_lines(without_suffix(definitions("live", now))), sorted_lines(definitions("source", then)));
  const auto content_now = content("live");
  for (const auto& [table, digest] : content("source")) {
    const auto copy = content_now.find(table + "_restored");
    EXPECT_EQ(content_now.at(table), digest) << table;
    if (copy != content_now.end()) {
      EXPECT_EQ(copy->second, digest) << table;
    }
  }
  EXPECT_THAT(words_of(result.findings),
              Contains(HasSubstr("shop.contracts: column content: numbers of large objects")));
}

}  // namespace
}  // namespace harness::extract
