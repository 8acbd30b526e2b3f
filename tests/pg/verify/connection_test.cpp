#include "backup_engine/postgres/connection.hpp"

#include <gmock/gmock.h>

#include <stop_token>
#include <thread>

#include "backup_engine/base/error.hpp"
#include "tests/pg/server/disposable_cluster.hpp"

namespace harness::verify {
namespace {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::Connection;
using backup_engine::postgres::Value;
using testing::ElementsAre;
using testing::HasSubstr;

class ConnectionTest : public server::DisposableCluster {};

Error error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorKind::internal, "nothing was thrown");
}

TEST_F(ConnectionTest, BindsParametersAndTellsErrorsFromLosses) {
  const auto server = started(options());
  auto connection = server.connect();
  const auto rows = connection.query("SELECT $1::text, $2::int + 1, $3::text", {"it's", "41", std::nullopt});
  EXPECT_THAT(rows[0], ElementsAre(Value("it's"), Value("42"), Value()));

  EXPECT_EQ(error_of([&] { connection.query("SELECT 1 / $1::int", {"0"}); }).sqlstate(), "22012");
  connection.execute("CREATE ROLE plain; SET ROLE plain");
  const auto forbidden = error_of([&] { connection.query("SELECT pg_ls_waldir()"); });
  EXPECT_EQ(forbidden.kind(), ErrorKind::server) << describe(forbidden);
  EXPECT_EQ(forbidden.sqlstate(), "42501");
  connection.execute("RESET ROLE");
  connection.execute("BEGIN; SELECT 1");
  const auto conflict = error_of([&] { connection.execute("DO $$BEGIN RAISE SQLSTATE '40001'; END$$"); });
  EXPECT_EQ(conflict.kind(), ErrorKind::server);
  EXPECT_EQ(conflict.sqlstate(), "40001");
  connection.execute("ROLLBACK");

  connection.execute("DO $$BEGIN RAISE NOTICE 'quiet'; RAISE WARNING 'loud'; END$$");
  EXPECT_THAT(connection.take_warnings(), ElementsAre(HasSubstr("loud")));
  EXPECT_TRUE(connection.take_warnings().empty());
}

TEST_F(ConnectionTest, StaysLostAfterTheServerEndedIt) {
  const auto server = started(options());
  auto connection = server.connect();
  auto other = server.connect();
  connection.execute("BEGIN");
  other.query("SELECT pg_terminate_backend($1::int, 10000)", {std::to_string(connection.backend_pid())});
  EXPECT_EQ(error_of([&] { connection.execute("COMMIT"); }).kind(), ErrorKind::connection);
  EXPECT_EQ(error_of([&] { connection.query("SELECT 1"); }).kind(), ErrorKind::connection);
}

TEST_F(ConnectionTest, EndsItsStatementWhenToldToStop) {
  const auto server = started(options());
  auto connection = server.connect();
  auto watcher = server.connect();
  std::stop_source stop;
  connection.cancel_when(stop.get_token());
  EXPECT_EQ(connection.query("SELECT 1").single(), "1");
  const std::jthread stopper([&] {
    backup_engine::base::poll_until(server::soon(), "the statement to run", [&]() -> std::optional<std::string> {
      const auto rows = watcher.query("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'");
      return rows.empty() ? std::optional<std::string>("not yet") : std::nullopt;
    });
    stop.request_stop();
  });
  EXPECT_EQ(error_of([&] { connection.query("SELECT pg_sleep(1000000)"); }).kind(), ErrorKind::interrupted);
  EXPECT_EQ(error_of([&] { connection.query("SELECT 1"); }).kind(), ErrorKind::interrupted) << "nothing is begun";
}

}  // namespace
}  // namespace harness::verify
