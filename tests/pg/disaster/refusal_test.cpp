// What a disaster on a living source refuses before any harm, and how it fares against other sessions' locks.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "backup_engine/base/error.hpp"
#include "tests/pg/disaster/stricken_shop.hpp"

namespace harness::disaster {
namespace {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::base::poll_until;
using ::testing::HasSubstr;
using workload::DatasetServer;
using workload::soon;

class Refusal : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { shop_ = std::make_unique<DatasetServer>("ecommerce"); }
  static void TearDownTestSuite() { shop_.reset(); }
  static DatasetServer& shop() { return *shop_; }
  static std::unique_ptr<DatasetServer> shop_;

  static std::string all_there_is() {
    return shop().content() +
           shop().ask(
               "SELECT count(*) || ' ' || sum(hashtext(relname)) FROM pg_class WHERE "
               "relnamespace <> 'pg_toast'::regnamespace") +
           shop().ask("SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database");
  }
};
std::unique_ptr<DatasetServer> Refusal::shop_;

struct Mistake {
  std::string kind, argument;
  ErrorKind error;
  std::string message;
};

TEST_F(Refusal, OfWrongNamesAndWrongKindsTouchesNothing) {
  const std::vector<Mistake> mistakes{
      {"drop_everything", "shop.orders", ErrorKind::usage, "there is no disaster 'drop_everything'"},
      {"drop_table", "", ErrorKind::usage, "needs the name of a table"},
      {"drop_table", "shop.order", ErrorKind::not_found, "there is no table 'shop.order' to harm: database shop"},
      {"drop_table", "shop..orders", ErrorKind::not_found, "there is no table 'shop..orders'"},
      {"drop_table", "nowhere.orders", ErrorKind::not_found, "there is no table 'nowhere.orders'"},
      {"drop_table", "orders", ErrorKind::not_found, "there is no table 'orders'"},
      {"drop_table", "shop.order_balances", ErrorKind::usage, "shop.order_balances is a view, not a table"},
      {"truncate_table", "shop.sales_by_month", ErrorKind::usage, "is a materialized view, not a table"},
      {"delete_rows", "shop.order_numbers", ErrorKind::usage, "is a sequence, not a table"},
      {"update_rows", "shop.orders_open SET x = 1", ErrorKind::usage, "is an index, not a table"},
      {"drop_table", "lifeboat.ledger", ErrorKind::usage, "it holds the ledger"},
      {"drop_schema", "lifeboat", ErrorKind::usage, "it holds the ledger"},
      {"delete_rows", "pg_catalog.pg_class", ErrorKind::usage, "it is PostgreSQL's own"},
      {"drop_schema", "pg_catalog", ErrorKind::usage, "it is PostgreSQL's own"},
      {"drop_schema", "shop.orders", ErrorKind::not_found, "there is no schema 'shop.orders'"},
      {"drop_schema", "stock", ErrorKind::not_found, "there is no schema 'stock'"},
      {"drop_database", "shopp", ErrorKind::not_found, "there is no database 'shopp'"},
      {"drop_database", "postgres", ErrorKind::usage, "the database postgres will not be harmed"},
      {"drop_database", "template1", ErrorKind::usage, "will not be harmed"},
      {"update_rows", "shop.products", ErrorKind::usage, "it has no SET"},
      {"update_rows", "shop.products SET ", ErrorKind::usage, "nothing is set"},
      {"update_rows", "shop.products SET price = 0 WHERE true", ErrorKind::usage, "it has a WHERE"},
      {"update_rows", "shop.products SET price = 0; DROP TABLE shop.orders", ErrorKind::usage,
       "more than one statement"},
      {"update_rows", "shop.products SET cost = 0", ErrorKind::server, "\"cost\""},
      // A trigger leaves out what changes nothing; a disaster without a victim would let any recovery pass.
      {"update_rows", "shop.products SET price = price", ErrorKind::usage, "harmed nothing"},
      // Rules of the database itself stop these mistakes, the last two only at COMMIT and on its way there.
      {"update_rows", "shop.products SET price = -1", ErrorKind::server, "refused the harm UPDATE shop.products"},
      {"delete_rows", "shop.products", ErrorKind::server, "violates foreign key constraint"},
      {"delete_rows", "shop.orders", ErrorKind::server, "on table \"payments\""},
  };
  const auto before = all_there_is();
  for (const auto& [kind, argument, error_kind, message] : mistakes) {
    try {
      static_cast<void>(strike_shop(shop(), kind, argument));
      ADD_FAILURE() << kind << " " << argument << " was carried out";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), error_kind) << kind << " " << argument << ": " << error.what();
      EXPECT_THAT(error.what(), HasSubstr(message));
      EXPECT_NE(error.remedy(), "") << error.what();
    }
  }
  EXPECT_EQ(all_there_is(), before);
}

