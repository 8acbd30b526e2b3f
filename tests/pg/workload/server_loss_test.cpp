// The server dies under the load, and is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "harness/disaster/disaster.hpp"
#include "harness/faults/lose_server.hpp"
#include "tests/pg/workload/dataset_server.hpp"

namespace harness::workload {
namespace {

namespace fs = std::filesystem;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::base::TemporaryDirectory;
using faults::ExpendableDirectory;
using reports::record::LedgerOutcome;
using scenario::Seconds;

TEST(ServerLoss, KeepsEveryAcknowledgedTransactionThroughACrashRecovery) {
  DatasetServer shop("ecommerce");
  const TemporaryDirectory directory("/var/tmp", "lifeboat-load");
  LedgerJournal journal(directory.path() / "ledger.log");
  Load load(shop.conninfo(), shop.dataset(), profile_of(4), 1, journal);
  const auto wait_for = [&](const std::string& what, const std::function<bool(const LoadStatistics&)>& there) {
    backup_engine::base::poll_until(soon(), what, [&]() -> std::optional<std::string> {
      return there(load.statistics()) ? std::nullopt : std::optional<std::string>("not yet");
    });
  };
  load.resume();
  wait_for("answers", [](const auto& told) { return told.acknowledged_durably > 50; });
  shop.server().kill();
  wait_for("every writer to notice", [](const auto& told) { return told.writers_running == 0; });
  load.stop(soon());
  journal.close();
  const auto told = load.statistics();
  EXPECT_EQ(told.connections_lost, 4U);
  EXPECT_LE(told.unknown, 4U);

  shop.start();
  const auto present = shop.ledger_ids();
  std::map<std::int64_t, LedgerOutcome> attempted;
  for (const auto& transaction : reports::record::read_ledger(directory.path() / "ledger.log")) {
    attempted[transaction.id] = transaction.outcome;
    if (transaction.outcome == LedgerOutcome::unknown) continue;  // may be either
    EXPECT_EQ(present.contains(transaction.id), transaction.outcome == LedgerOutcome::acknowledged) << transaction.id;
  }
  for (const auto& [id, times] : present) {
    EXPECT_TRUE(attempted.contains(id)) << id;
    EXPECT_EQ(times, 1) << id;
  }
  EXPECT_GT(told.acknowledged_durably, 50U);
  auto observer = shop.connect();
  EXPECT_THAT(broken_rules(observer, "ecommerce"), ::testing::IsEmpty());
}

TEST(Strike, KillsTheServerThenLosesItsDataDirectory) {
  DatasetServer shop("ecommerce");
  bool witness_saw_wal = false, witness_saw_it_dead = false;
  const disaster::Victim victim{
      shop.server(), ExpendableDirectory::made_by_this_drill(shop.data_directory(), shop.work_directory()), [&] {
        witness_saw_wal = !fs::is_empty(shop.data_directory() / "pg_wal");
        witness_saw_it_dead = !shop.server().running();
      }};
  // Unknown words do no harm.
  EXPECT_THROW(static_cast<void>(disaster::strike({"lose_everything", ""}, victim)), Error);
  EXPECT_THROW(static_cast<void>(disaster::strike({"lose_server", "twice"}, victim)), Error);
  EXPECT_EQ(shop.ask("SELECT 1"), "1");
  // Nor is the directory lost while the server lives.
  EXPECT_THROW(faults::lose_data_directory(victim.data_directory.value()), Error);

  const auto before = backup_engine::base::utc_now();
  const auto outcome = disaster::strike({"lose_server", ""}, victim);
  const auto& record = outcome.record;
  EXPECT_TRUE(witness_saw_wal);
  EXPECT_TRUE(witness_saw_it_dead);
  EXPECT_FALSE(fs::exists(shop.data_directory()));
  EXPECT_EQ(record.kind, "lose_server");
  EXPECT_EQ(outcome.lsn + outcome.xid, "");
  const auto struck = backup_engine::base::parse_rfc3339(record.at);
  ASSERT_TRUE(struck);
  EXPECT_GE(*struck, before);
  EXPECT_LE(*struck, backup_engine::base::utc_now());
}

}  // namespace
}  // namespace harness::workload
