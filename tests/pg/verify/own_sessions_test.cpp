// Probes on a server whose people gave it limits, and left locks behind that nobody ends.
#include "harness/server/own_sessions.hpp"

#include <gmock/gmock.h>

#include "backup_engine/base/error.hpp"
#include "harness/server/quarantine.hpp"
#include "harness/verify/constraint_probe.hpp"
#include "harness/verify/content_probe.hpp"
#include "harness/verify/judge.hpp"
#include "harness/verify/tool_runs.hpp"
#include "tests/pg/server/disposable_cluster.hpp"

namespace harness::verify {
namespace {

using backup_engine::base::Error;
using backup_engine::postgres::Connection;
using reports::record::Verdict;
using testing::AllOf;
using testing::HasSubstr;

class OwnSessions : public server::DisposableCluster {
 protected:
  OwnSessions() : server_(started(impatient(options()))) {
    server_.connect().execute("CREATE TABLE boats (id int PRIMARY KEY); INSERT INTO boats VALUES (1)");
  }

  static server::ServerOptions impatient(server::ServerOptions options) {
    options.settings = server::quarantine_settings(options.installation.version.major());  // as drills start theirs
    options.settings["max_prepared_transactions"] = "2";
    options.sessions.lock_patience = std::chrono::milliseconds(100);
    return options;
  }
  [[nodiscard]] Cluster cluster() const { return cluster_of(server_, "postgres"); }
  [[nodiscard]] reports::record::Check amcheck() const {
    ToolOptions tools;
    tools.bin_directory = server_.options().installation.bin_directory;
    Records records;
    records.evidence.amcheck =
        run_amcheck(tools, cluster(), {"--host", server_.socket_directory().string(), "--username", "postgres"});
    return judge({{scenario::CheckKind::amcheck, {}}}, records).checks.at(0);
  }
  static std::string why(const std::function<void()>& probe) {
    try {
      probe();
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was thrown";
  }

  server::Server server_;
};

TEST_F(OwnSessions, NameThePreparedTransactionWhoseLockTheyDoNotGet) {
  // Connection::execute() is one implicit transaction, in which nothing can be prepared.
  auto left = server_.connect();
  left.execute("BEGIN");
  left.execute("LOCK TABLE boats");
  left.execute("PREPARE TRANSACTION 'orphan'");
  const auto named = AllOf(HasSubstr("lock timeout"), HasSubstr("prepared transaction 'orphan' (database postgres"));
  EXPECT_THAT(why([&] { (void)probe_constraints(cluster()); }), named);
  EXPECT_THAT(why([&] { (void)probe_content(cluster()); }), named);
  const auto check = amcheck();
  EXPECT_EQ(check.verdict, Verdict::unknown);
  EXPECT_THAT(check.summary, HasSubstr("'orphan'"));
}

TEST_F(OwnSessions, AreNotHeldToTheLimitsOfDatabaseAndRole) {
  server_.connect().execute(
      "ALTER ROLE postgres SET statement_timeout = '1ms'; ALTER ROLE postgres SET lock_timeout = '1ms'; "
      "ALTER DATABASE postgres SET default_transaction_read_only = on");
  auto connection = server_.connect();
  connection.query("SELECT pg_sleep(0.05)");
  connection.execute("CREATE TABLE written (id int)");
  EXPECT_EQ(amcheck().verdict, Verdict::pass) << amcheck().summary;
  EXPECT_GT(probe_constraints(cluster()).examined, 0U);
}

}  // namespace
}  // namespace harness::verify
