// What verify says of backups and WAL that real servers made: nothing false, and the points that can be reached.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>

#include "backup_engine/base/file.hpp"
#include "backup_engine/verify.hpp"
#include "tests/pg/backup/backed_up_cluster.hpp"

namespace backup_engine {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

class VerifyRepository : public BackedUpCluster {
 protected:
  [[nodiscard]] VerifyResult verify() const {
    base::NoProgress progress;
    return verify_repository({{repository().string()}, {}, {}, 2}, progress);
  }
  // The server's clock, between two of its commits.
  base::UtcTime commit_and_ask_the_time() {
    run("INSERT INTO t VALUES (1)");
    return base::parse_rfc3339(ask("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', "
                                   "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"))
        .value();
  }
  static std::string text_of(const std::vector<RepositoryDamage>& damage) {
    std::string text;
    for (const auto& each : damage) text += each.object + ": " + each.text + "\n";
    return text;
  }
};

TEST_F(VerifyRepository, SaysWhichPointsEachBackupOfALivingClusterReaches) {
  start_source();
  receive_wal();
  run("CREATE TABLE t (i int)");
  const auto by_files = back_up();
  run("SELECT pg_switch_wal()");
  streaming_ = true;
  const auto by_stream = back_up();
  const auto before = commit_and_ask_the_time();
  run("INSERT INTO t VALUES (2)");
  const auto after = commit_and_ask_the_time();
  wait_for_all_wal();
  const auto end = postgres::parse_lsn(ask("SELECT pg_current_wal_flush_lsn()")).value();

  const auto result = verify();
  EXPECT_THAT(text_of(result.damage), IsEmpty());
  ASSERT_EQ(result.backups.size(), 2U);
  for (const auto& backup : result.backups) {
    EXPECT_TRUE(backup.restorable) << backup.label << ": " << backup.reason;
    ASSERT_EQ(backup.spans.size(), 1U);
    EXPECT_GE(backup.spans[0].latest, end);
    ASSERT_TRUE(backup.spans[0].latest_time);
    EXPECT_GT(*backup.spans[0].latest_time, before);
    EXPECT_LE(*backup.spans[0].latest_time, after);
  }
  EXPECT_EQ(result.backups[0].spans[0].earliest, by_files.summary.stop_lsn);
  EXPECT_EQ(result.backups[1].spans[0].earliest, by_stream.summary.stop_lsn);
  EXPECT_LE(result.backups[1].spans[0].earliest_time, before);
}

TEST_F(VerifyRepository, ReadsAChainOnceAndNamesEveryBackupThatDamageTouches) {
  start_source();
  receive_wal();
  run("CREATE TABLE t AS SELECT generate_series(1, 20000) i");
  const auto full = back_up();
  run("DELETE FROM t WHERE i < 100");
  auto request = backup_request();
  request.type = BackupType::incremental;
  base::NoProgress progress;
  static_cast<void>(take_backup(request, progress));
  lose_source();
  auto result = verify();
  EXPECT_THAT(text_of(result.damage), IsEmpty());
  ASSERT_EQ(result.backups.size(), 2U);
  EXPECT_TRUE(result.backups[0].restorable && result.backups[1].restorable);
  const auto is_file = [](const auto& entry) { return entry.is_regular_file(); };
  EXPECT_EQ(result.objects, std::ranges::count_if(fs::recursive_directory_iterator(repository()), is_file))
      << "each once";

  const auto pack = "clusters/main/backups/" + full.summary.label + "/packs/00000000.pack";
  const auto path = repository() / pack;
  // Wide damage: a single byte may be in a block that changed since, which the incremental backup does not need.
  auto bytes = base::read_file(path);
  for (auto i = bytes.size() / 4; i < bytes.size() * 3 / 4; i += 1024) bytes[i] = static_cast<char>(bytes[i] ^ 1);
  std::ofstream(path, std::ios::binary) << bytes;
  result = verify();
  ASSERT_FALSE(result.damage.empty());
  for (const auto& damage : result.damage) EXPECT_EQ(damage.object, pack) << damage.text;
  for (const auto& backup : result.backups) {
    EXPECT_FALSE(backup.restorable) << backup.label;
    EXPECT_THAT(backup.reason, HasSubstr(pack));
  }
}

TEST_F(VerifyRepository, FollowsATimelineThatBranchedOff) {
  start_source();
  receive_wal();
  run("CREATE TABLE t (i int)");
  static_cast<void>(back_up());
  run("INSERT INTO t VALUES (1)");
  lose_source();
  restore(restore_request());
  source_.emplace(start_restored());
  wait_until_promoted(*source_);
  receive_wal();
  run("INSERT INTO t VALUES (2)");
  static_cast<void>(back_up());
  run("INSERT INTO t VALUES (3)");
  wait_for_all_wal();
  const auto end = postgres::parse_lsn(ask("SELECT pg_current_wal_flush_lsn()")).value();

  auto result = verify();
  EXPECT_THAT(text_of(result.damage), IsEmpty());
  ASSERT_EQ(result.backups.size(), 2U);
  const auto& first = result.backups[0].spans;
  ASSERT_EQ(first.size(), 2U) << result.backups[0].reason;
  EXPECT_EQ(first[0].timeline.number(), 1U);
  EXPECT_EQ(first[1].timeline.number(), 2U);
  EXPECT_GE(first[1].latest, end);
  EXPECT_GT(*first[1].latest_time, *first[0].latest_time);
  ASSERT_EQ(result.backups[1].spans.size(), 1U) << result.backups[1].reason;
  EXPECT_EQ(result.backups[1].spans[0].timeline.number(), 2U);

  // Without its history nobody finds the way to timeline 2; what is on timeline 1 stays.
  const auto history = repository() / "clusters/main/wal/00000002.history";
  fs::rename(history, directory_.path() / "history");
  result = verify();
  EXPECT_THAT(text_of(result.damage), HasSubstr("00000002.history: missing"));
  ASSERT_EQ(result.backups[0].spans.size(), 1U);
  EXPECT_EQ(result.backups[0].spans[0].timeline.number(), 1U);
  fs::rename(directory_.path() / "history", history);
  EXPECT_THAT(text_of(verify().damage), IsEmpty());
}

}  // namespace
}  // namespace backup_engine
