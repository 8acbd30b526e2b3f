// Quarantine over a source that acts on the world in every way it can: copies of it that are started as they are do all
// of that, copies in quarantine none, also in a whole drill. Only root can give servers namespaces of their own.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/postgres/connection.hpp"
#include "harness/process/subprocess.hpp"
#include "reports/record/report.hpp"
#include "tests/pg/quarantine/acting_source.hpp"

namespace harness {
namespace {

namespace fs = std::filesystem;
using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::poll_until;
using backup_engine::postgres::Connection;
using drill::all_words;
using drill::check_of;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;
using Deeds = std::set<std::string>;
using Recovery = ActingSource::Recovery;

Deadline soon() {
  return Deadline::after(std::chrono::minutes(5));
}

// What of it kept it from being done is the last that is said.
void wait_for(const char* what, const std::function<bool()>& done) {
  poll_until(soon(), what, [&]() -> std::optional<std::string> {
    try {
      return done() ? std::nullopt : std::optional<std::string>("not yet");
    } catch (const Error& error) {
      return error.what();
    }
  });
}

void wait_until_promoted(const std::string& conninfo) {
  wait_for("the server to promote", [&] {
    Connection connection(conninfo, "test");
    if (connection.query("SELECT pg_is_in_recovery()").single() == "t") return false;
    connection.query("SELECT pg_logical_emit_message(true, 'test', 'it takes writes')");
    return true;
  });
}

// Whatever an actor waits for happens.
void give_occasion(Connection& connection) {
  connection.execute("CREATE TABLE made_after_the_restore (n int)");
  connection.query("SELECT pg_switch_wal()");
  connection.execute("CHECKPOINT");
}

// Processes of the server that act by themselves.
std::string workers(Connection& connection) {
  return connection
      .query(
          "SELECT coalesce(string_agg(DISTINCT backend_type, ', '), '') FROM pg_stat_activity WHERE backend_type ~ "
          "'archiver|logical|scheduler|slotsync|walreceiver'")
      .single();
}

// In a session of its own: what failed to reach somebody counts as a broken one.
std::string failure_of(const server::Server& server, const std::string& sql) {
  try {
    server.connect().execute(sql);
  } catch (const Error& error) {
    return error.what();
  }
  return "done";
}

class Quarantine : public testing::Test {
 protected:
  static void SetUpTestSuite() { source_ = std::make_unique<ActingSource>(); }
  static void TearDownTestSuite() { source_.reset(); }
  static ActingSource& source() { return *source_; }
  void SetUp() override { source().forget_deeds(); }

  // A copy that an operator started as it is; ended at the end of `look`.
  static void with_plain_copy(Recovery recovery, const std::string& more, const std::function<void()>& look) {
    auto plain = process::Subprocess::start(source().plainly(source().copy(recovery, more)));
    look();
    plain.send(SIGINT);
    plain.wait(soon());
    wait_for("its connections to end", [] { return !source().is_subscribed_to(); });
    source().forget_deeds();
  }
  // What was done, once all of `expected` was; or what was when that took too long.
  static Deeds deeds_until(const Deeds& expected) {
    Deeds done;
    try {
      wait_for("the deeds", [&] {
        done = source().deeds();
        return std::includes(done.begin(), done.end(), expected.begin(), expected.end());
      });
    } catch (const Error&) {
      // told by whoever compares
    }
    return done;
  }

  [[nodiscard]] static server::Server promoted(server::ServerOptions options) {
    auto server = server::Server::start(std::move(options));
    server.wait_until_ready(soon());
    wait_until_promoted(server.conninfo());
    return server;
  }
  static std::string that_wants_slots() {
    return source().major() >= 17 ? "wal_level = logical\nhot_standby_feedback = on\nsync_replication_slots = on\n"
                                  : "";
  }
  // Before 17 no setting keeps an event trigger from firing.
  static Deeds what_settings_cannot_prevent() {
    return source().major() >= 17 ? Deeds() : Deeds{"called by DDL trigger"};
  }

