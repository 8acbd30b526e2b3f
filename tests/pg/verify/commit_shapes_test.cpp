// The commit-order oracle against PostgreSQL itself, over WAL of the shapes that trip one up: xids out of order,
// hundreds of subtransactions, transactions that were prepared and committed, rolled back or left alone, savepoints
// rolled back, replication origins, equal and backward stamps, and a timeline that was left. For every target the
// transactions that the oracle predicts are those that a recovery by nothing but PostgreSQL brings back; and each
// recovery is told from the one that ends a commit earlier or later.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <set>

#include "backup_engine/base/parallel.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "harness/measure/commit_order_check.hpp"
#include "harness/measure/transaction_exactness.hpp"
#include "harness/verify/commit_order_probe.hpp"
#include "harness/verify/transaction_probe.hpp"
#include "tests/pg/verify/archived_source.hpp"
#include "tests/pg/verify/restamp.hpp"

namespace harness::verify {
namespace {

namespace fs = std::filesystem;
using backup_engine::base::UtcTime;
using backup_engine::postgres::Connection;
using measure::StopPosition;
using reports::record::Check;
using reports::record::CommitOrderEvidence;
using reports::record::CommitRecord;
using reports::record::LedgerOutcome;
using reports::record::LedgerTransaction;
using reports::record::RestoreTarget;
using reports::record::Verdict;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::SizeIs;

constexpr int subtransactions = 300, plain_commits = 10;

std::int64_t now() {
  return backup_engine::base::utc_now().time_since_epoch().count();
}

// What a load does, with the ledger that it keeps.
class ShapedLoad {
 public:
  // Ids of one load follow each other from `first_id` on.
  explicit ShapedLoad(std::int64_t first_id) : next_id_(first_id) {}

  struct Open {
    std::int64_t id = 0;
    std::uint64_t xid = 0;
  };
  Open begin(Connection& connection) {
    const Open open{next_id_++, 0};
    connection.execute("BEGIN");
    const auto xid = connection.query("INSERT INTO commits VALUES ($1) RETURNING xid::text", {std::to_string(open.id)});
    return {open.id, std::stoull(xid.single())};
  }
  void end(Connection& connection, const Open& open, const std::string& how) {
    LedgerTransaction transaction{open.id, 0, open.xid, "", now(), 0, LedgerOutcome::acknowledged};
    if (how.starts_with("ROLLBACK")) transaction.outcome = LedgerOutcome::aborted;
    connection.execute(how);
    transaction.answered_microseconds = now();
    ledger.push_back(transaction);
  }
  std::uint64_t commit(Connection& connection, const std::string& what = "SELECT 1") {
    const auto open = begin(connection);
    connection.execute(what);
    end(connection, open, "COMMIT");
    return open.xid;
  }

  std::vector<LedgerTransaction> ledger;
  std::map<std::string, std::uint64_t> xid_of;
  std::vector<std::uint64_t> plain;

