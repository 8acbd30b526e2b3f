// What is refused before anything happens, and by whose name.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "backup_engine/base/error.hpp"
#include "tests/pg/extract/two_databases.hpp"
#include "tests/support/failure.hpp"

namespace harness::extract {
namespace {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using testing::HasSubstr;

class Refusal : public TwoDatabases {
 protected:
  static void expect_refused(const Order& wanted, ErrorKind kind, const std::string& words) {
    try {
      (void)require_possible(wanted);
      ADD_FAILURE() << "was accepted: " << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << describe(error);
      EXPECT_THAT(error.what(), HasSubstr(words));
      EXPECT_FALSE(error.remedy().empty()) << error.what();
    }
  }
  Order replacing(const std::string& table) { return order(Placement::replace, {table}); }
};

TEST_F(Refusal, NamesADependentThatCouldNotBePutBack) {
  const std::vector<std::pair<std::string, std::string>> dependents = {
      {"CREATE FUNCTION public.f(shop.payments) RETURNS int LANGUAGE sql AS 'SELECT 1'",
       "function public.f(shop.payments)"},
      {"CREATE TABLE public.kept (p shop.payments)", "column p of table public.kept"},
      {"CREATE FUNCTION public.g() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM shop.payments; END",
       "function public.g()"},
      {"CREATE TABLE public.typed OF shop.address; CREATE VIEW public.v AS SELECT amount FROM shop.payments; "
       "CREATE FUNCTION public.h() RETURNS SETOF public.v LANGUAGE sql AS 'SELECT * FROM public.v'",
       "function public.h()"}};
  for (const auto& [sql, name] : dependents) {
    live(sql);
    expect_refused(replacing("shop.payments"), ErrorKind::usage, name);
  }
  live("ALTER EXTENSION pg_trgm ADD TABLE shop.prices");
  expect_refused(replacing("shop.prices"), ErrorKind::usage, "extension pg_trgm");
  live("CREATE SUBSCRIPTION sub CONNECTION 'dbname=none' PUBLICATION p WITH (connect = false, slot_name = NONE)");
  live(
      "INSERT INTO pg_subscription_rel VALUES ((SELECT oid FROM pg_subscription), 'inventory.stock'::regclass, 'r', "
      "NULL)");
  expect_refused(replacing("inventory.stock"), ErrorKind::usage, "filled by a subscription");
  live("DROP SUBSCRIPTION sub");
  (void)require_possible(order(Placement::beside, {"shop.payments"}));
}

TEST_F(Refusal, NamesTheRightThatIsMissing) {
  live("DROP ROLE IF EXISTS visitor; CREATE ROLE visitor LOGIN");
  auto wanted = replacing("shop.payments");
  wanted.live_conninfo = server().conninfo_as("visitor", "live");
  expect_refused(wanted, ErrorKind::permission, "schema shop");
  live("GRANT ALL ON SCHEMA shop TO visitor");
  expect_refused(wanted, ErrorKind::permission, "shop.payments belongs to");
  live("REVOKE TEMPORARY ON DATABASE live FROM PUBLIC");
  expect_refused(wanted, ErrorKind::permission, "temporary tables");
  live("DROP OWNED BY visitor; DROP ROLE visitor");
}

TEST_F(Refusal, NamesAVersionThatIsTooOld) {
  auto wanted = replacing("shop.payments");
  wanted.installation.version = backup_engine::postgres::Version(180001);
  if (installation().version.major() < 18) {
    expect_refused(wanted, ErrorKind::unsupported, fmt::format("PostgreSQL {}", installation().version.major()));
  } else {
    (void)require_possible(wanted);
  }
}

TEST_F(Refusal, NamesWhatIsThereOrIsNot) {
  live("CREATE TABLE shop.payments_restored ()");
  expect_refused(order(Placement::beside, {"shop.payments"}), ErrorKind::already_exists, "shop.payments_restored");
  expect_refused(replacing("harbour.ships"), ErrorKind::not_found, "no schema harbour");
  expect_refused(replacing("shop.order_balances"), ErrorKind::usage, "is a view");
  expect_refused(replacing("payments"), ErrorKind::usage, "without its schema");
  expect_refused(replacing("shop.pay ments"), ErrorKind::usage, "no table's name");
  expect_refused(replacing("shop.sessions"), ErrorKind::usage, "unlogged");
  expect_refused(replacing("pg_catalog.pg_class"), ErrorKind::usage, "came with the database");
  auto secret = replacing("shop.payments");
  secret.live_conninfo += " password=secret";
  expect_refused(secret, ErrorKind::usage, "password");
}

TEST_F(Refusal, NamesAParentThatHasAnotherNameNow) {
  const auto expect_impossible = [&](const std::string& table, const std::string& words) {
    const auto before = definitions("live");
    std::string message;
    EXPECT_EQ(tests::kind_of_failure([&] { (void)extract(replacing(table), progress_); }, &message), ErrorKind::usage);
    EXPECT_THAT(message, HasSubstr(words));
    EXPECT_EQ(definitions("live"), before);
  };
  live("ALTER TABLE shop.suppliers RENAME TO vendors");
  expect_impossible("shop.foreign_suppliers",
                    "shop.foreign_suppliers inherits from shop.vendors now, and inherited from shop.suppliers at the "
                    "target");
  live("DROP TABLE shop.foreign_suppliers");
  expect_impossible("shop.foreign_suppliers", "was a child of shop.suppliers at the target");
  live(
      "SET session_replication_role = replica; DELETE FROM shop.orders_2025_h1; ALTER TABLE shop.orders DETACH "
      "PARTITION "
      "shop.orders_2025_h1; DROP TABLE shop.orders_2025_h1; ALTER TABLE shop.orders RENAME TO orders_of_all_years");
  expect_impossible("shop.orders_2025_h1", "was a partition of shop.orders at the target");
}

TEST_F(Refusal, NamesAPartitionThatWasDetached) {
  live(
      "SET session_replication_role = replica; DELETE FROM shop.orders_2025_h1; "
      "ALTER TABLE shop.orders DETACH PARTITION shop.orders_2025_h1");
  try {
    (void)extract(replacing("shop.orders"), progress_);
    ADD_FAILURE() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::already_exists) << describe(error);
    EXPECT_THAT(error.what(), HasSubstr("shop.orders_2025_h1"));
  }
  (void)extracted(order(Placement::replace, {"shop.orders", "shop.orders_2025_h1"}));
  expect_alike("live", "source");
}

}  // namespace
}  // namespace harness::extract
