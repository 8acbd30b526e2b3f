// Drills of backups of a cluster that Lifeboat did not make: from a full and from an incremental, whole, one database,
// and to every kind of target; with what was judged, and what is said not to have been.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "reports/record/evidence.hpp"
#include "tests/pg/drill/stored_cluster.hpp"

namespace harness::drill {
namespace {

using reports::record::Verdict;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

constexpr auto few_checks = "verify: [page_checksums, { sql: boats.sql }]\n";
constexpr auto every_check_proven =
    "verify: [page_checksums, amcheck, verifybackup, constraints, catalog, sequences, settings, { sql: boats.sql }]\n"
    "prove: true\n";
constexpr auto few_checks_proven = "verify: [page_checksums, { sql: boats.sql }]\nprove: true\n";

// What the drills found; the source goes when all have run.
struct Drilled {
  StoredCluster cluster;
  std::string full, incremental, lsn, time, xid;
  StoredCluster::Ended ended;

  Drilled() {
    prepare();
    write_scenarios();
    ended = cluster.drill();
  }

 private:
  std::string insert(const std::string& name) const {
    return cluster.connect("harbour")
        .query("INSERT INTO boats (name) VALUES ($1) RETURNING pg_current_xact_id()", {name})
        .single();
  }

  void prepare() {
    cluster.run("CREATE DATABASE harbour");
    cluster.run("CREATE DATABASE other");
    cluster.run("CREATE DATABASE closed ALLOW_CONNECTIONS false");
    cluster.connect("harbour").execute(
        "CREATE TABLE boats (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE NOT NULL);"
        "CREATE TABLE journeys (boat int REFERENCES boats, day date);"
        "CREATE TABLE crew (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);"
        "CREATE TABLE berths (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, place text);"
        "CREATE TABLE buoys (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, colour text);"
        "CREATE TABLE anchors (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, chain text);"
        "INSERT INTO buoys (colour) SELECT 'red' FROM generate_series(1, 9);"
        "INSERT INTO anchors (chain) SELECT 'rusty' FROM generate_series(1, 9);"
        "INSERT INTO crew (name) SELECT 'sailor ' || n FROM generate_series(1, 9) AS n;"
        "INSERT INTO berths (place) SELECT 'pier ' || n FROM generate_series(1, 9) AS n");
    (void)insert("in the full");
    full = cluster.back_up({"--pgdata", cluster.path("data")});
    (void)insert("in the incremental");
    incremental = cluster.back_up({"--type", "incremental", "--pgdata", cluster.path("data")});
    xid = insert("by xid");
    cluster.run("SELECT pg_create_restore_point('before release')");
    (void)insert("behind the name");
    lsn = cluster.ask("SELECT pg_current_wal_flush_lsn()");
    (void)insert("behind the lsn");
    time = cluster.ask("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
    (void)insert("behind the time");
    auto undone = cluster.connect("harbour");
    undone.execute("BEGIN; INSERT INTO boats (name) VALUES ('rolled back'); ROLLBACK");
    cluster.wait_until_acknowledged();
  }

  // How many boats must be there is asked of each by the number in the name of its file.
  void write_scenarios() const {
    std::filesystem::create_directories(cluster.scenarios());
    const auto scenario = [&](const std::string& name, int boats, const std::string& restore, const char* verify,
                              const std::string& source = "") {
      const auto sql = fmt::format("boats-{}.sql", boats);
      std::ofstream(cluster.scenarios() / sql) << fmt::format(
          "-- name: {0} boats\n-- sabotage: INSERT INTO boats (name) VALUES ('too many')\nSELECT n FROM (SELECT "
          "count(*) AS n FROM boats) c WHERE n <> {0};\n",
          boats);
      auto checks = std::string(verify);
      checks.replace(checks.find("boats.sql"), 9, sql);
      cluster.write_scenario(
          name, source + ", database: harbour",
          fmt::format("restore: {{ {} }}\n{}objectives: {{ rto: 120s, small: {{ rto: 119s }} }}\n", restore, checks));
    };
    scenario("newest", 6, "kind: full, target: end_of_wal", every_check_proven);
    scenario("full-alone", 1, "kind: full, target: immediate", few_checks, ", backup: " + full);
    scenario("by-name", 3, "kind: pitr, target: { name: before release }, action: pause", few_checks);
    scenario("by-lsn", 4, fmt::format("kind: pitr, target: {{ lsn: {}, inclusive: false }}", lsn), few_checks_proven);
    scenario("by-time", 5, fmt::format("kind: pitr, target: {{ time: {} }}", time), few_checks,
             ", backup: " + incremental);
    scenario("by-xid", 3, fmt::format("kind: pitr, target: {{ xid: {} }}", xid), few_checks);
    scenario("one-database", 6, "kind: partial, target: end_of_wal, database: harbour", few_checks);
    const auto repeated = [&](const std::string& name, int times, const std::string& restore) {
      cluster.write_scenario(name, ", database: harbour",
                             fmt::format("restore: {{ {} }}\nverify: [page_checksums]\nrepeat: {}\n"
                                         "objectives: {{ rto: 120s, at_size: [1GB] }}\n",
                                         restore, times));
    };
    repeated("three-times", 3, "kind: full, target: end_of_wal");
    repeated("twice-by-xid", 2, fmt::format("kind: pitr, target: {{ xid: {} }}, action: pause", xid));
  }
};

class StoredBackup : public testing::Test {
 protected:
  static void SetUpTestSuite() { drilled_ = std::make_unique<Drilled>(); }
  static void TearDownTestSuite() { drilled_.reset(); }

