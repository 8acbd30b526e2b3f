// The load on a real server: what it is told, what it holds, and what it does when something goes wrong.
#include "harness/workload/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "harness/workload/transaction_choice.hpp"
#include "tests/pg/workload/dataset_server.hpp"

namespace harness::workload {
namespace {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::base::poll_until;
using backup_engine::base::TemporaryDirectory;
using reports::record::LedgerOutcome;
using reports::record::read_ledger;
using scenario::Seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// One server for all tests of this file; each adds its own transactions, under ids of its own.
class LoadOnShop : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { shop_ = std::make_unique<DatasetServer>("ecommerce"); }
  static void TearDownTestSuite() { shop_.reset(); }
  LoadOnShop() { shop().connect().execute("TRUNCATE lifeboat.ledger"); }

  static DatasetServer& shop() { return *shop_; }
  std::unique_ptr<Load> load_of(unsigned writers, std::uint64_t seed = 1) {
    return std::make_unique<Load>(shop().conninfo(), shop().dataset(), profile_of(writers), seed, journal_);
  }
  static void wait_for(const std::string& what, const std::function<bool()>& there) {
    poll_until(soon(), what, [&]() -> std::optional<std::string> {
      return there() ? std::nullopt : std::optional<std::string>("not yet");
    });
  }

  // Lets the load run until it has been told so much, however slow the machine is, and holds it.
  static void run_until(Load& load, std::uint64_t acknowledged, std::uint64_t aborted = 0) {
    load.resume();
    wait_for("enough answers", [&] {
      const auto told = load.statistics();
      return told.acknowledged_durably >= acknowledged && told.aborted >= aborted;
    });
    load.hold(soon());
  }

