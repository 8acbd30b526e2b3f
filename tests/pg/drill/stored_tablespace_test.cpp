// A tablespace that was created since the backup, on the host where its server runs: no drill and no extract may let
// replay make it there again.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "tests/pg/drill/stored_cluster.hpp"

namespace harness::drill {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

TEST(StoredTablespaces, CreatedSinceTheBackupAreNotMadeOverThoseOfTheRunningServer) {
  StoredCluster cluster;
  cluster.run("CREATE TABLE boats (name text PRIMARY KEY)");
  const auto label = cluster.back_up();
  cluster.run("SELECT pg_create_restore_point('before')");
  const auto place = cluster.path("far");
  fs::create_directory(place);
  if (const auto user = server::resolve_server_user("")) {
    ASSERT_EQ(::chown(place.c_str(), user->uid, user->gid), 0);
  }
  cluster.run(fmt::format("CREATE TABLESPACE far LOCATION '{}'", place.string()));
  cluster.run("CREATE TABLE trips (n int) TABLESPACE far");
  cluster.run("INSERT INTO trips SELECT generate_series(1, 1000)");
  cluster.run("CHECKPOINT");
  cluster.wait_until_acknowledged();

  const auto rest = std::string("restore: { kind: full, target: end_of_wal }\nverify: [catalog]\n");
  cluster.write_scenario("newest", ", backup: " + label, rest);
  const auto refused = cluster.drill();
  EXPECT_EQ(refused.code, 2) << refused.words;
  EXPECT_THAT(refused.words,
              AllOf(HasSubstr(place.string()), HasSubstr("CREATE TABLESPACE"), HasSubstr("incremental")));
  EXPECT_EQ(cluster.ask("SELECT count(*) FROM trips"), "1000");

  const auto extract =
      StoredCluster::as_caller({"extract", "--repo", cluster.repository(), "--cluster", "shop", "--table",
                                "public.boats", "--beside", "old", "--into", cluster.conninfo(), "--progress", "none"});
  EXPECT_EQ(extract.code, 3) << extract.words;
  EXPECT_THAT(extract.words, HasSubstr(place.string()));

  // What the message advises: a target before it, and a backup after it.
  fs::remove(cluster.scenarios() / "newest.yaml");
  cluster.write_scenario("before", ", backup: " + label,
                         "restore: { kind: pitr, target: { name: before } }\nverify: [catalog]\n");
  (void)cluster.back_up({"--type", "incremental"});
  cluster.write_scenario("after", "", rest);
  const auto ended = cluster.drill();
  EXPECT_EQ(ended.code, 0) << ended.words;

  // The server reads its own files again: nothing of them was written by another.
  cluster.run("CHECKPOINT");
  EXPECT_EQ(cluster.ask("SELECT count(*) FROM trips"), "1000");
}

}  // namespace
}  // namespace harness::drill