  static const Drilled& drilled() { return *drilled_; }
  static reports::record::Report report(const std::string& scenario) { return drilled().cluster.report(scenario); }

 private:
  static inline std::unique_ptr<Drilled> drilled_;
};

TEST_F(StoredBackup, PassesToEveryKindOfTargetAndIsExactByWhatPostgresqlSays) {
  EXPECT_EQ(drilled().ended.code, 0) << drilled().ended.words;
  for (const auto* const name : {"newest", "full-alone", "by-name", "by-lsn", "by-time", "by-xid", "one-database"}) {
    SCOPED_TRACE(name);
    const auto found = report(name);
    EXPECT_EQ(found.verdict, Verdict::pass) << all_words(found);
    const auto& exact = found.restores.at(0).exact;
    EXPECT_EQ(exact.met, true) << all_words(found);
    EXPECT_EQ(exact.witness, "engine");
    EXPECT_EQ(exact.missing, 0U);
    EXPECT_EQ(exact.extra, 0U);
    EXPECT_FALSE(found.restores.at(0).rpo.lost.has_value()) << "nobody can know";
    EXPECT_EQ(found.cleanup.verdict, Verdict::pass);
  }
}

// The smallest, the middle and the largest of what the restores took for a phase.
std::array<double, 3> spread_over(const std::vector<reports::record::RestoreRecord>& restores,
                                  const std::string& phase) {
  std::vector<double> seconds;
  for (const auto& restore : restores) {
    for (const auto& each : restore.rto.phases) {
      if (each.name == phase) seconds.push_back(each.seconds);
    }
  }
  EXPECT_EQ(seconds.size(), restores.size()) << phase;
  std::sort(seconds.begin(), seconds.end());
  const auto upper = seconds.size() / 2, lower = (seconds.size() - 1) / 2;
  return {seconds.front(), (seconds[lower] + seconds[upper]) / 2, seconds.back()};
}

TEST_F(StoredBackup, IsRestoredAsOftenAsItsScenarioSaysAndHasTheStatisticsOfThat) {
  for (const auto& [name, times] : {std::pair("three-times", 3U), std::pair("twice-by-xid", 2U)}) {
    SCOPED_TRACE(name);
    const auto found = report(name);
    EXPECT_EQ(found.verdict, Verdict::pass) << all_words(found);
    ASSERT_EQ(found.restores.size(), times);
    for (unsigned i = 0; i < times; ++i) {
      const auto& restore = found.restores[i];
      EXPECT_EQ(restore.repeat, i + 1);
      EXPECT_EQ(restore.backup_label, found.restores.back().backup_label);
      EXPECT_EQ(restore.rto.met, true);
      EXPECT_EQ(restore.exact.met, true) << all_words(found);
      EXPECT_EQ(restore.exact.witness, "engine");
      EXPECT_GT(restore.volume.restored_bytes.value_or(0), 0U);
      EXPECT_GT(restore.size.database_bytes.value_or(0), 10'000'000U);
    }
    ASSERT_TRUE(found.statistics);
    EXPECT_EQ(found.statistics->repeats, times);
    std::vector<std::string> phases;
    for (const auto& phase : found.statistics->phases) {
      SCOPED_TRACE(phase.name);
      phases.push_back(phase.name);
      const auto [least, median, most] = spread_over(found.restores, phase.name);
      EXPECT_EQ(phase.samples, times);
      EXPECT_DOUBLE_EQ(phase.minimum_seconds, least);
      EXPECT_DOUBLE_EQ(phase.median_seconds, median);
      EXPECT_DOUBLE_EQ(phase.percentile_95_seconds, most) << "of so few";
      EXPECT_DOUBLE_EQ(phase.maximum_seconds, most);
      EXPECT_TRUE(phase.standard_deviation_seconds.has_value());
    }
    EXPECT_THAT(phases, IsSupersetOf({"fetch", "restore", "replay"}));
    EXPECT_THAT(phases, Not(Contains("verified")));
    EXPECT_EQ(found.statistics->milestones.size(), 3U);
    ASSERT_EQ(found.statistics->extrapolations.size(), 1U);
    EXPECT_TRUE(found.statistics->extrapolations[0].rto_seconds.has_value());
    EXPECT_THAT(found.statistics->notes, Not(Contains(HasSubstr("detect"))));
    const auto logs = drilled().cluster.drill_directory(name) / "logs";
    for (unsigned i = 1; i < times; ++i) {
      EXPECT_TRUE(std::filesystem::exists(logs / fmt::format("restored-{}.log", i)));
    }
  }
}

TEST_F(StoredBackup, AsksThePausedCopyAboutTheTransactionsBehindTheTarget) {
  const auto evidence = reports::record::read_evidence(drilled().cluster.drill_directory("by-lsn"));
  ASSERT_TRUE(evidence.commit_order);
  const auto& order = *evidence.commit_order;
  EXPECT_GE(order.paused_statuses.size(), order.records.size()) << "subtransactions as well";
  EXPECT_LT(order.recovered_statuses.size(), order.paused_statuses.size());
  const auto committed = [](const auto& status) { return status.status == "committed"; };
  EXPECT_FALSE(std::all_of(order.paused_statuses.begin(), order.paused_statuses.end(), committed));
  EXPECT_TRUE(std::all_of(order.recovered_statuses.begin(), order.recovered_statuses.end(), committed));
}

// "CHECK SABOTAGE" of each that was noticed.
std::vector<std::string> noticed(const reports::record::Report& report) {
  std::vector<std::string> found;
  for (const auto& proof : report.proof) {
    if (proof.verdict_wanted == "fail" && proof.verdict_given == "fail") {
      found.push_back(proof.check + " " + proof.sabotage);
    }
  }
  return found;
}

TEST_F(StoredBackup, ProvesItsChecksOnACopyWithoutAMark) {
  const auto found = report("newest");
  EXPECT_EQ(check_of(found, "proof").verdict, Verdict::pass) << all_words(found);
  EXPECT_THAT(noticed(found),
              IsSupersetOf({"verifybackup changed_file", "page_checksums bit_flipped", "amcheck duplicated_row",
                            "constraints duplicated_row", "catalog reference_broken", "sequences sequence_behind",
                            "settings setting_changed", "sql boats-6.sql rule_broken: 6 boats"}));
  EXPECT_THAT(found.not_tested,
              Contains(HasSubstr("catalog: blind to constraint_dropped (no mark says what there was)")));
  for (const auto* const check : {"amcheck", "page_checksums"}) {
    EXPECT_THAT(found.not_tested,
                Contains(AllOf(HasSubstr(check), HasSubstr("blind to row_erased_behind_its_indexes"))));
  }
  EXPECT_THAT(found.not_tested, Contains(HasSubstr("pages that were zeroed, files that were cut short and index")));
}

TEST_F(StoredBackup, ProvesThatACopyThatWentAstrayIsNoticed) {
  EXPECT_THAT(noticed(report("newest")),
              IsSupersetOf({"commit_order recovered_one_commit_short", "exactness recovered_one_commit_short",
                            "commit_order recovered_onto_another_timeline"}));
  EXPECT_THAT(noticed(report("by-lsn")),
              IsSupersetOf({"commit_order recovered_one_commit_short", "commit_order recovered_one_commit_too_far",
                            "exactness recovered_one_commit_too_far", "commit_order recovered_onto_another_timeline"}));
  const auto isolation = check_of(report("newest"), "isolation");
  if (!isolation.name.empty()) {
    EXPECT_THAT(isolation.proven_by, Contains("somebody_elses_socket_in_sight"));
  }
}

TEST_F(StoredBackup, RestoresTheBackupThatTheScenarioMeans) {
  EXPECT_EQ(report("newest").restores.at(0).backup_label, drilled().incremental);
  EXPECT_EQ(report("full-alone").restores.at(0).backup_label, drilled().full);
  EXPECT_EQ(report("full-alone").backups.at(0).label, drilled().full);
  EXPECT_EQ(report("newest").backups.at(0).type, "incremental");
}

TEST_F(StoredBackup, JudgesWithTheWitnessesThereAreAndSaysWhichThereAreNot) {
  const auto found = report("newest");
  EXPECT_EQ(check_of(found, "verifybackup").witness, "engine");
  EXPECT_EQ(check_of(found, "catalog").witness, "postgres");
  EXPECT_EQ(check_of(found, "settings").witness, "postgres");
  EXPECT_EQ(check_of(found, "sql boats-6.sql").verdict, Verdict::pass);
  EXPECT_THAT(found.not_tested, Contains(HasSubstr("loss (RPO), ledger: nobody wrote down")));
  EXPECT_THAT(found.not_tested, Contains(HasSubstr("content: no mark was taken of this cluster")));
  EXPECT_THAT(found.not_tested, Contains(HasSubstr("WAL that never reached the repository")));
  EXPECT_THAT(found.not_tested, Contains(HasSubstr("database closed: it accepts no connections")));
  EXPECT_THAT(found.not_tested, Not(Contains(HasSubstr("database template0"))));
}

TEST_F(StoredBackup, TellsTheSizeItsClassAndThePhasesOfTheProgramme) {
  const auto& restore = report("newest").restores.at(0);
  EXPECT_GT(restore.size.database_bytes.value_or(0), 10'000'000U);
  EXPECT_EQ(restore.size.size_class, "small");
  EXPECT_TRUE(restore.work.extract_seconds.has_value());
  EXPECT_TRUE(restore.work.transfer_seconds.has_value());
  EXPECT_TRUE(restore.work.restore_seconds.has_value());
  EXPECT_EQ(restore.rto.objective_seconds, 119.0) << "the objective of its class";
}

TEST_F(StoredBackup, LeavesTheRepositoryAsItWasButForTheOperationsLog) {
  const auto log = drilled().cluster.lifeboat({"list", "--repo", drilled().cluster.repository(), "--operations"});
  EXPECT_THAT(log.words, AllOf(HasSubstr("\"drill\""), HasSubstr("a test of drills"), HasSubstr("passed every check")));
  const auto verified = drilled().cluster.lifeboat({"verify", "--repo", drilled().cluster.repository()});
  EXPECT_EQ(verified.code, 0) << verified.words;
  EXPECT_THAT(drilled().cluster.left_in_work(), IsEmpty());
}

TEST_F(StoredBackup, IsJudgedAgainToTheSame) {
  for (const auto* const name : {"by-time", "three-times"}) {
    const auto again = drilled().cluster.path(std::string("again-") + name);
    const auto judged = StoredCluster::as_caller({"judge", drilled().cluster.drill_directory(name), "--out", again});
    EXPECT_EQ(judged.code, 0) << judged.words;
    const auto report_again = reports::record::read_report(again / "report.json");
    EXPECT_EQ(report_again.statistics.has_value(), std::string_view(name) == "three-times");
  }
}

TEST_F(StoredBackup, RefusesASourceThatIsNotThereBeforeAnythingStarts) {
  const auto& cluster = drilled().cluster;
  const auto plan = [&](const std::string& name, const std::string& source) {
    const auto file = cluster.path(name + ".yaml");
    std::ofstream(file) << fmt::format(
        "scenario: {}\nclaim: Nothing.\nsource: {{ {} }}\nrestore: {{ kind: full, target: end_of_wal }}\n"
        "verify: [page_checksums]\n",
        name, source);
    return StoredCluster::as_caller({"plan", file});
  };
  const auto repository = "repository: " + cluster.repository();
  const auto nobody = plan("no-cluster", repository + ", cluster: nobody");
  EXPECT_EQ(nobody.code, 3) << nobody.words;
  EXPECT_THAT(nobody.words, HasSubstr("holds no cluster nobody"));
  const auto no_backup = plan("no-backup", repository + ", cluster: shop, backup: 20200101T000000Z-full");
  EXPECT_EQ(no_backup.code, 3) << no_backup.words;
  EXPECT_THAT(no_backup.words, HasSubstr("holds no backup 20200101T000000Z-full"));
  const auto nowhere = plan("nowhere", "repository: /nowhere, cluster: shop");
  EXPECT_EQ(nowhere.code, 3) << nowhere.words;
}

}  // namespace
}  // namespace harness::drill
