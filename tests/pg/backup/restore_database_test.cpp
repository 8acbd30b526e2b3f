// Some databases of a cluster come back whole and the others as zeros: replay runs over them, whatever the load did in
// them, and what was not asked for takes no space.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <atomic>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "tests/pg/backup/backed_up_cluster.hpp"

namespace backup_engine {
namespace {

namespace fs = std::filesystem;
using base::Error;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class RestoreDatabase : public BackedUpCluster {
 protected:
  // Without checksums some records carry no image of a page that they read: the harder case for replay.
  void start_without_checksums() {
    harness::provision::make_cluster({.installation = options("unused").installation,
                                      .data_directory = data(),
                                      .checksums = false,
                                      .settings = {{"wal_level", "replica"}, {"autovacuum", "off"}},
                                      .run_as = user_});
    start_source();
    receive_wal();
  }
  void make_databases() {
    for (const auto* const name : {"wanted", "other", "templated"}) {
      run(std::string("CREATE DATABASE ") + name);
      auto session = source_->connect(name);
      session.execute("CREATE TABLE t (i int PRIMARY KEY, filling text) WITH (fillfactor = 50)");
      session.execute("CREATE INDEX by_hash ON t USING hash (i); CREATE INDEX by_text ON t (filling)");
      session.execute("INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i");
      session.execute("CREATE TABLE shrinking AS SELECT generate_series(1, 50000) AS i");
    }
    run("CHECKPOINT");
  }
  // Every way in which a relation changes: pages, size, other files; freezing and pruning; in hash indexes too.
  void work_in(const std::string& database, int round) {
    auto session = source_->connect(database);
    const auto from = std::to_string(100000 + round * 5000), to = std::to_string(100000 + round * 5000 + 3000);
    session.execute("INSERT INTO t SELECT i, md5(i::text) FROM generate_series(" + from + ", " + to + ") i");
    session.execute("UPDATE t SET filling = 'changed' WHERE i % 7 = " + std::to_string(round % 7));
    session.execute("DELETE FROM t WHERE i % 11 = " + std::to_string(round % 11));
    session.execute("VACUUM (FREEZE, INDEX_CLEANUP ON) t");
    session.execute("DELETE FROM shrinking WHERE i > " + std::to_string(40000 - round * 5000));
    session.execute("VACUUM (TRUNCATE ON) shrinking");
    session.execute("CREATE TABLE new_" + std::to_string(round) + " AS SELECT * FROM t WHERE i < 500");
    session.execute("REINDEX INDEX by_text");
  }
  static std::string digest(const harness::server::Server& server, const std::string& database) {
    return server.connect(database)
        .query("SELECT md5(string_agg(i || filling, ',' ORDER BY i)) || (SELECT count(*) FROM shrinking) FROM t")
        .single();
  }
  static std::string failure_of_connecting(const harness::server::Server& server, const std::string& database) {
    try {
      return server.connect(database).query("SELECT 'connected'").single();
    } catch (const Error& error) {
      return error.what();
    }
  }
  std::uint64_t blocks_in(const std::string& oid) const {
    std::uint64_t blocks = 0;
    for (const auto& file : fs::directory_iterator(restored() / "base" / oid)) {
      struct stat status {};
      EXPECT_EQ(::stat(file.path().c_str(), &status), 0);
      const auto name = file.path().filename().string();
      if (name != "PG_VERSION" && name != "pg_filenode.map") blocks += static_cast<std::uint64_t>(status.st_blocks);
    }
    return blocks;
  }
  RestoreResult restore_files(const RestoreRequest& request) {
    let_server_user_read_repository();
    base::NoProgress progress;
    return restore_backup(request, progress);
  }
};

TEST_F(RestoreDatabase, BringsBackTheNamedOneAndLeavesTheOthersHollow) {
  start_without_checksums();
  make_databases();
  const auto oid = ask("SELECT oid FROM pg_database WHERE datname = 'other'");
  std::atomic<int> rounds = 0;
  std::jthread load([&](const std::stop_token& stop) {
    for (int round = 0; !stop.stop_requested() || round < 3; ++round, ++rounds) work_in("other", round);
  });
  static_cast<void>(back_up());
  load.request_stop();
  load.join();
  for (int round = rounds; round < rounds + 3; ++round) {
    work_in("wanted", round);
    work_in("other", round);
  }
  run("CREATE DATABASE later");
  source_->connect("later").execute("CREATE TABLE t AS SELECT 5 AS i");
  const auto before = digest(*source_, "wanted");
  lose_source();

  auto request = restore_request();
  request.databases = {"wanted"};
  const auto result = restore_files(request);
  EXPECT_EQ(blocks_in(oid), 0U) << "no space is taken";
  EXPECT_LT(result.restored_bytes, 60U * 1000 * 1000);
  EXPECT_FALSE(fs::exists(restored() / "backup_manifest")) << "it would vouch for files that are not there";
  EXPECT_THAT(result.notes, Contains(AllOf(HasSubstr("not usable: other, templated."), HasSubstr("DROP DATABASE"))));

  auto server = start_restored({{"autovacuum", "off"}});
  wait_until_promoted(server);
  EXPECT_EQ(digest(server, "wanted"), before);
  EXPECT_EQ(server.connect("later").query("SELECT i FROM t").single(), "5") << "made of WAL alone";
  EXPECT_EQ(server.connect("template1").query("SELECT count(*) > 300 FROM pg_class").single(), "t");
  EXPECT_THAT(failure_of_connecting(server, "other"), HasSubstr("PG_VERSION\" is missing"));
  auto session = server.connect();
  session.execute("DROP DATABASE other");
  session.execute("DROP DATABASE templated");
  EXPECT_FALSE(fs::exists(restored() / "base" / oid));
  // What replay passed over lies in the hollow databases and nowhere else.
  const auto wanted_oid = session.query("SELECT oid FROM pg_database WHERE datname = 'wanted'").single();
  EXPECT_THAT(base::read_file(directory_.path() / "restored.log"),
              Not(HasSubstr("of relation base/" + wanted_oid + "/")));
}

// Why ignore_invalid_pages is set: PostgreSQL would end with PANIC at a page that a record reads and carries no image
// of.
TEST_F(RestoreDatabase, WouldNotRecoverWithoutPassingOverMissingPages) {
  start_without_checksums();
  make_databases();
  static_cast<void>(back_up());
  auto other = source_->connect("other");
  other.execute("VACUUM t");                        // marks pages all-visible that nothing else changed
  other.execute("INSERT INTO t VALUES (-1, 'x')");  // and so the marks are flushed
  lose_source();
  auto request = restore_request();
  request.databases = {"wanted"};
  static_cast<void>(restore_files(request));
  try {
    auto wanted = restored_options();
    wanted.settings["ignore_invalid_pages"] = "off";
    auto server = started(wanted);
    wait_until_promoted(server);
    ADD_FAILURE() << "recovered: the setting is not needed";
  } catch (const Error& error) {
    EXPECT_THAT(base::read_file(directory_.path() / "restored.log"), HasSubstr("references to invalid pages"));
  }
}

// Why PG_VERSION is taken away.
TEST_F(RestoreDatabase, WouldLetOneConnectionTakeTheServerDown) {
  start_without_checksums();
  run("CREATE DATABASE other");
  static_cast<void>(back_up());
  const auto oid = ask("SELECT oid FROM pg_database WHERE datname = 'other'");
  lose_source();
  auto request = restore_request();
  request.databases = {"postgres"};
  static_cast<void>(restore_files(request));
  fs::copy_file(restored() / "PG_VERSION", restored() / "base" / oid / "PG_VERSION");
  if (user_) {
    ASSERT_EQ(::chown((restored() / "base" / oid / "PG_VERSION").c_str(), user_->uid, user_->gid), 0);
  }
  auto server = start_restored();
  wait_until_promoted(server);
  EXPECT_NE(failure_of_connecting(server, "other"), "connected");
  EXPECT_THAT(base::read_file(directory_.path() / "restored.log"), HasSubstr("PANIC"));
}

TEST_F(RestoreDatabase, NamesTheDatabasesThatTheBackupHolds) {
  start_source();
  receive_wal();
  run("CREATE DATABASE wanted");
  static_cast<void>(back_up());
  auto request = restore_request();
  request.databases = {"wanted", "wnated"};
  try {
    static_cast<void>(restore_files(request));
    ADD_FAILURE() << "was not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::not_found);
    EXPECT_THAT(describe(error),
                AllOf(HasSubstr("no database wnated"), HasSubstr("postgres, template0, template1, wanted"),
                      HasSubstr("created after the backup")));
  }
  EXPECT_FALSE(fs::exists(restored()));
}

}  // namespace
}  // namespace backup_engine
