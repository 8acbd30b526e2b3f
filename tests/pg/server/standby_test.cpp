#include "harness/server/standby.hpp"

#include <gmock/gmock.h>

#include "backup_engine/base/error.hpp"
#include "tests/pg/server/disposable_cluster.hpp"

namespace harness::server {
namespace {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using testing::AllOf;
using testing::HasSubstr;

class Standby : public DisposableCluster {
 protected:
  [[nodiscard]] StandbyOptions standby() const {
    return {directory_.path() / "standby", directory_.path() / "standby.log", {}, "lifeboat_standby"};
  }
};

TEST_F(Standby, FollowsItsPrimaryAndTakesWritesOncePromoted) {
  const auto primary = started(options());
  auto follower = start_standby(primary, standby(), soon());
  wait_for_standbys(primary, "lifeboat_standby", "lifeboat_standby", soon());
  primary.connect().execute("CREATE TABLE told AS SELECT 7 AS number");
  wait_until_confirmed(primary, "lifeboat_standby", soon());
  promote(follower, soon());
  EXPECT_EQ(follower.connect().query("SELECT number FROM told").single(), "7");
  follower.connect().execute("INSERT INTO told VALUES (8)");
}

TEST_F(Standby, ThatCannotBeCopiedSaysWhyInTheMessage) {
  auto crowded = options();
  crowded.settings["max_replication_slots"] = "1";
  const auto primary = started(crowded);
  primary.connect().query("SELECT pg_create_physical_replication_slot('somebody_elses')");
  try {
    const auto follower = start_standby(primary, standby(), soon());
    FAIL() << "made a standby without a slot";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::process);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("pg_basebackup made no standby (exit code 1): "),
                                    HasSubstr("all replication slots are in use")));
    EXPECT_THAT(error.remedy(), HasSubstr("standby.log"));
  }
}

}  // namespace
}  // namespace harness::server
