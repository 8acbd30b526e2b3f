// Disasters that leave a server behind strike while writers work: what they harm, where they lie in the WAL, and that
// the load goes on with what is left.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "harness/process/subprocess.hpp"
#include "tests/pg/disaster/stricken_shop.hpp"

namespace harness::disaster {
namespace {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::base::poll_until;
using backup_engine::base::TemporaryDirectory;
using backup_engine::postgres::parse_lsn;
using scenario::Seconds;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Lt;
using ::testing::SizeIs;
using workload::Afterwards;
using workload::DatasetServer;
using workload::LedgerJournal;
using workload::Load;
using workload::profile_of;
using workload::soon;

// One server for all tests of this file; each has the shop anew, copied from how it was loaded.
class UnderLoad : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    shop_ = std::make_unique<DatasetServer>("ecommerce");
    shop().server().connect().execute("ALTER DATABASE shop RENAME TO shop_as_loaded");
  }
  static void TearDownTestSuite() { shop_.reset(); }
  UnderLoad() { renew(); }

  static DatasetServer& shop() { return *shop_; }
  static void renew() {
    auto connection = shop().server().connect();
    connection.execute("DROP DATABASE IF EXISTS shop WITH (FORCE)");
    connection.execute("CREATE DATABASE shop TEMPLATE shop_as_loaded");
    if (connection.query("SELECT FROM pg_database WHERE datname = 'shop_archive'").empty()) {
      connection.execute("CREATE DATABASE shop_archive");
    }
  }

  static std::unique_ptr<DatasetServer> shop_;
  TemporaryDirectory directory_{"/var/tmp", "lifeboat-disaster"};
  LedgerJournal journal_{directory_.path() / "ledger.log"};
};
std::unique_ptr<DatasetServer> UnderLoad::shop_;

std::string wal_dump(DatasetServer& shop, const std::string& start, const std::string& xid) {
  process::Command command;
  command.program = shop.server().options().installation.program("pg_waldump");
  const auto low_bits = std::to_string(static_cast<std::uint32_t>(std::stoull(xid)));
  // Without the names of segments pg_waldump looks into any of them first, also into one that waits for its use.
  const auto places = shop.server().connect().query(
      "SELECT pg_walfile_name($1::pg_lsn + 1), flushed, pg_walfile_name(flushed) FROM pg_current_wal_flush_lsn() AS "
      "flushed",
      {start})[0];
  command.arguments = {"--path",
                       (shop.data_directory() / "pg_wal").string(),
                       "--start",
                       start,
                       "--end",
                       places[1].value_or(""),
                       "--xid",
                       low_bits,
                       places[0].value_or(""),
                       places[2].value_or("")};
  command.environment = {{"TZ", "UTC"}};
  const auto done = process::run(command, soon());
  EXPECT_TRUE(done.status.success()) << done.output;
  return done.output;
}

// The harm's transaction lies at or after the position that was named, all of it, and committed between the instants.
void expect_position_is_right(DatasetServer& shop, const Struck& struck, const std::string& long_before) {
  const auto text = wal_dump(shop, long_before, struck.xid);
  const auto named = parse_lsn(struck.lsn);
  ASSERT_TRUE(named) << struck.lsn;
  std::size_t records = 0;
  for (auto at = text.find("lsn: "); at != std::string::npos; at = text.find("lsn: ", at + 1), ++records) {
    const auto lsn = parse_lsn(text.substr(at + 5, text.find(',', at) - at - 5));
    ASSERT_TRUE(lsn);
    EXPECT_GE(*lsn, *named);
  }
  EXPECT_GT(records, 1U) << text;
  static const std::string commit = "desc: COMMIT ";
  const auto at = text.find(commit);
  ASSERT_NE(at, std::string::npos) << text;
  EXPECT_EQ(text.find(commit, at + 1), std::string::npos) << text;
  // "2026-11-21 03:47:00.271000 UTC" → "2026-11-21T03:47:00.271000Z"
  const auto stamp = text.substr(at + commit.size(), text.find(" UTC", at) - at - commit.size());
  const auto committed_at = stamp.substr(0, 10) + "T" + stamp.substr(11) + "Z";
  EXPECT_LE(struck.began_at, committed_at);
  EXPECT_GE(struck.record.at, committed_at);
}

struct Expectation {
  std::string kind, argument;
  std::string detail;    // a regular expression
  std::string question;  // answered with "t" afterwards
  bool refuses_some;     // of the load's transactions afterwards
};

class EachKindUnderLoad : public UnderLoad, public ::testing::WithParamInterface<Expectation> {};