 private:
  std::int64_t next_id_;
};

void run_shapes(const server::Server& server, ShapedLoad& load) {
  auto one = server.connect("postgres"), other = server.connect("postgres");
  load.xid_of["nested"] = load.commit(
      one, fmt::format("DO $$ BEGIN FOR i IN 1..{} LOOP BEGIN INSERT INTO commits VALUES (0); IF i % 10 = 0 THEN RAISE "
                       "division_by_zero; END IF; EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$",
                       subtransactions));
  const auto first = load.begin(one);
  load.xid_of["overtaking"] = load.commit(other);
  load.end(one, first, "COMMIT");
  load.xid_of["overtaken"] = first.xid;
  std::map<std::string, ShapedLoad::Open> prepared;
  for (const auto* const name : {"committed", "rolled back", "left alone"}) {
    prepared[name] = load.begin(one);
    load.xid_of[name] = prepared[name].xid;
    one.execute(fmt::format("PREPARE TRANSACTION 'it''s {}: 2000-01-01 00:00:00.000000 UTC'", name));
    load.commit(other);
  }
  const auto decide = [&](const char* how, const char* name) {
    load.end(one, prepared[name], fmt::format("{} PREPARED 'it''s {}: 2000-01-01 00:00:00.000000 UTC'", how, name));
  };
  decide("ROLLBACK", "rolled back");
  load.commit(other, "SAVEPOINT a; INSERT INTO commits VALUES (0); ROLLBACK TO a");
  decide("COMMIT", "committed");
  const auto undone = load.begin(other);
  load.end(other, undone, "ROLLBACK");
  one.query("SELECT pg_replication_origin_create('elsewhere'), pg_replication_origin_session_setup('elsewhere')");
  load.xid_of["origin"] = load.commit(one, "SELECT pg_replication_origin_xact_setup('0/1', '2000-01-01')");
  one.query("SELECT pg_replication_origin_session_reset()");
  // Where a timeline branches off in the segment that a transaction was prepared in, PostgreSQL 15 fails to recover it
  // along the new one: it asks for the segment by the old one's name.
  one.query("SELECT pg_switch_wal()");
  one.query("SELECT pg_create_restore_point('here')");
  for (int i = 0; i < plain_commits; ++i) load.plain.push_back(load.commit(i % 2 == 0 ? one : other));
}

struct Case {
  std::string name;
  RestoreTarget target;
  const char* action = "pause";
  std::string archive = "archive";
  std::uint32_t timeline = 1;  // the last of the line
};

// What is there, and what PostgreSQL says of each transaction.
struct Outcome {
  CommitOrderEvidence order;
  StopPosition stop;
  std::optional<Recovered> recovered;
};

class CommitShapes : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    load_ = std::make_unique<ShapedLoad>(1);
    source_ = std::make_unique<ArchivedSource>([](const server::Server& server) { run_shapes(server, *load_); });
  }
  static void TearDownTestSuite() {
    source_.reset();
    load_.reset();
  }

  static CommitOrderEvidence order_for(const Case& asked) {
    WitnessWal witness{source_->archive(asked.archive), source_->backup().start_lsn, asked.timeline};
    if (asked.target.type == "lsn") witness.target_lsn = asked.target.value;
    return read_commit_order(source_->tools(), witness);
  }

  static Outcome recover(const Case& asked, const std::string& name) {
    Outcome outcome;
    outcome.order = order_for(asked);
    outcome.stop = measure::stop_position(outcome.order, asked.target, &source_->backup());
    const auto look = [&](const Cluster& cluster) {
      auto& order = outcome.order;
      const bool paused = std::string_view(asked.action) == "pause";
      if (paused) {
        order.paused_statuses = probe_transactions(cluster, order.records);
        order.recovered_statuses = order.paused_statuses;
      } else {
        order.prepared_present = read_prepared(cluster);
      }
    };
    outcome.recovered = source_->recover(name, asked.target, asked.action, asked.archive, look);
    if (!outcome.recovered) return outcome;
    outcome.order.reached_lsn = outcome.recovered->reached_lsn;
    outcome.order.reached_timeline = outcome.recovered->reached_timeline;
    // Rows of subtransactions carry no id of the ledger.
    std::erase_if(outcome.recovered->rows.rows, [](const auto& row) { return row.id == 0; });
    for (const auto& row : outcome.recovered->rows.rows) outcome.order.xids_present.push_back(row.xid);
    return outcome;
  }

  static std::vector<Outcome> recover_all(const std::vector<Case>& cases) {
    std::vector<Outcome> outcomes(cases.size());
    const auto* const test = testing::UnitTest::GetInstance()->current_test_info()->name();
    backup_engine::base::for_each_in_parallel(
        2, cases.size(), [&](std::size_t i) { outcomes[i] = recover(cases[i], fmt::format("{}-{}", test, i)); });
    return outcomes;
  }

  static Check by_ledger(const Outcome& outcome, const StopPosition& stop) {
    const auto exact = measure::measure_exactness(outcome.order, load_->ledger, stop);
    return measure::check_commit_order({outcome.order, stop, exact}, load_->ledger, outcome.recovered->rows, nullptr);
  }
  static Check by_status(const Outcome& outcome, const StopPosition& stop) {
    const auto exact = measure::measure_transaction_exactness(outcome.order, stop);
    return measure::check_transaction_statuses({outcome.order, stop, exact});
  }