 private:
  static inline std::unique_ptr<ActingSource> source_;
};

TEST_F(Quarantine, IsNeededForACopyThatBecomesAPrimary) {
  with_plain_copy(Recovery::archive, "", [] {
    wait_until_promoted(source().conninfo_of_plain_one());
    Connection connection(source().conninfo_of_plain_one(), "test");
    const Connection other(source().conninfo_of_plain_one("template1"), "test");
    give_occasion(connection);
    const auto expected = source().deeds_of_a_primary();
    EXPECT_THAT(deeds_until(expected), IsSupersetOf(expected));
    EXPECT_THAT(workers(connection),
                AllOf(HasSubstr("archiver"), HasSubstr("logical replication"), HasSubstr("scheduler")));
  });
}

TEST_F(Quarantine, IsNeededForACopyThatBecomesAStandby) {
  with_plain_copy(Recovery::standby, that_wants_slots(), [] {
    const auto conninfo = source().conninfo_of_plain_one();
    wait_for("the standby to make a restartpoint", [&] {
      Connection(conninfo, "test").execute("CHECKPOINT");
      return source().deeds().contains("archive cleaned");
    });
    const Connection other(source().conninfo_of_plain_one("template1"), "test");
    const Deeds expected = {"archive cleaned", "called by primary", "fetched",        "listening",
                            "scheduler",       "session-agent",     "database-agent", "log"};
    EXPECT_THAT(deeds_until(expected), IsSupersetOf(expected));
    if (source().major() >= 17) {
      wait_for("it to ask for the primary's slots",
               [] { return source().log_of_plain_ones().find("slot sync worker started") != std::string::npos; });
    }
    if (source().major() > 15) return;
    std::ofstream(source().file_that_promotes()).put('\n');
    wait_until_promoted(conninfo);
    fs::remove(source().file_that_promotes());
  });
}

TEST_F(Quarantine, KeepsAPrimaryFromActing) {
  auto server = promoted(source().quarantined(source().copy(Recovery::archive)));
  auto connection = server.connect();
  const auto other = server.connect("template1");
  give_occasion(connection);
  EXPECT_EQ(workers(connection), "");
  server.stop(server::StopMode::fast, soon());
  EXPECT_EQ(source().deeds(), what_settings_cannot_prevent());
}

TEST_F(Quarantine, KeepsAStandbyFromActingAndFromBeingPromotedFromOutside) {
  std::ofstream(source().file_that_promotes()).put('\n');
  const auto options = source().quarantined(source().copy(Recovery::standby, that_wants_slots()));
  auto server = server::Server::start(options);
  server.wait_until_ready(soon());
  auto connection = server.connect();
  wait_for("the standby to have tried everywhere", [&] {
    return connection.query("SELECT coalesce(max(wait_event), '') FROM pg_stat_activity WHERE backend_type = 'startup'")
               .single() == "RecoveryRetrieveRetryInterval";
  });
  connection.execute("CHECKPOINT");
  const auto other = server.connect("template1");
  EXPECT_EQ(workers(connection), "");
  EXPECT_EQ(connection.query("SELECT pg_is_in_recovery()").single(), "t");
  server.stop(server::StopMode::fast, soon());
  fs::remove(source().file_that_promotes());
  EXPECT_THAT(source().deeds(), IsEmpty());
  EXPECT_THAT(backup_engine::base::read_file(options.log_file), Not(HasSubstr("slot sync")));
}

TEST_F(Quarantine, ArchivesThroughNoLibraryEither) {
  const auto by_library =
      fmt::format("archive_command = ''\narchive_library = 'basic_archive'\nbasic_archive.archive_directory = '{}'\n",
                  (source().marks() / "stored by a library").string());
  with_plain_copy(Recovery::archive, by_library, [] {
    wait_until_promoted(source().conninfo_of_plain_one());
    Connection connection(source().conninfo_of_plain_one(), "test");
    give_occasion(connection);
    EXPECT_THAT(deeds_until({"stored by a library"}), Contains("stored by a library"));
  });
  auto server = promoted(source().quarantined(source().copy(Recovery::archive, by_library)));
  auto connection = server.connect();
  give_occasion(connection);
  EXPECT_EQ(workers(connection), "");
  server.stop(server::StopMode::fast, soon());
  EXPECT_EQ(source().deeds(), what_settings_cannot_prevent());
}

// Nor does a library that this host lacks keep anybody out.
TEST_F(Quarantine, LoadsNoLibraryOfUsersEither) {
  const auto lacking = std::string("local_preload_libraries = 'lacking'\n");
  with_plain_copy(Recovery::archive, lacking, [] {
    std::string refusal;
    wait_for("the copy to refuse a connection for its library", [&] {
      try {
        const Connection connection(source().conninfo_of_plain_one(), "test");
      } catch (const Error& error) {
        refusal = error.what();
      }
      return refusal.find("plugins/lacking") != std::string::npos;
    });
  });
  auto server = promoted(source().quarantined(source().copy(Recovery::archive, lacking)));
  EXPECT_EQ(server.connect().query("SHOW local_preload_libraries").single(), "");
}

// What the next test shows to be held back is not, here.
TEST_F(Quarantine, HoldsBackNothingThatIsCalledWhereItIsMadeOfSettingsAlone) {
  auto server = promoted(source().quarantined(source().copy(Recovery::archive)));
  auto connection = server.connect();
  EXPECT_THAT(connection.query("SELECT call_by_name()").single(), Not(HasSubstr("unreachable")));
  EXPECT_THAT(failure_of(server, "SELECT * FROM far_away"), Not(HasSubstr("unreachable")));
  EXPECT_EQ(failure_of(server, "ALTER SUBSCRIPTION news REFRESH PUBLICATION"), "done");
  const auto program =
      fmt::format("COPY (SELECT 1) TO PROGRAM 'cat > \"{}\"'", (source().marks() / "program").string());
  EXPECT_EQ(failure_of(server, program), "done");
  server.stop(server::StopMode::fast, soon());
  EXPECT_THAT(source().deeds(), IsSupersetOf({"called by function", "called by foreign table", "program"}));
}

TEST_F(Quarantine, WithNamespacesReachesNobodyWhateverIsCalled) {
  auto options = source().quarantined(source().copy(Recovery::archive));
  // What a configuration includes from elsewhere the engine brings along; a copy has to be shown it.
  options.isolation = server::Isolation{{source().further_configuration()}};
  auto server = promoted(std::move(options));
  auto connection = server.connect();
  give_occasion(connection);
  EXPECT_THAT(connection.query("SELECT call_by_name()").single(), HasSubstr("Network is unreachable"));
  EXPECT_THAT(failure_of(server, "SELECT * FROM far_away"), HasSubstr("could not connect"));
  EXPECT_THAT(failure_of(server, "ALTER SUBSCRIPTION news REFRESH PUBLICATION"), HasSubstr("No such file"))
      << "the publisher's socket is a file that it does not see";
  const auto program =
      fmt::format("COPY (SELECT 1) TO PROGRAM 'cat > \"{}\"'", (source().marks() / "program").string());
  EXPECT_THAT(failure_of(server, program), HasSubstr("failed"));
  server.stop(server::StopMode::fast, soon());
  EXPECT_THAT(source().deeds(), IsEmpty());
}

constexpr auto every_check =
    "restore: { kind: full, target: end_of_wal }\n"
    "verify: [page_checksums, amcheck, verifybackup, constraints, catalog, sequences, settings]\n";

TEST_F(Quarantine, HoldsThroughoutADrillThatAnOrdinaryUserRuns) {
  const auto& stored = source().stored();
  stored.write_scenario("acting", "", every_check);
  const auto drilled = source().drill_as_operator("acting");
  EXPECT_EQ(drilled.code, 0) << drilled.words;
  const auto report = reports::record::read_report(stored.path("operator's") / "acting" / "latest" / "report.json");
  EXPECT_THAT(report.not_tested, Contains(HasSubstr("isolation"))) << all_words(report);
  const auto tolerated = what_settings_cannot_prevent();
  for (const auto& deed : source().deeds()) EXPECT_TRUE(tolerated.contains(deed)) << deed;
}

TEST_F(Quarantine, HoldsThroughoutADrill) {
  const auto& stored = source().stored();
  // Proof has a copy run outside of its namespaces.
  stored.write_scenario("acting", "", std::string(every_check) + "prove: true\n");
  const auto drilled = stored.drill();
  EXPECT_EQ(drilled.code, 0) << drilled.words;
  const auto report = stored.report("acting");
  EXPECT_EQ(check_of(report, "isolation").verdict, reports::record::Verdict::pass) << all_words(report);
  EXPECT_THAT(source().deeds(), IsEmpty());
}

}  // namespace
}  // namespace harness