TEST_F(Refusal, ReadsNamesAndAssignmentsAsSqlDoes) {
  shop().connect().execute(R"(CREATE SCHEMA "Back Office"; CREATE TABLE "Back Office"."set where" (note text);
                              INSERT INTO "Back Office"."set where" VALUES ('a'), ('b'))");
  const auto updated =
      strike_shop(shop(), "update_rows", R"("Back Office"."set where" set note = (SELECT 'x; y' WHERE true))");
  EXPECT_THAT(updated.record.detail, HasSubstr("without a WHERE: 2 rows"));
  EXPECT_EQ(shop().ask(R"(SELECT DISTINCT note FROM "Back Office"."set where")"), "x; y");
  const auto dropped = strike_shop(shop(), "drop_schema", "\"Back Office\"");
  EXPECT_EQ(dropped.record.detail, "DROP SCHEMA \"Back Office\" CASCADE: 1 table went with it");
}

// The pid of somebody who waits for a lock in the shop.
std::string waiting(DatasetServer& shop) {
  return shop.ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'shop'");
}
void wait_for_a_waiter(DatasetServer& shop) {
  poll_until(soon(), "a session that waits for a lock",
             [&] { return waiting(shop) == "0" ? std::optional<std::string>("nobody waits") : std::nullopt; });
}

TEST_F(Refusal, WaitsForTheLocksOfOthersAndGivesUpInTime) {
  shop().connect().execute("CREATE TABLE public.busy AS SELECT 1 AS one");
  auto other = shop().connect();
  other.execute("BEGIN; TABLE public.busy");
  auto victim = victim_of(shop());
  victim.patience = std::chrono::milliseconds(300);
  try {
    static_cast<void>(strike({"drop_table", "public.busy"}, victim));
    ADD_FAILURE() << "dropped under a reader";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::timed_out);
    EXPECT_THAT(error.what(), HasSubstr("DROP TABLE public.busy CASCADE"));
  }
  EXPECT_EQ(shop().ask("SELECT count(*) FROM public.busy"), "1");

  auto patient = std::async(std::launch::async, [&] { return strike_shop(shop(), "drop_table", "public.busy"); });
  wait_for_a_waiter(shop());
  other.execute("COMMIT");
  EXPECT_EQ(patient.get().record.detail, "DROP TABLE public.busy CASCADE: nothing else went with it");
}

TEST_F(Refusal, InADeadlockMeetsTheOtherSession) {
  shop().connect().execute(
      "CREATE TABLE public.parent (id int PRIMARY KEY); CREATE TABLE public.child (id int REFERENCES "
      "public.parent)");
  auto other = shop().connect();
  other.execute("SET deadlock_timeout = '100ms'");  // it looks first, and is the one that gives way
  other.execute("BEGIN; LOCK TABLE public.child IN ROW EXCLUSIVE MODE");
  auto strike_it = std::async(std::launch::async, [&] { return strike_shop(shop(), "drop_table", "public.parent"); });
  wait_for_a_waiter(shop());
  try {
    other.execute("SELECT FROM public.parent");
    ADD_FAILURE() << "there was no deadlock";
  } catch (const Error& error) {
    EXPECT_EQ(error.sqlstate(), "40P01");
  }
  other.execute("ROLLBACK");
  EXPECT_EQ(strike_it.get().record.detail, "DROP TABLE public.parent CASCADE: 1 foreign key went with it");
}

TEST_F(Refusal, StopsTryingWhenItIsAskedTo) {
  shop().connect().execute("CREATE TABLE public.held AS SELECT 1 AS one");
  auto other = shop().connect();
  other.execute("BEGIN; TABLE public.held");
  auto victim = victim_of(shop());
  std::stop_source stop;
  stop.request_stop();
  victim.stop = stop.get_token();
  try {
    static_cast<void>(strike({"drop_table", "public.held"}, victim));
    ADD_FAILURE() << "dropped under a reader";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::interrupted);
  }
  EXPECT_EQ(shop().ask("SELECT count(*) FROM public.held"), "1");
}

}  // namespace
}  // namespace harness::disaster