  static void expect_as_predicted(const Case& asked, const Outcome& outcome) {
    SCOPED_TRACE(fmt::format("{}: {} {} {}", asked.name, asked.target.type, asked.target.value,
                             asked.target.inclusive ? "inclusive" : "exclusive"));
    ASSERT_NE(outcome.stop.kind, StopPosition::Kind::unknown) << outcome.stop.why;
    ASSERT_TRUE(outcome.recovered.has_value()) << "PostgreSQL refused";
    const auto check = by_ledger(outcome, outcome.stop);
    EXPECT_EQ(check.verdict, Verdict::pass) << check.summary;
    EXPECT_THAT(check.findings, IsEmpty());
    if (outcome.order.paused_statuses.empty()) return;
    const auto asked_each = by_status(outcome, outcome.stop);
    EXPECT_EQ(asked_each.verdict, Verdict::pass) << asked_each.summary;
  }

  // The record of the transaction that the load called so.
  static CommitRecord record_of(std::uint64_t xid) {
    const auto order = order_for({"", {"end_of_wal", "", true, ""}});
    for (const auto& record : order.records) {
      if (record.xid == xid) return record;
    }
    throw std::runtime_error(fmt::format("the WAL holds no end of {}", xid));
  }
  static CommitRecord record_of(const std::string& name) { return record_of(load_->xid_of.at(name)); }

  static std::unique_ptr<ShapedLoad> load_;
  static std::unique_ptr<ArchivedSource> source_;
};

std::unique_ptr<ShapedLoad> CommitShapes::load_;
std::unique_ptr<ArchivedSource> CommitShapes::source_;

// When recovery_target_time is read no time zone's name is known yet, not even Z.
std::string as_postgres_reads_it(const std::string& rfc3339) {
  return rfc3339.substr(0, rfc3339.size() - 1) + "+00";
}

RestoreTarget target(const std::string& type, const std::string& value, bool inclusive = true) {
  return {type, type == "time" ? as_postgres_reads_it(value) : value, inclusive, ""};
}

// Ends of transactions, PREPAREs and restore points, each with its timeline, in the order of the WAL.
std::vector<std::string> described(const CommitOrderEvidence& order) {
  std::vector<std::string> all;
  for (const auto& record : order.records) all.push_back(fmt::format("{} on {}", record.xid, record.timeline));
  for (const auto& record : order.prepared) all.push_back(fmt::format("{} on {}", record.name, record.timeline));
  for (const auto& point : order.restore_points) all.push_back(fmt::format("{} on {}", point.name, point.timeline));
  return all;
}

TEST_F(CommitShapes, AreReadWholeAndInTheOrderOfTheWal) {
  const auto order = order_for({"", {"end_of_wal", "", true, ""}});
  const auto nested = record_of("nested");
  EXPECT_EQ(nested.subtransactions.size(), subtransactions - subtransactions / 10);
  EXPECT_FALSE(record_of("rolled back").committed);
  EXPECT_TRUE(record_of("committed").committed);
  EXPECT_GT(record_of("overtaking").xid, record_of("overtaken").xid);
  EXPECT_LT(record_of("overtaking").end_lsn, record_of("overtaken").end_lsn);
  EXPECT_GT(record_of("origin").time.substr(0, 4), "2000") << "the origin's time is not the commit's";
  ASSERT_GE(order.prepared.size(), 3U);
  const auto& left_alone = order.prepared.back();
  EXPECT_EQ(left_alone.name, "it's left alone: 2000-01-01 00:00:00.000000 UTC");
  EXPECT_EQ(left_alone.xid, load_->xid_of.at("left alone"));
  EXPECT_GT(left_alone.time.substr(0, 4), "2000");
}

