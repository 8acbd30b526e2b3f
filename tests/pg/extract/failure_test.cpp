// A --replace that fails in the middle, however it fails, leaves the live database as it was.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <future>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/error.hpp"
#include "tests/pg/extract/two_databases.hpp"

namespace harness::extract {
namespace {

namespace base = backup_engine::base;
using base::Error;
using base::ErrorKind;
using testing::AllOf;
using testing::HasSubstr;

class FailingReplace : public TwoDatabases {
 protected:
  // Runs SQL at each CREATE INDEX, which comes after the rows.
  static void at_index(const std::string& sql) {
    live(
        fmt::format("CREATE FUNCTION public.interfere() RETURNS event_trigger LANGUAGE plpgsql AS $f$ BEGIN {} END $f$;"
                    "CREATE EVENT TRIGGER interfering ON ddl_command_end WHEN TAG IN ('CREATE INDEX') "
                    "EXECUTE FUNCTION public.interfere()",
                    sql));
  }
  void expect_nothing_changed(const Order& wanted, ErrorKind kind, const std::string& words,
                              const std::stop_token& stop = {}) {
    const auto definitions_before = definitions("live");
    const auto content_before = content("live");
    try {
      (void)extract(wanted, progress_, stop);
      ADD_FAILURE() << "did not fail";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << describe(error);
      EXPECT_THAT(describe(error), HasSubstr(words));
    }
    EXPECT_EQ(definitions("live"), definitions_before);
    EXPECT_EQ(content("live"), content_before);
  }
  // Until the session that loads waits in the middle of it.
  static std::string pid_of_waiting_session() {
    auto watcher = server().connect("live");
    std::string pid;
    base::poll_until(base::Deadline::after(std::chrono::minutes(5)), "the loading session to wait",
                     [&]() -> std::optional<std::string> {
                       const auto rows = watcher.query(
                           "SELECT pid FROM pg_stat_activity WHERE application_name = 'lifeboat extract' "
                           "AND wait_event = 'advisory'");
                       if (rows.empty()) return "it does not";
                       pid = *rows[0][0];
                       return std::nullopt;
                     });
    return pid;
  }
};

TEST_F(FailingReplace, ByAnErrorAfterTheRowsIsUndone) {
  at_index("RAISE EXCEPTION 'no indexes today';");
  expect_nothing_changed(order(Placement::replace, {"shop.orders"}), ErrorKind::server, "no indexes today");
}

TEST_F(FailingReplace, ByAChangeOfSomethingElseIsUndoneAndNamesIt) {
  at_index("COMMENT ON TABLE shop.customers IS 'interfered with';");
  expect_nothing_changed(order(Placement::replace, {"shop.orders"}), ErrorKind::server, "shop.customers (relation)");
}

TEST_F(FailingReplace, ByALostSessionIsUndone) {
  at_index("PERFORM pg_advisory_xact_lock(42);");
  auto holder = server().connect("live");
  holder.query("SELECT pg_advisory_lock(42)");
  auto killer = std::async(std::launch::async, [] {
    run("live", fmt::format("SELECT pg_terminate_backend({})", pid_of_waiting_session()));
  });
  expect_nothing_changed(order(Placement::replace, {"shop.orders"}), ErrorKind::connection, "nothing in the live");
  killer.get();
}

TEST_F(FailingReplace, ByAnInterruptionIsUndone) {
  at_index("PERFORM pg_advisory_xact_lock(42);");
  auto holder = server().connect("live");
  holder.query("SELECT pg_advisory_lock(42)");
  std::stop_source stop;
  auto interrupter = std::async(std::launch::async, [&stop] {
    (void)pid_of_waiting_session();
    stop.request_stop();
  });
  expect_nothing_changed(order(Placement::replace, {"shop.orders"}), ErrorKind::interrupted, "nothing in the live",
                         stop.get_token());
  interrupter.get();
}

TEST_F(FailingReplace, ByALockOfOthersNamesThem) {
  auto holder = backup_engine::postgres::Connection(conninfo("live"), "monthly report");
  holder.execute("BEGIN; LOCK TABLE shop.customers IN ACCESS SHARE MODE");
  const auto pid = std::to_string(holder.backend_pid());
  expect_nothing_changed(order(Placement::replace, {"shop.orders"}), ErrorKind::timed_out,
                         fmt::format("process {} (monthly report, idle in its transaction)", pid));
  holder.execute("ROLLBACK; BEGIN; SELECT count(*) FROM shop.orders");
  base::poll_until(
      base::Deadline::after(std::chrono::seconds(30)), "the transaction to be old",
      [&]() -> std::optional<std::string> {
        const auto old = ask_live(fmt::format(
            "SELECT clock_timestamp() - xact_start > interval '1.1 s' FROM pg_stat_activity WHERE pid = {}", pid));
        return old == "t" ? std::nullopt : std::optional<std::string>("it is young");
      });
  try {
    (void)require_possible(order(Placement::replace, {"shop.orders"}));
    ADD_FAILURE() << "did not fail";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::timed_out);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("shop.orders is in use"), HasSubstr(pid)));
  }
}

TEST_F(FailingReplace, ByALockOfAPreparedTransactionNamesItAndHowToEndIt) {
  live("BEGIN; LOCK TABLE shop.orders IN ACCESS SHARE MODE; PREPARE TRANSACTION 'monthly ''transfer'''");
  const auto wanted = order(Placement::replace, {"shop.orders"});
  expect_nothing_changed(wanted, ErrorKind::timed_out, "the prepared transaction 'monthly ''transfer'''");
  auto impatient = wanted;
  impatient.lock_timeout = std::chrono::milliseconds(0);
  try {
    (void)require_possible(impatient);
    ADD_FAILURE() << "did not fail";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("the prepared transaction 'monthly ''transfer'''"));
    EXPECT_THAT(error.remedy(), AllOf(HasSubstr("COMMIT PREPARED"), HasSubstr("ROLLBACK PREPARED")));
  }
  live("ROLLBACK PREPARED 'monthly ''transfer'''");
}

// PostgreSQL shows an owner the sessions of others without their age.
TEST_F(FailingReplace, ByALockOfASuperuserNamesItToAnOwner) {
  live("ALTER ROLE lifeboat_owner LOGIN");
  auto holder = backup_engine::postgres::Connection(conninfo("live"), "monthly report");
  holder.execute("BEGIN; LOCK TABLE inventory.stock IN ACCESS SHARE MODE");
  auto wanted = order(Placement::replace, {"inventory.stock"});
  wanted.live_conninfo = server().conninfo_as("lifeboat_owner", "live");
  expect_nothing_changed(wanted, ErrorKind::timed_out, fmt::format("process {} (monthly report", holder.backend_pid()));
  live("ALTER ROLE lifeboat_owner NOLOGIN");
}

}  // namespace
}  // namespace harness::extract
