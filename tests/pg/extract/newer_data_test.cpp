// --replace where newer data refers to what comes back, or is what it replaces.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/error.hpp"
#include "tests/pg/extract/two_databases.hpp"

namespace harness::extract {
namespace {

using backup_engine::base::Deadline;
using backup_engine::base::poll_until;
using testing::Contains;
using testing::HasSubstr;

class ReplaceAmongNewerData : public TwoDatabases {};

TEST_F(ReplaceAmongNewerData, TellsOfOrphansAndKeepsTheirKeyNotValid) {
  make_scratch("SET session_replication_role = replica; DELETE FROM shop.orders WHERE order_id IN (11, 12)");
  const auto items = ask_live("SELECT count(*) FROM shop.order_items WHERE order_id IN (11, 12)");
  const auto result = extracted(order(Placement::replace, {"shop.orders"}));
  EXPECT_THAT(words_of(result.findings),
              Contains("shop.order_items: " + items +
                       " rows refer to rows of shop.orders that are not there: constraint order_items_order; it is NOT "
                       "VALID"));
  EXPECT_EQ(ask_live("SELECT convalidated FROM pg_constraint WHERE conname = 'order_items_order'"), "f");
  EXPECT_EQ(ask_live("SELECT count(*) FROM shop.order_items WHERE order_id IN (11, 12)"), items) << "nothing of others";
}

TEST_F(ReplaceAmongNewerData, GivesAKeyThatRowsBreakToThePartitions) {
  live("SET session_replication_role = replica; DELETE FROM shop.customers WHERE customer_id = 7");
  const auto result = extracted(order(Placement::replace, {"shop.orders"}));
  EXPECT_THAT(words_of(result.findings), Contains(HasSubstr("rows refer to rows of shop.customers that are not there: "
                                                            "constraint orders_customer")));
  EXPECT_THAT(ask_live("SELECT count(*) FROM pg_constraint WHERE conname = 'orders_customer' AND NOT convalidated"),
              testing::Ne("0"));
  EXPECT_EQ(ask_live("SELECT count(*) FROM shop.orders"), "6000");
}

// Orders that come in between stay out; what refers to them is told.
TEST_F(ReplaceAmongNewerData, GoesThroughWhileOthersWrite) {
  std::atomic<int> placed = 0;
  std::vector<std::jthread> writers;
  for (int writer = 0; writer < 2; ++writer) {
    writers.emplace_back([&placed, writer](const std::stop_token& stop) {
      auto connection = server().connect("live");
      for (int seed = writer; !stop.stop_requested(); seed += 2) {
        try {
          connection.execute("SELECT shop.place_order(" + std::to_string(seed) + ")");
          ++placed;
        } catch (const backup_engine::base::Error&) {
          // A deadlock, or a table that was not there for a moment: a client's business.
        }
      }
    });
  }
  poll_until(Deadline::after(std::chrono::seconds(30)), "orders",
             [&] { return placed > 10 ? std::nullopt : std::optional<std::string>("few"); });
  auto wanted = order(Placement::replace, {"shop.orders"});
  wanted.lock_timeout = std::chrono::milliseconds(20000);
  const auto result = extracted(wanted);
  const auto placed_until_then = placed.load();
  poll_until(Deadline::after(std::chrono::seconds(30)), "new orders",
             [&] { return placed > placed_until_then + 10 ? std::nullopt : std::optional<std::string>("few"); });
  writers.clear();
  EXPECT_EQ(result.rows, 6000U);
  EXPECT_THAT(words_of(result.findings), Contains(HasSubstr("constraint order_items_order; it is NOT VALID")));
  EXPECT_EQ(ask_live("SELECT string_agg(conname, ', ') FROM pg_constraint WHERE NOT convalidated AND conparentid = 0"),
            "order_items_order");
}

TEST_F(ReplaceAmongNewerData, TellsOfAPartitionThatIsNewerThanTheTarget) {
  live(
      "ALTER TABLE shop.orders DETACH PARTITION shop.orders_other; CREATE TABLE shop.orders_2027 PARTITION OF "
      "shop.orders FOR VALUES FROM ('2027-01-01') TO ('2028-01-01'); DROP TABLE shop.orders_other");
  const auto result = extracted(order(Placement::replace, {"shop.orders"}));
  EXPECT_THAT(words_of(result.findings),
              Contains("shop.orders_2027: it was made after the target, and went with its rows"));
  expect_alike("live", "source");
}

}  // namespace
}  // namespace harness::extract
