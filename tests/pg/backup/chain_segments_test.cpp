// Chains of clusters whose segments of WAL are not 16 MB.
#include "tests/pg/backup/chained_cluster.hpp"

namespace backup_engine {
namespace {

class ChainWithSegmentsOf : public ChainedCluster, public testing::WithParamInterface<int> {
 protected:
  void make_cluster() {
    harness::process::Command command;
    command.program = harness::server::test_installation().program("initdb");
    command.arguments = {"-D",
                         data().string(),
                         "-U",
                         "postgres",
                         "--auth=trust",
                         "--no-sync",
                         "--data-checksums",
                         "--wal-segsize=" + std::to_string(GetParam())};
    command.run_as = user_;
    const auto made = harness::process::run(command, harness::server::soon());
    ASSERT_TRUE(made.status.success()) << made.output;
  }
};

}  // namespace

TEST_P(ChainWithSegmentsOf, RestoresAnIncremental) {
  make_cluster();
  start_source();
  receive_wal();
  EXPECT_EQ(ask("SHOW wal_segment_size"), std::to_string(GetParam()) + "MB");
  make_rows();
  const auto full = take(BackupType::full);
  run("UPDATE rows SET filling = 'changed' WHERE id < 100");
  const auto incremental = take(BackupType::incremental);
  const auto in_incremental = ask(digest_);
  EXPECT_LT(incremental.stored_bytes, full.stored_bytes / 4);
  lose_source();
  EXPECT_EQ(in_backup(incremental.label), in_incremental);
}

INSTANTIATE_TEST_SUITE_P(Megabytes, ChainWithSegmentsOf, testing::Values(1, 64),
                         [](const auto& chosen) { return std::to_string(chosen.param); });

}  // namespace backup_engine
