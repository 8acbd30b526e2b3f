#include "backup_engine/restore/hollow_databases.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "tests/support/refusal.hpp"

namespace backup_engine::restore {
namespace {

using base::ErrorKind;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

store::Manifest manifest() {
  store::Manifest made;
  made.summary.label = "20261120T100000Z-full";
  made.databases = {{1, "template1", true}, {4, "template0", true}, {5, "postgres", false},
                    {16384, "shop", false}, {16385, "crm", false},  {16386, "archive", false}};
  return made;
}

std::string refusal(const store::Manifest& of, const std::vector<std::string>& wanted, ErrorKind kind) {
  return tests::refusal([&] { static_cast<void>(HollowDatabases(of, wanted)); }, kind);
}

TEST(HollowDatabases, AreNoneUnlessSomeAreNamed) {
  const HollowDatabases hollow(manifest(), {});
  EXPECT_FALSE(hollow.any());
  EXPECT_FALSE(hollow.empties("base/16385/2619"));
}

TEST(HollowDatabases, AreAllButTheNamedAndThoseThatAClusterNeeds) {
  const HollowDatabases hollow(manifest(), {"shop"});
  EXPECT_TRUE(hollow.any());
  EXPECT_THAT(hollow.names(), ElementsAre("archive", "crm"));
  for (const auto* const left_out : {"base/16385/2619", "base/16386/16400.1", "base/16385/2619_fsm", "base/16399/2619",
                                     "pg_tblspc/16500/PG_15_202209061/16385/16700_init"}) {
    EXPECT_TRUE(hollow.empties(left_out)) << left_out;
  }
  for (const auto* const kept :
       {"base/16384/2619", "base/1/2619", "base/4/2619", "base/5/2619", "global/1262", "pg_xact/0000", "PG_VERSION",
        "base/16385/pg_filenode.map", "base/16385", "pg_tblspc/16500/PG_15_202209061/16384/16700"}) {
    EXPECT_FALSE(hollow.empties(kept)) << kept;
    EXPECT_FALSE(hollow.removes(kept)) << kept;
  }
  for (const auto* const removed : {"base/16385/PG_VERSION", "pg_tblspc/16500/PG_15_202209061/16385/PG_VERSION"}) {
    EXPECT_TRUE(hollow.removes(removed)) << removed;
  }
  EXPECT_FALSE(hollow.removes("base/16384/PG_VERSION"));
}

TEST(HollowDatabases, OfAnUnknownNameAreRefusedWithTheKnown) {
  EXPECT_THAT(refusal(manifest(), {"shop", "shpo"}, ErrorKind::not_found),
              AllOf(HasSubstr("no database shpo"), HasSubstr("archive, crm, postgres, shop, template0, template1")));
}

TEST(HollowDatabases, WantABackupThatTellsItsDatabases) {
  auto old = manifest();
  old.databases.clear();
  EXPECT_THAT(refusal(old, {"shop"}, ErrorKind::unsupported), HasSubstr("older Lifeboat"));
}

}  // namespace
}  // namespace backup_engine::restore