  static std::unique_ptr<DatasetServer> shop_;
  TemporaryDirectory directory_{"/var/tmp", "lifeboat-load"};
  std::filesystem::path ledger_ = directory_.path() / "ledger.log";
  LedgerJournal journal_{ledger_};
};
std::unique_ptr<DatasetServer> LoadOnShop::shop_;

constexpr auto open_transactions =
    "SELECT (SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'lifeboat-load%' AND "
    "(backend_xid IS NOT NULL OR state <> 'idle')) + (SELECT count(*) FROM pg_prepared_xacts)";

TEST_F(LoadOnShop, LeavesInTheTableExactlyWhatItWasTold) {
  const auto load = load_of(4);
  run_until(*load, 51, 1);  // mistaken orders are refused at COMMIT
  load->stop(soon());
  journal_.close();

  const auto present = shop().ledger_ids();
  std::size_t acknowledged = 0, aborted = 0;
  for (const auto& transaction : read_ledger(ledger_)) {
    const auto is_there = present.contains(transaction.id);
    if (transaction.outcome == LedgerOutcome::acknowledged) {
      EXPECT_TRUE(is_there) << transaction.id;
      ++acknowledged;
    } else {
      EXPECT_EQ(transaction.outcome, LedgerOutcome::aborted);
      EXPECT_FALSE(is_there) << transaction.id;
      ++aborted;
    }
  }
  EXPECT_EQ(present.size(), acknowledged);
  const auto told = load->statistics();
  EXPECT_EQ(told.acknowledged_durably, acknowledged);
  EXPECT_EQ(told.aborted, aborted);
  EXPECT_EQ(told.attempted, acknowledged + aborted);
  EXPECT_EQ(told.connections_lost, 0U);
}

TEST_F(LoadOnShop, IsReallyHeldAndEveryRuleHoldsAtEveryHold) {
  shop().reload();  // earlier tests' business rows have lost their ledger rows
  const auto load = load_of(4);
  auto observer = shop().connect();
  for (int round = 0; round < 3; ++round) {
    load->run_for(Seconds(0.3), Afterwards::hold);
    EXPECT_EQ(observer.query(open_transactions).single(), "0");
    const auto rows = observer.query("SELECT count(*) FROM lifeboat.ledger").single();
    EXPECT_THAT(broken_rules(observer, "ecommerce"), IsEmpty());  // recomputed digests among them
    EXPECT_EQ(observer.query("SELECT count(*) FROM lifeboat.ledger").single(), rows);
    EXPECT_EQ(
        observer.query("SELECT count(*) FROM lifeboat.ledger WHERE digest <> lifeboat.recompute_digest(id)").single(),
        "0");
  }
}

TEST_F(LoadOnShop, DeclaresInItsJournalWhatTheRowsDeclare) {
  const auto load = load_of(2);
  load->run_for(Seconds(0.3), Afterwards::hold);
  journal_.wait_durable(soon());
  std::map<std::int64_t, std::pair<std::string, std::string>> rows;
  for (const auto& row : shop().connect().query("SELECT id, xid::text, digest FROM lifeboat.ledger")) {
    rows[std::stoll(*row[0])] = {*row[1], *row[2]};
  }
  for (const auto& transaction : read_ledger(ledger_)) {
    if (transaction.outcome != LedgerOutcome::acknowledged) continue;
    EXPECT_EQ(rows.at(transaction.id), std::pair(std::to_string(transaction.xid), transaction.digest));
    EXPECT_LE(transaction.sent_microseconds, transaction.answered_microseconds);
  }
}

TEST_F(LoadOnShop, RunsOnWithFreshIdsInAnotherLoadOfTheSameDrill) {
  load_of(2)->run_for(Seconds(0.2), Afterwards::hold);
  const auto before = shop().ledger_ids();
  const auto second = load_of(2);
  second->run_for(Seconds(0.2), Afterwards::hold);
  second->stop(soon());
  const auto after = shop().ledger_ids();
  EXPECT_GT(after.size(), before.size());
  for (const auto& [id, times] : after) EXPECT_EQ(times, 1) << id;
}

TEST_F(LoadOnShop, KeepsToItsRate) {
  auto profile = profile_of(4);
  profile.rate_per_second = 50;
  Load load(shop().conninfo(), shop().dataset(), profile, 1, journal_);
  const auto began = std::chrono::steady_clock::now();
  load.run_for(Seconds(0.5), Afterwards::hold);
  const Seconds lasted = std::chrono::steady_clock::now() - began;
  const auto told = load.statistics();
  EXPECT_LE(static_cast<double>(told.attempted + told.refused), 50 * lasted.count() + 4);  // each writer is in one more
}

TEST_F(LoadOnShop, ReportsAConnectionThatIsLostAndGoesOnWithTheOthers) {
  const auto load = load_of(3);
  load->run_for(Seconds(0.2), Afterwards::keep_running);
  shop().connect().query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lifeboat-load-1'");
  wait_for("the loss", [&] { return load->statistics().connections_lost == 1; });
  load->run_for(Seconds(0.2), Afterwards::hold);
  const auto told = load->statistics();
  EXPECT_EQ(told.writers_running, 2U);
  EXPECT_THAT(told.problems, ::testing::Contains(HasSubstr("writer 1 lost its connection")));
}

TEST_F(LoadOnShop, SaysSoWhenEveryConnectionIsLost) {
  const auto load = load_of(2);
  load->run_for(Seconds(0.2), Afterwards::keep_running);
  shop().connect().query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'lifeboat-load%'");
  try {
    load->run_for(Seconds(60), Afterwards::hold);  // ends when the last writer has ended
    FAIL() << "a load without writers ran on";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::connection);
  }
}

TEST_F(LoadOnShop, SaysSoWhenNothingIsEverAcknowledged) {
  auto nonsense = shop().dataset();
  nonsense.transactions = {{"shop.no_such_function", 1}};
  Load load(shop().conninfo(), nonsense, profile_of(2), 1, journal_);
  try {
    load.run_for(Seconds(0.1), Afterwards::hold);
    FAIL() << "a load that did nothing was taken for one";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("no_such_function"));
  }
}

TEST_F(LoadOnShop, StopsWithAnErrorWhenItsJournalCannotBeWritten) {
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{8192, before.rlim_max};
  const auto load = load_of(4);
  ::setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_THROW(load->run_for(Seconds(60), Afterwards::hold), Error);
  EXPECT_THROW(load->stop(soon()), Error);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(load->statistics().writers_running, 0U);
  EXPECT_GE(shop().ledger_ids().size(), journal_.durable_acknowledged());
}