TEST_F(CommitShapes, GiveWhatIsPredictedForEveryKindOfTarget) {
  const auto nested = std::to_string(load_->xid_of.at("nested"));
  const std::vector<Case> cases = {
      {"hundreds of subtransactions", target("xid", nested)},
      {"before hundreds of subtransactions", target("xid", nested, false)},
      {"overtaken by a later xid", target("xid", std::to_string(load_->xid_of.at("overtaken")))},
      {"a prepared one rolled back", target("xid", std::to_string(load_->xid_of.at("rolled back"))), "promote"},
      {"the stamp of a prepared one rolled back", target("time", record_of("rolled back").time, false)},
      {"of a replication origin", target("lsn", record_of("origin").lsn)},
      {"before one of a replication origin", target("lsn", record_of("origin").lsn, false)},
      {"a name", target("name", "here"), "promote"},
      {"no target", {"end_of_wal", "", true, ""}, "promote"}};
  const auto outcomes = recover_all(cases);
  for (std::size_t i = 0; i < cases.size(); ++i) expect_as_predicted(cases[i], outcomes[i]);
  // Recovery stopped at the rollback itself, not at the commit behind it.
  EXPECT_EQ(to_string(outcomes[4].stop.position), record_of("rolled back").lsn);
  // Each is told from its neighbour, by the ledger and by what PostgreSQL says of every xid.
  for (const auto& [behind, before, name] : {std::tuple{0, 1, "nested"}, {5, 6, "origin"}}) {
    const auto record = record_of(name);
    const auto& late = outcomes[static_cast<std::size_t>(behind)];
    const auto& early = outcomes[static_cast<std::size_t>(before)];
    for (const auto& check : {by_ledger(early, late.stop), by_status(early, late.stop), by_ledger(late, early.stop),
                              by_status(late, early.stop)}) {
      EXPECT_EQ(check.verdict, Verdict::fail);
      ASSERT_THAT(check.findings, SizeIs(1)) << check.summary;
      EXPECT_EQ(check.findings[0].xid, std::to_string(record.xid));
      EXPECT_EQ(check.findings[0].lsn, record.lsn);
      EXPECT_EQ(check.findings[0].time, record.time);
    }
  }
  // What was prepared and not decided is still to be decided; without it the check says so.
  auto undecided = outcomes[8];
  EXPECT_THAT(undecided.order.prepared_present.value(), testing::ElementsAre(load_->xid_of.at("left alone")));
  undecided.order.prepared_present->clear();
  const auto forgotten = by_ledger(undecided, undecided.stop);
  EXPECT_EQ(forgotten.verdict, Verdict::fail);
  ASSERT_THAT(forgotten.findings, SizeIs(1));
  EXPECT_EQ(forgotten.findings[0].xid, std::to_string(load_->xid_of.at("left alone")));
}

// The branch gives its transactions the xids that the plain commits have, and the WAL of these goes on beside it.
TEST_F(CommitShapes, DoNotCountBehindWhereTheirTimelineWasLeft) {
  ShapedLoad branch(1000);
  source_->branch_off(
      target("name", "here"),
      [&](const server::Server& server) {
        auto connection = server.connect("postgres");
        for (int i = 0; i < plain_commits; ++i) branch.plain.push_back(branch.commit(connection));
        connection.query("SELECT pg_create_restore_point('there')");
        branch.commit(connection);
      },
      "both");
  load_->ledger.insert(load_->ledger.end(), branch.ledger.begin(), branch.ledger.end());
  const auto xid =
      std::find_first_of(branch.plain.begin() + 2, branch.plain.end(), load_->plain.begin() + 2, load_->plain.end());
  ASSERT_NE(xid, branch.plain.end()) << "no xid was given on both timelines";
  const auto shared = std::to_string(*xid);
  const auto along = [](std::string name, RestoreTarget wanted, const char* action, std::uint32_t timeline) {
    wanted.timeline = std::to_string(timeline);
    return Case{std::move(name), std::move(wanted), action, "both", timeline};
  };
  auto newest = along("no target", {"end_of_wal", "", true, ""}, "promote", 2);
  newest.target.timeline = "latest";
  const auto branched = order_for(newest);
  const auto at = std::find_if(branched.records.begin(), branched.records.end(),
                               [&](const auto& record) { return record.xid == *xid; });
  ASSERT_NE(at, branched.records.end());
  EXPECT_EQ(at->timeline, 2U);
  EXPECT_GE(branched.abandoned.size(), static_cast<std::size_t>(plain_commits));
  const std::vector<Case> cases = {newest, along("an xid of both", target("xid", shared), "pause", 2),
                                   along("a time of the branch", target("time", at->time, false), "pause", 2),
                                   along("a name of the branch", target("name", "there"), "promote", 2),
                                   along("the timeline that was left", target("xid", shared), "pause", 1)};
  const auto outcomes = recover_all(cases);
  for (std::size_t i = 0; i < cases.size(); ++i) expect_as_predicted(cases[i], outcomes[i]);
  // A recovery along the timeline that was left is not what the newest one asks for.
  auto astray = outcomes[1];
  astray.recovered = outcomes[4].recovered;
  astray.order.reached_lsn = outcomes[4].order.reached_lsn;
  astray.order.reached_timeline = outcomes[4].order.reached_timeline;
  astray.order.xids_present = outcomes[4].order.xids_present;
  const auto check = by_ledger(astray, astray.stop);
  EXPECT_EQ(check.verdict, Verdict::fail);
  EXPECT_THAT(check.summary, testing::AllOf(testing::HasSubstr("extra"), testing::HasSubstr("lost")));
  load_->ledger.resize(load_->ledger.size() - branch.ledger.size());
}

