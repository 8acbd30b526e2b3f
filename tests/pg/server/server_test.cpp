#include "harness/server/server.hpp"

#include <gmock/gmock.h>
#include <sys/shm.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/server/process_tree.hpp"
#include "harness/server/quarantine.hpp"
#include "harness/server/resource_meter.hpp"
#include "tests/pg/server/disposable_cluster.hpp"

namespace harness::server {
namespace {

namespace fs = std::filesystem;
using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::base::read_file;
using testing::HasSubstr;
using testing::IsEmpty;

class ServerTest : public DisposableCluster {};

std::string ask(const Server& server, const std::string& sql) {
  return server.connect().query(sql).single();
}

TEST_F(ServerTest, AnswersOnAPrivateSocketOnly) {
  const auto server = started(options());
  EXPECT_EQ(ask(server, "SHOW listen_addresses"), "");
  EXPECT_EQ(ask(server, "SHOW fsync"), "on");
  EXPECT_EQ(fs::status(server.socket_directory()).permissions(), fs::perms::owner_all);
  EXPECT_EQ(ask(server, "SELECT current_user"), "postgres");
}

TEST_F(ServerTest, RunsTwoAtOnce) {
  const auto first = started(options("a"));
  const auto second = started(options("b"));
  EXPECT_NE(ask(first, "SHOW data_directory"), ask(second, "SHOW data_directory"));
}

TEST_F(ServerTest, TakesSettingsWithoutTouchingTheFiles) {
  auto wanted = options();
  const auto before = read_file(wanted.data_directory / "postgresql.conf");
  wanted.settings = {{"work_mem", "7MB"}, {"cluster_name", "two words"}, {"listen_addresses", "*"}};
  const auto server = started(wanted);
  EXPECT_EQ(ask(server, "SHOW work_mem"), "7MB");
  EXPECT_EQ(ask(server, "SHOW cluster_name"), "two words");
  EXPECT_EQ(ask(server, "SHOW listen_addresses"), "") << "nobody may open it to the network";
  EXPECT_EQ(read_file(wanted.data_directory / "postgresql.conf"), before);
}

TEST_F(ServerTest, NeverFollowsAnotherDataDirectoryNamedInItsFiles) {
  const auto wanted = options("a");
  const auto other = options("b");
  std::ofstream(wanted.data_directory / "postgresql.conf", std::ios::app)
      << "data_directory = '" << other.data_directory.string() << "'\n";
  const auto server = started(wanted);
  EXPECT_EQ(ask(server, "SHOW data_directory"), wanted.data_directory.string());
}

TEST_F(ServerTest, TellsWhyItEndedBeforeItAnswered) {
  auto wanted = options();
  wanted.settings = {{"shared_buffers", "many"}};
  auto server = Server::start(wanted);
  try {
    server.wait_until_ready(soon());
    FAIL() << "it answered";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::process);
    EXPECT_THAT(error.what(), HasSubstr(wanted.data_directory.string()));
    EXPECT_THAT(error.log_tail(), HasSubstr("invalid value for parameter \"shared_buffers\""));
  }
}

TEST_F(ServerTest, WaitsNoLongerThanItsDeadlineOrAStopRequest) {
  auto server = Server::start(options());
  std::stop_source stop;
  stop.request_stop();
  try {
    server.wait_until_ready(soon(), stop.get_token());  // may be ready at the first look
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::interrupted);
  }
}

TEST_F(ServerTest, StopsInEachMode) {
  for (const auto mode : {StopMode::smart, StopMode::fast, StopMode::immediate}) {
    auto server = started(options());
    server.stop(mode, soon());
    EXPECT_FALSE(server.running());
    EXPECT_THAT(servers_on(options().data_directory), IsEmpty());
  }
}

TEST_F(ServerTest, ReportsAStopThatTakesTooLong) {
  auto server = started(options());
  const auto open = server.connect();  // smart waits for it
  try {
    server.stop(StopMode::smart, Deadline::after(std::chrono::seconds(3)));
    FAIL() << "it stopped under a client";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::timed_out);
    EXPECT_THAT(error.log_tail(), HasSubstr("received smart shutdown request"));
  }
}