TEST_P(EachKindUnderLoad, StrikesAndTheLoadGoesOn) {
  const auto& expected = GetParam();
  const auto long_before = shop().ask("SELECT pg_current_wal_flush_lsn()");
  Load load(shop().conninfo(), shop().dataset(), profile_of(4), 1, journal_);
  load.run_for(Seconds(0.3), Afterwards::keep_running);
  const auto struck = strike_shop(shop(), expected.kind, expected.argument);
  load.hold(soon());  // what was in flight is over
  const auto before = load.statistics();
  const auto rows_before = shop().ledger_ids().size();
  load.resume();
  poll_until(soon(), "the load to go on", [&]() -> std::optional<std::string> {
    const auto now = load.statistics();
    const bool all = now.acknowledged_durably > before.acknowledged_durably + 20 &&
                     (now.refused > before.refused || !expected.refuses_some);
    if (all) return std::nullopt;
    return fmt::format("{} acknowledged, {} refused", now.acknowledged_durably, now.refused);
  });
  load.stop(soon());
  journal_.close();
  const auto after = load.statistics();

  EXPECT_EQ(struck.record.kind, expected.kind);
  EXPECT_THAT(struck.record.detail, ::testing::MatchesRegex(expected.detail));
  EXPECT_EQ(shop().ask(expected.question), "t");
  expect_position_is_right(shop(), struck, long_before);
  EXPECT_EQ(after.connections_lost, 0U);
  EXPECT_GT(shop().ledger_ids().size(), rows_before);
  EXPECT_EQ(shop().ask(fmt::format("SELECT count(*) FROM lifeboat.ledger AS l LEFT JOIN lifeboat.recomputed_digests() "
                                   "AS r ON r.id = l.id WHERE l.recorded_at > '{}' AND r.digest IS DISTINCT FROM "
                                   "l.digest",
                                   struck.record.at)),
            "0");
}

INSTANTIATE_TEST_SUITE_P(
    LivingSource, EachKindUnderLoad,
    ::testing::Values(
        Expectation{
            "drop_table", "shop.orders",
            "DROP TABLE shop.orders CASCADE: .*partitions, .*view.*, 1 sequence, .*[0-9]+ foreign keys.*went with it",
            "SELECT to_regclass('shop.orders') IS NULL AND to_regclass('shop.orders_other') IS NULL AND "
            "to_regclass('shop.payments') IS NOT NULL",
            true},
        Expectation{"delete_rows", "shop.payments", "DELETE FROM shop.payments without a WHERE: [0-9]+ rows",
                    "SELECT coalesce(min(payment_id), 1e9) > 2000 FROM shop.payments", false},
        Expectation{"update_rows", "shop.customers SET name = 'somebody'",
                    "UPDATE shop.customers SET name = 'somebody' without a WHERE: [0-9]+ rows",
                    "SELECT count(*) = 1000 FROM shop.customers WHERE customer_id <= 1000 AND name = 'somebody'",
                    false},
        Expectation{"truncate_table", "shop.orders",
                    "TRUNCATE shop.orders CASCADE: [0-9]+ rows of shop.orders, [0-9]+ rows of shop.invoices, [0-9]+ "
                    "rows of shop.order_items, .*",
                    "SELECT coalesce(min(order_id), 1e9) > 6000 FROM shop.orders", false},
        Expectation{"drop_schema", "audit", "DROP SCHEMA audit CASCADE: [0-9]+ tables?, .*function.* went with it",
                    "SELECT to_regnamespace('audit') IS NULL", true},
        Expectation{"drop_schema", "inventory", "DROP SCHEMA inventory CASCADE: .* went with it",
                    "SELECT to_regnamespace('inventory') IS NULL", true},
        Expectation{"drop_database", "shop_archive",
                    "DROP DATABASE shop_archive WITH \\(FORCE\\): .*B and 0 sessions went with it",
                    "SELECT count(*) = 0 FROM pg_database WHERE datname = 'shop_archive'", false}),
    [](const auto& test) { return test.param.kind + "_" + std::to_string(test.index); });

// What one transaction of the load says on the shop as it is now: its digest, or the SQLSTATE of its refusal.
std::string transact(DatasetServer& shop, const std::string& function) {
  static int id = 0;
  ++id;
  try {
    return shop.ask(
        fmt::format("SELECT digest FROM lifeboat.transact({}, 0, '{}', {})", id * 4096, function, 4711 + id));
  } catch (const Error& error) {
    return error.sqlstate();
  }
}

TEST_F(UnderLoad, LeavesTheTransactionsThatDoNotNeedALostTable) {
  static_cast<void>(strike_shop(shop(), "drop_table", "shop.orders"));
  for (const std::string name : {"register_customer", "restock", "change_price", "update_document", "sign_contract"}) {
    EXPECT_THAT(transact(shop(), "shop." + name), SizeIs(64)) << name;
  }
  EXPECT_EQ(transact(shop(), "shop.place_order"), "42P01");  // no such table
  EXPECT_EQ(transact(shop(), "shop.pay_order"), "42704");    // no such row type
  EXPECT_EQ(transact(shop(), "shop.cancel_order"), "42704");
  static_cast<void>(strike_shop(shop(), "drop_schema", "audit"));
  for (const std::string name : {"register_customer", "restock", "change_price", "sign_contract"}) {
    EXPECT_THAT(transact(shop(), "shop." + name), SizeIs(64)) << name;
  }
  EXPECT_EQ(transact(shop(), "shop.update_document"), "42P01");
  static_cast<void>(strike_shop(shop(), "drop_schema", "inventory"));
  EXPECT_THAT(transact(shop(), "shop.change_price"), SizeIs(64));
  EXPECT_EQ(transact(shop(), "shop.restock"), "42P01");
}