// What a timeline wrote to the segment in which it was left stands in the next one's first segment as well, and need
// not be held by its own name.
TEST_F(CommitShapes, AreReadOfATimelineThatWasLeftWithoutItsLastSegment) {
  ShapedLoad branch(2000);
  source_->branch_off(
      target("xid", std::to_string(load_->plain[4])),
      [&](const server::Server& server) {
        auto connection = server.connect("postgres");
        branch.plain.push_back(branch.commit(connection));
      },
      "shared");
  const Case along{"no target", {"end_of_wal", "", true, ""}, "promote", "shared", 2};
  const auto whole = order_for(along);
  EXPECT_THAT(described(whole), IsSupersetOf(std::vector<std::string>{
                                    fmt::format("{} on 1", load_->plain[0]), "here on 1",
                                    fmt::format("{} on 1", load_->plain[4]), fmt::format("{} on 2", branch.plain[0])}));
  std::set<std::string> names;
  for (const auto& file : fs::directory_iterator(source_->archive("shared"))) names.insert(file.path().filename());
  const auto first = names.lower_bound("000000020")->substr(8);  // of the segments on the new timeline
  ASSERT_TRUE(names.contains("00000001" + first)) << "both wrote to it";
  for (const auto& name : names) {
    if (name.starts_with("00000001") && name.substr(8) >= first) fs::remove(source_->archive("shared") / name);
  }
  const auto without = order_for(along);
  EXPECT_EQ(described(without), described(whole));
  EXPECT_THAT(without.abandoned, IsEmpty());
}

// Last, as it changes the archive: three stamped alike, one an hour back, one an hour ahead.
TEST_F(CommitShapes, GiveWhatIsPredictedWhereStampsRepeatAndGoBackwards) {
  std::vector<CommitRecord> plain;
  for (const auto xid : load_->plain) plain.push_back(record_of(xid));
  std::vector<std::size_t> movable;
  for (std::size_t i = 1; i + 3 < plain.size(); ++i) {
    if (lies_on_one_page(plain[i])) movable.push_back(i);
  }
  ASSERT_GE(movable.size(), 5U);
  const auto stamp = [&](std::size_t which, const std::string& time) {
    restamp(source_->archive(), plain[movable[which]], time);
    plain[movable[which]].time = time;
  };
  const auto hours_off = [&](const std::string& time, int hours) {
    return backup_engine::base::to_rfc3339(backup_engine::base::parse_rfc3339(time).value() +
                                           std::chrono::hours(hours));
  };
  const auto alike = plain[movable[2]].time;
  stamp(0, alike);
  stamp(1, alike);
  stamp(3, hours_off(alike, -1));
  stamp(4, hours_off(alike, +1));
  const std::vector<Case> cases = {{"three stamped alike", target("time", alike)},
                                   {"before three stamped alike", target("time", alike, false)},
                                   {"in time, but behind one that is late", target("time", plain.back().time)},
                                   {"the late one's own stamp", target("time", plain[movable[4]].time, false)}};
  const auto outcomes = recover_all(cases);
  for (std::size_t i = 0; i < cases.size(); ++i) expect_as_predicted(cases[i], outcomes[i]);
  EXPECT_EQ(to_string(outcomes[1].stop.position), plain[movable[0]].lsn);
  EXPECT_GT(outcomes[0].stop.position, backup_engine::postgres::parse_lsn(plain[movable[3]].lsn).value())
      << "the one stamped an hour back is in time";
  EXPECT_EQ(to_string(outcomes[2].stop.position), plain[movable[4]].lsn);
  EXPECT_GE(outcomes[0].recovered->xids.size(), outcomes[1].recovered->xids.size() + 4);
}

}  // namespace
}  // namespace harness::verify