TEST_F(ServerTest, KillsEveryProcessAndFreesItsSharedMemory) {
  const auto wanted = options();
  auto server = started(wanted);
  auto connection = server.connect();
  connection.execute("CREATE TABLE t AS SELECT generate_series(1, 1000) AS x");
  const auto tree = ProcessTree::of(server.pid());
  ASSERT_GE(tree.pids().size(), 5U) << "postmaster, its workers and the session";
  std::istringstream lines(read_file(wanted.data_directory / "postmaster.pid"));
  std::string line;
  for (int i = 0; i < 7; ++i) std::getline(lines, line);
  const int segment = std::stoi(line.substr(line.find_last_of(' ')));
  shmid_ds info{};
  ASSERT_EQ(::shmctl(segment, IPC_STAT, &info), 0);

  server.kill();

  EXPECT_FALSE(server.running());
  EXPECT_NO_THROW(tree.wait_until_gone(Deadline::after(std::chrono::seconds(0))));
  EXPECT_THAT(servers_on(wanted.data_directory), IsEmpty());
  EXPECT_EQ(::shmctl(segment, IPC_STAT, &info), -1);
  EXPECT_TRUE(fs::exists(wanted.data_directory / "postmaster.pid")) << "a kill cleans nothing up";
  EXPECT_THROW(connection.query("SELECT 1"), Error);
}

TEST_F(ServerTest, KilledKeepsWhatWasCommitted) {
  auto server = started(options());
  server.connect().execute("CREATE TABLE kept AS SELECT 42 AS answer");
  server.kill();
  server = started(options());
  EXPECT_EQ(ask(server, "SELECT answer FROM kept"), "42");
}

TEST_F(ServerTest, GoesWithItsOwnerOnAnException) {
  const auto wanted = options();
  fs::path socket_directory;
  try {
    const auto server = started(wanted);
    socket_directory = server.socket_directory();
    throw std::runtime_error("the drill broke");
  } catch (const std::runtime_error&) {
    EXPECT_THAT(servers_on(wanted.data_directory), IsEmpty());
    EXPECT_FALSE(fs::exists(socket_directory));
  }
}

TEST_F(ServerTest, RefusesASocketPathThatIsTooLong) {
  auto wanted = options();
  wanted.socket_parent = directory_.path() / std::string(90, 'x');
  try {
    (void)Server::start(wanted);
    FAIL() << "it started";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.what(), HasSubstr("too long"));
    EXPECT_THAT(error.remedy(), HasSubstr("XDG_RUNTIME_DIR"));
  }
}

TEST_F(ServerTest, RefusesADirectoryWithoutACluster) {
  auto wanted = options();
  wanted.data_directory = directory_.path();
  EXPECT_THROW((void)Server::start(wanted), Error);
}

TEST_F(ServerTest, StartsUnderQuarantine) {
  auto wanted = options();
  // Each of these stops or endangers a restored server that is not quarantined.
  std::ofstream(wanted.data_directory / "postgresql.conf", std::ios::app)
      << "shared_preload_libraries = 'no_such_library'\nexternal_pid_file = '/no/such/directory/pid'\n"
      << "archive_mode = on\narchive_command = 'false'\nssl = on\nssl_key_file = '/no/such/key'\n"
      << "synchronous_standby_names = 'far_away'\nlogging_collector = on\nlog_directory = '/no/such/directory'\n";
  wanted.settings = quarantine_settings(wanted.installation.version.major());
  const auto server = started(wanted);
  for (const auto& [name, value] : wanted.settings) EXPECT_EQ(ask(server, "SHOW " + name), value) << name;
  server.connect().execute("CREATE TABLE committed (x int)");
}

TEST_F(ServerTest, DoesNotStartWithoutQuarantineWhereItNeedsIt) {
  const auto wanted = options();
  std::ofstream(wanted.data_directory / "postgresql.conf", std::ios::app)
      << "shared_preload_libraries = 'no_such_library'\n";
  auto server = Server::start(wanted);
  EXPECT_THROW(server.wait_until_ready(soon()), Error);
}

TEST_F(ServerTest, IsMeteredWithItsChildren) {
  const auto server = started(options());
  ResourceMeter meter(::getpid());
  server.connect().execute("CREATE TABLE t AS SELECT g, md5(g::text) FROM generate_series(1, 300000) g; CHECKPOINT");
  const auto use = meter.lap();
  EXPECT_GT(use.cpu_seconds, 0.0);
  EXPECT_GT(use.written_bytes, 10'000'000U);
  EXPECT_GT(use.peak_memory_bytes, 5'000'000U);
  const auto idle = meter.lap();
  EXPECT_LT(idle.written_bytes, use.written_bytes);
}

}  // namespace
}  // namespace harness::server
