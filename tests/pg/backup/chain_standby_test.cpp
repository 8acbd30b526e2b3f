// Backups taken from a standby: alone, and building on what the primary's left.
#include <gmock/gmock.h>

#include "backup_engine/base/error.hpp"
#include "tests/pg/backup/chained_cluster.hpp"

namespace backup_engine {
namespace {

using base::Error;
using base::ErrorKind;
using testing::HasSubstr;

class ChainOnStandby : public ChainedCluster, public testing::WithParamInterface<bool> {
 protected:
  ChainOnStandby() { streaming_ = GetParam(); }

  // What the standby has replayed is behind a checkpoint, from which its next backup starts.
  void bring_up_to_date(harness::server::Server& standby) {
    run("CHECKPOINT");
    wait_until_replayed(standby);
  }
};

}  // namespace

TEST_P(ChainOnStandby, BuildsOnWhatThePrimaryLeft) {
  start_source();
  receive_wal();
  make_rows();
  const auto full = take(BackupType::full);
  auto standby = start_standby("standby");
  run("UPDATE rows SET filling = 'changed' WHERE id < 100");
  bring_up_to_date(standby);
  const auto of_standby = take_of(standby, BackupType::incremental);
  const auto in_standby = ask(digest_);
  EXPECT_EQ(of_standby.parent_label, full.label);
  EXPECT_LT(of_standby.stored_bytes, full.stored_bytes / 4);
  run("DELETE FROM rows WHERE id % 3 = 0; CHECKPOINT");
  const auto of_primary = take(BackupType::incremental);
  EXPECT_EQ(of_primary.parent_label, of_standby.label);
  EXPECT_LT(of_primary.stored_bytes, full.stored_bytes);
  const auto in_primary = ask(digest_);

  lose_source();
  EXPECT_EQ(in_backup(of_standby.label), in_standby);
  EXPECT_EQ(in_backup(of_primary.label), in_primary);
}

TEST_P(ChainOnStandby, RefusesAStandbyThatReplaysWalWithoutFullPages) {
  start_source();
  receive_wal();
  make_rows();
  static_cast<void>(take(BackupType::full));
  auto standby = start_standby("standby");
  run("ALTER SYSTEM SET full_page_writes = off");
  static_cast<void>(ask("SELECT pg_reload_conf()"));
  base::poll_until(harness::server::soon(), "full_page_writes = off", [&]() -> std::optional<std::string> {
    if (ask("SHOW full_page_writes") == "off") return std::nullopt;
    return "on";
  });
  bring_up_to_date(standby);
  try {
    static_cast<void>(take_of(standby, BackupType::incremental));
    ADD_FAILURE() << "was not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::unsupported) << describe(error);
    EXPECT_THAT(error.what(), HasSubstr("full_page_writes=off"));
    EXPECT_THAT(error.remedy(), HasSubstr("at the primary"));
  }
  EXPECT_EQ(list_repository({repository().string()}).at(0).backups.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Sources, ChainOnStandby, testing::Bool(),
                         [](const auto& chosen) { return std::string(chosen.param ? "Stream" : "Files"); });

}  // namespace backup_engine