TEST_F(UnderLoad, GivesTheSameDigestsOnceALostTableIsBack) {
  Load load(shop().conninfo(), shop().dataset(), profile_of(4), 1, journal_);
  load.run_for(Seconds(0.4), Afterwards::hold);
  const std::string digests =
      "SELECT md5(string_agg(id || digest, ',' ORDER BY id)) FROM lifeboat.recomputed_digests()";
  const auto before = shop().ask(digests);
  shop().connect().execute("CREATE TABLE public.kept AS TABLE shop.orders");
  static_cast<void>(strike_shop(shop(), "drop_table", "shop.orders"));
  EXPECT_NE(shop().ask(digests), before);
  // The same sessions as before go on: their plans must not remember the lost table.
  load.run_for(Seconds(0.6), Afterwards::hold);
  const auto last = shop().ask("SELECT max(id) FROM lifeboat.ledger");
  shop().connect().execute("ALTER TABLE public.kept SET SCHEMA shop; ALTER TABLE shop.kept RENAME TO orders");
  EXPECT_EQ(shop().ask("SELECT count(*) FROM lifeboat.ledger AS l LEFT JOIN lifeboat.recomputed_digests() AS r "
                       "ON r.id = l.id WHERE r.digest IS DISTINCT FROM l.digest"),
            "0");
  load.run_for(Seconds(0.6), Afterwards::hold);
  EXPECT_GT(std::stoll(shop().ask("SELECT max(id) FROM lifeboat.ledger")), std::stoll(last));
}

TEST_F(UnderLoad, OutlivesTheLossOfEverySchemaButItsOwn) {
  Load load(shop().conninfo(), shop().dataset(), profile_of(4), 1, journal_);
  load.run_for(Seconds(0.3), Afterwards::hold);
  for (const std::string schema : {"shop", "inventory", "public"}) {
    static_cast<void>(strike_shop(shop(), "drop_schema", schema));
    EXPECT_GT(std::stoi(shop().ask("SELECT count(*) FROM lifeboat.ledger")), 0);
    EXPECT_EQ(shop().ask("SELECT count(*) >= 0 FROM lifeboat.recomputed_digests()"), "t");
  }
  const auto refused = load.statistics().refused;
  try {
    load.run_for(Seconds(1.0), Afterwards::hold);
    ADD_FAILURE() << "without the shop there is nothing that the load can do";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::server);
    EXPECT_THAT(error.what(), HasSubstr("not one transaction of the load was acknowledged in 1"));
    EXPECT_THAT(error.what(), ContainsRegex("(schema \"shop\"|function \"shop.[a-z_]+\") does not exist"));
  }
  // An upper bound: writers that are refused again and again ask less often, and a slow machine only does less.
  EXPECT_GT(load.statistics().refused, refused);
  EXPECT_THAT(load.statistics().refused - refused, Lt(4U * 40U));
  EXPECT_THAT(load.statistics().problems.size(), ::testing::Le(20U));
}

// docs/disasters.md: why no recovery that stops at this commit brings the database back.
TEST_F(UnderLoad, RemovesADatabasesFilesBeforeItsDropCommits) {
  const auto struck = strike_shop(shop(), "drop_database", "shop_archive");
  const auto text = wal_dump(shop(), struck.lsn, struck.xid);
  const auto files_gone = text.find("rmgr: Database");
  ASSERT_NE(files_gone, std::string::npos) << text;
  EXPECT_LT(files_gone, text.find("desc: COMMIT ")) << text;
}

TEST_F(UnderLoad, DropsTheLoadsOwnDatabaseAndItsSessions) {
  Load load(shop().conninfo(), shop().dataset(), profile_of(3), 1, journal_);
  load.run_for(Seconds(0.3), Afterwards::keep_running);
  const auto long_before = shop().server().connect().query("SELECT pg_current_wal_flush_lsn()").single();
  const auto struck = strike_shop(shop(), "drop_database", "shop");
  EXPECT_THROW(load.run_for(Seconds(5), Afterwards::hold), Error);
  EXPECT_EQ(load.statistics().connections_lost, 3U);
  EXPECT_THAT(struck.record.detail, HasSubstr("3 sessions went with it"));
  expect_position_is_right(shop(), struck, long_before);
}

}  // namespace
}  // namespace harness::disaster