// COMMIT waits for a standby that never comes; the commit is there, but its client was never told that it is safe.
class LoadWithoutItsStandby : public LoadOnShop {
 protected:
  static void set_standby(const std::string& name) {
    auto connection = shop().connect();
    connection.execute("ALTER SYSTEM SET synchronous_standby_names = " + backup_engine::postgres::quote_literal(name));
    connection.query("SELECT pg_reload_conf()");
  }
  void SetUp() override { set_standby("nobody_there"); }
  void TearDown() override { set_standby(""); }
  static std::string waiting_pid() {
    const auto rows = shop().connect().query(
        "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'lifeboat-load%' AND wait_event = 'SyncRep'");
    return rows.empty() ? "" : *rows[0][0];
  }
};

TEST_F(LoadWithoutItsStandby, TakesACommitWithAWarningForUnknown) {
  const auto load = load_of(1);
  load->resume();
  wait_for("a commit that waits", [] { return !waiting_pid().empty(); });
  shop().connect().query("SELECT pg_cancel_backend(" + waiting_pid() + ")");
  wait_for("its answer", [&] { return load->statistics().unknown == 1; });
  load->stop(backup_engine::base::Deadline::after(std::chrono::seconds(8)));  // it waits in the next one by now
  journal_.close();

  const auto ledger = read_ledger(ledger_);
  ASSERT_FALSE(ledger.empty());
  EXPECT_EQ(ledger[0].outcome, LedgerOutcome::unknown);
  EXPECT_GT(ledger[0].answered_microseconds, 0);
  EXPECT_TRUE(shop().ledger_ids().contains(ledger[0].id));
  EXPECT_EQ(journal_.durable_acknowledged(), 0U);
}

TEST_F(LoadWithoutItsStandby, StopsWritersThatWaitForEver) {
  const auto seen = shop().ledger_ids().size();
  const auto load = load_of(2);
  load->resume();
  wait_for("a commit that waits", [] { return !waiting_pid().empty(); });
  EXPECT_EQ(shop().ledger_ids().size(), seen) << "it is in the WAL, and no snapshot shows it";
  EXPECT_THROW(load->hold(backup_engine::base::Deadline::after(std::chrono::milliseconds(50))), Error);
  load->stop(backup_engine::base::Deadline::after(std::chrono::seconds(8)));
  EXPECT_EQ(load->statistics().writers_running, 0U);
  EXPECT_GE(load->statistics().unknown, 1U);
  EXPECT_GT(shop().ledger_ids().size(), seen);
}

// The digests of the first `count` acknowledged transactions of one writer on freshly loaded rows.
std::vector<std::string> first_digests(DatasetServer& source, std::uint64_t seed, std::size_t count) {
  source.reload();
  const TemporaryDirectory directory("/var/tmp", "lifeboat-load");
  LedgerJournal journal(directory.path() / "ledger.log");
  Load load(source.conninfo(), source.dataset(), profile_of(1), seed, journal);
  load.resume();
  poll_until(soon(), "enough transactions", [&]() -> std::optional<std::string> {
    const auto so_far = journal.durable_acknowledged();
    return so_far >= count ? std::nullopt : std::optional(std::to_string(so_far));
  });
  load.stop(soon());
  journal.close();
  std::vector<std::string> digests;
  for (const auto& transaction : read_ledger(directory.path() / "ledger.log")) {
    if (digests.size() < count) digests.push_back(transaction.digest);
  }
  return digests;
}

TEST_F(LoadOnShop, DoesTheSameFirstTransactionsForTheSameSeed) {
  const auto first = first_digests(shop(), 7, 60);
  EXPECT_THAT(first, SizeIs(60));
  EXPECT_EQ(first_digests(shop(), 7, 60), first);
}

TEST(LoadOnBench, MovesMoneyThatAddsUp) {
  DatasetServer bench("pgbench");
  const TemporaryDirectory directory("/var/tmp", "lifeboat-load");
  LedgerJournal journal(directory.path() / "ledger.log");
  Load load(bench.conninfo(), bench.dataset(), profile_of(4), 1, journal);
  load.resume();
  poll_until(soon(), "a transfer that is refused at COMMIT", [&]() -> std::optional<std::string> {
    return load.statistics().aborted > 0 ? std::nullopt : std::optional<std::string>("none yet");
  });
  load.hold(soon());
  auto observer = bench.connect();
  EXPECT_THAT(broken_rules(observer, "pgbench"), IsEmpty());
  EXPECT_EQ(bench.ledger_ids().size(), load.statistics().attempted - load.statistics().aborted);
}

}  // namespace
}  // namespace harness::workload
