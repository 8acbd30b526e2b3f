// The server that partial restores take from: recovered, quarantined, changeable, and gone without a trace.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/restore/scratch.hpp"
#include "tests/pg/backup/backed_up_cluster.hpp"
#include "tests/support/failure.hpp"

namespace harness::restore {
namespace {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
using backup_engine::base::ErrorKind;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

class ScratchServer : public backup_engine::BackedUpCluster {
 protected:
  ScratchServer() {
    fs::create_directory(parent());
    fs::permissions(parent(), fs::perms(0755));
  }

  [[nodiscard]] fs::path parent() const { return directory_.path() / "work"; }

  [[nodiscard]] ScratchOrder order() const {
    ScratchOrder made;
    made.files.repository = repository();
    made.files.cluster = "main";
    made.files.lifeboat = directory_.path() / "wal_fetch_command";
    made.files.jobs = 2;
    made.installation = source_->options().installation;
    made.run_as = user_;
    made.parent = parent();
    return made;
  }

  [[nodiscard]] std::vector<std::string> left_behind() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(parent())) found.push_back(entry.path());
    for (const auto pid : server::servers_on(parent())) found.push_back(std::to_string(pid));
    return found;
  }

  // A table in a tablespace, one row before the restore point and one after it.
  void make_history() {
    const auto tablespace = directory_.path() / "tablespace";
    fs::create_directory(tablespace);
    if (user_) {
      ASSERT_EQ(::chown(tablespace.c_str(), user_->uid, user_->gid), 0);
    }
    run(fmt::format("CREATE TABLESPACE far LOCATION '{}'", tablespace.string()));
    run("CREATE TABLE boats (name text) TABLESPACE far");
    back_up();
    run("INSERT INTO boats VALUES ('before')");
    run("SELECT pg_create_restore_point('mark')");
    run("INSERT INTO boats VALUES ('after')");
    lose_source();
    let_server_user_read_repository();
  }

  Scratch made(const ScratchOrder& wanted) {
    try {
      return Scratch::make(wanted, progress_, {});
    } catch (const base::Error& error) {
      ADD_FAILURE() << describe(error);
      throw;
    }
  }

  base::NoProgress progress_;
};

TEST_F(ScratchServer, IsRecoveredToItsTargetChangeableAndGoneAfterwards) {
  start_source();
  receive_wal();
  // The source lets nobody in; it does not read this before it is told to.
  std::ofstream(data() / "pg_hba.conf") << "local all all reject\n";
  make_history();

  auto wanted = order();
  wanted.files.target.stop = Stop::name;
  wanted.files.target.value = "mark";
  auto scratch = made(wanted);
  {
    auto connection = scratch.server().connect();
    EXPECT_EQ(connection.query("SELECT string_agg(name, ',') FROM boats").single(), "before");
    EXPECT_EQ(connection.query("SHOW archive_mode").single(), "off");
    connection.execute("ALTER TABLE boats RENAME TO boats_old");
    EXPECT_THAT(
        connection.query("SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname = 'far'").single(),
        HasSubstr(parent().string()));
  }
  EXPECT_FALSE(fs::is_empty(directory_.path() / "tablespace")) << "the source's own one";
  EXPECT_EQ(scratch.remove(), "");
  EXPECT_THAT(left_behind(), IsEmpty());
}

TEST_F(ScratchServer, HoldsOnlyTheDatabaseThatIsWanted) {
  start_source();
  receive_wal();
  run("CREATE DATABASE wanted");
  run("CREATE DATABASE other");
  source_->connect("wanted").execute("CREATE TABLE t AS SELECT n FROM generate_series(1, 1000) AS n");
  source_->connect("other").execute("CREATE TABLE t AS SELECT n FROM generate_series(1, 1000) AS n");
  const auto oid = ask("SELECT oid FROM pg_database WHERE datname = 'wanted'");
  back_up();
  source_->connect("other").execute("INSERT INTO t SELECT n FROM generate_series(1, 1000) AS n");
  run("CREATE DATABASE newer");
  source_->connect("newer").execute("CREATE TABLE t AS SELECT 7 AS n");
  lose_source();
  let_server_user_read_repository();

  auto wanted = order();
  wanted.files.databases = {"wanted"};
  {
    auto scratch = made(wanted);
    EXPECT_EQ(scratch.server().connect("wanted").query("SELECT count(*) FROM t").single(), "1000");
    EXPECT_EQ(tests::kind_of_failure([&] { (void)scratch.server().connect("other"); }), ErrorKind::connection);
  }
  EXPECT_THAT(left_behind(), IsEmpty());

  // Made after the backup: all of it is in the WAL.
  wanted.files.databases = {"newer"};
  EXPECT_EQ(made(wanted).server().connect("newer").query("SELECT n FROM t").single(), "7");

  // What replay says when the backup lacks a page of the very database that is wanted.
  wanted.files.databases = {"wanted"};
  wanted.log_file = directory_.path() / "scratch.log";
  std::ofstream(wanted.log_file) << "WARNING:  page 3 of relation base/" << oid << "/16384 does not exist\n";
  if (user_) {
    ASSERT_EQ(::chown(wanted.log_file.c_str(), user_->uid, user_->gid), 0);
  }
  std::string message;
  EXPECT_EQ(tests::kind_of_failure([&] { (void)Scratch::make(wanted, progress_, {}); }, &message), ErrorKind::corrupt);
  EXPECT_THAT(message, AllOf(HasSubstr("wanted"), HasSubstr("page 3 of relation base/" + oid + "/16384")));
  EXPECT_THAT(left_behind(), IsEmpty());
}

TEST_F(ScratchServer, IsServedTheWalOfARepositoryThatItsUserCannotRead) {
  if (!user_) return;  // only root has another user to run servers as
  start_source();
  receive_wal();
  make_history();
  fs::permissions(repository(), fs::perms(0700));
  ASSERT_EQ(::chown(repository().c_str(), 0, 0), 0);
  auto scratch = made(order());
  EXPECT_EQ(scratch.server().connect().query("SELECT string_agg(name, ',' ORDER BY name) FROM boats").single(),
            "after,before");
  EXPECT_EQ(scratch.remove(), "");
  EXPECT_THAT(left_behind(), IsEmpty());
}

TEST_F(ScratchServer, LeavesNothingWhenItsTargetIsNotReached) {
  start_source();
  receive_wal();
  make_history();
  auto wanted = order();
  wanted.files.target.stop = Stop::name;
  wanted.files.target.value = "no-such-mark";
  EXPECT_EQ(tests::kind_of_failure([&] { (void)Scratch::make(wanted, progress_, {}); }), ErrorKind::not_found);
  EXPECT_THAT(left_behind(), IsEmpty());
}

TEST_F(ScratchServer, LeavesNothingWhenItIsInterrupted) {
  start_source();
  receive_wal();
  make_history();
  std::stop_source stop;
  struct StopsAtOnce final : base::Progress {
    explicit StopsAtOnce(std::stop_source& source) : source_(source) {}
    void begin(std::string_view, std::uint64_t) override {}
    void advance(std::uint64_t) override { source_.request_stop(); }
    void end() override {}
    std::stop_source& source_;
  } progress(stop);
  EXPECT_EQ(tests::kind_of_failure([&] { (void)Scratch::make(order(), progress, stop.get_token()); }),
            ErrorKind::interrupted);
  EXPECT_THAT(left_behind(), IsEmpty());
}

}  // namespace
}  // namespace harness::restore
