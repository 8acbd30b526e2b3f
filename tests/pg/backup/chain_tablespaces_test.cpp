// Chains of clusters with tablespaces that come and go, and tables that move between them.
#include <unistd.h>

#include "tests/pg/backup/chained_cluster.hpp"

namespace backup_engine {
namespace {

namespace fs = std::filesystem;

class ChainOfTablespaces : public ChainedCluster, public testing::WithParamInterface<bool> {
 protected:
  ChainOfTablespaces() { streaming_ = GetParam(); }

  void make_space(const std::string& name) {
    const auto space = directory_.path() / name;
    fs::create_directory(space);
    if (user_) {
      ASSERT_EQ(::chown(space.c_str(), user_->uid, user_->gid), 0);
    }
    run("CREATE TABLESPACE " + name + " LOCATION '" + space.string() + "'");
  }
};

}  // namespace

TEST_P(ChainOfTablespaces, FollowsThoseThatComeAndGo) {
  const std::string all =
      "SELECT (SELECT string_agg(spcname, ',' ORDER BY spcname) FROM pg_tablespace WHERE spcname !~ '^pg_') || ' ' || "
      "(SELECT count(*) || ':' || sum(i) FROM moved) || ' ' || (" +
      digest_ + ")";
  start_source();
  receive_wal();
  make_rows();
  make_space("first");
  make_space("second");
  run("CREATE TABLE moved WITH (autovacuum_enabled = false) TABLESPACE first AS SELECT generate_series(1, 50000) i");
  run("CREATE TABLE dropped TABLESPACE second AS SELECT generate_series(1, 50000) i");
  const auto full = take(BackupType::full);
  const auto in_full = ask(all);
  run("DROP TABLE dropped");
  run("DROP TABLESPACE second");
  make_space("third");
  run("ALTER TABLE moved SET TABLESPACE third");
  run("ALTER TABLE rows SET TABLESPACE first");
  const auto changed = take(BackupType::incremental);
  const auto unchanged = take(BackupType::incremental);
  const auto in_unchanged = ask(all);
  lose_source();

  EXPECT_LT(unchanged.stored_bytes, changed.stored_bytes / 4);
  EXPECT_EQ(in_full.substr(0, 13), "first,second ");
  EXPECT_EQ(in_unchanged.substr(0, 12), "first,third ");
  EXPECT_EQ(in_backup(unchanged.label, all), in_unchanged);
  EXPECT_EQ(in_backup(full.label, all), in_full);
}

INSTANTIATE_TEST_SUITE_P(Sources, ChainOfTablespaces, testing::Bool(),
                         [](const auto& chosen) { return std::string(chosen.param ? "Stream" : "Files"); });

}  // namespace backup_engine
