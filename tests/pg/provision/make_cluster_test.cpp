// New clusters on real servers: who they are, what they are set to, and how the template survives damage.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <thread>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/postgres/control_file.hpp"
#include "harness/provision/provision.hpp"
#include "harness/provision/template_cache.hpp"
#include "harness/server/owned_directory.hpp"
#include "harness/server/server.hpp"
#include "tests/pg/server/test_installation.hpp"

namespace harness::provision {
namespace {

namespace fs = std::filesystem;
using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::read_control_file;
using server::OwnedDirectory;
using server::Server;

class MakeCluster : public testing::Test {
 protected:
  MakeCluster()
      : user_(server::resolve_server_user("")),
        directory_(OwnedDirectory::create("/var/tmp", user_)),
        cache_(directory_.path() / "cache") {
    ::setenv("XDG_CACHE_HOME", cache_.c_str(), 1);
  }
  ~MakeCluster() override { ::unsetenv("XDG_CACHE_HOME"); }

  ClusterOptions options(const std::string& name) const {
    ClusterOptions made;
    made.installation = server::test_installation();
    made.data_directory = directory_.path() / name;
    made.run_as = user_;
    return made;
  }

  Server started(const ClusterOptions& cluster) const {
    server::ServerOptions server;
    server.installation = cluster.installation;
    server.data_directory = cluster.data_directory;
    server.log_file = directory_.path() / (cluster.data_directory.filename().string() + ".log");
    server.run_as = user_;
    auto running = Server::start(server);
    running.wait_until_ready(Deadline::after(std::chrono::minutes(5)));
    return running;
  }

  std::optional<process::OsUser> user_;
  OwnedDirectory directory_;
  fs::path cache_;
};

std::string ask(const Server& server, const std::string& sql) {
  return server.connect().query(sql).single();
}

TEST_F(MakeCluster, GivesEachClusterASystemIdentifierThatItsWalCarries) {
  make_cluster(options("a"));
  make_cluster(options("b"));
  const auto first = read_control_file(directory_.path() / "a").system_identifier;
  const auto second = read_control_file(directory_.path() / "b").system_identifier;
  EXPECT_NE(first, second);
  // A server refuses WAL of another cluster, so a start followed by a crash recovery reads its own pages.
  auto server = started(options("a"));
  EXPECT_EQ(ask(server, "SELECT system_identifier FROM pg_control_system()"), std::to_string(first));
  server.connect().execute("CREATE TABLE kept AS SELECT 1 AS x");
  server.kill();
  server = started(options("a"));
  EXPECT_EQ(ask(server, "SELECT x FROM kept"), "1");
}

TEST_F(MakeCluster, MakesAServerThatSyncsAndSpeaksUtf8) {
  make_cluster(options("a"));
  const auto server = started(options("a"));
  EXPECT_EQ(ask(server, "SHOW fsync"), "on");
  EXPECT_EQ(ask(server, "SHOW server_encoding"), "UTF8");
  EXPECT_EQ(ask(server, "SELECT datcollate FROM pg_database WHERE datname = 'postgres'"), "C.UTF-8");
}

TEST_F(MakeCluster, HasChecksumsWhenTheyAreWanted) {
  auto plain = options("plain");
  plain.checksums = false;
  make_cluster(plain);
  make_cluster(options("summed"));
  EXPECT_FALSE(read_control_file(directory_.path() / "plain").data_checksums);
  EXPECT_TRUE(read_control_file(directory_.path() / "summed").data_checksums);
}

TEST_F(MakeCluster, WritesTheSettingsWithTheirQuotes) {
  auto wanted = options("a");
  wanted.settings = {{"max_connections", "37"}, {"cluster_name", "it's 'quoted'"}, {"wal_level", "logical"}};
  make_cluster(wanted);
  const auto server = started(wanted);
  EXPECT_EQ(ask(server, "SHOW max_connections"), "37");
  EXPECT_EQ(ask(server, "SHOW cluster_name"), "it's 'quoted'");
}

TEST_F(MakeCluster, LeavesADirectoryThatIsThereAlone) {
  const auto occupied = directory_.path() / "a";
  fs::create_directory(occupied);
  std::ofstream(occupied / "precious") << "keep me";
  try {
    make_cluster(options("a"));
    FAIL() << "it overwrote a directory";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::already_exists);
  }
  EXPECT_TRUE(fs::exists(occupied / "precious"));
}

TEST_F(MakeCluster, RemakesATemplateWithADamagedFile) {
  make_cluster(options("a"));
  const auto victim = template_directory() / template_name(options("a")) / "data" / "PG_VERSION";
  std::ofstream(victim) << "99\n";
  make_cluster(options("b"));
  EXPECT_EQ(backup_engine::base::read_file(directory_.path() / "b" / "PG_VERSION"),
            backup_engine::base::read_file(directory_.path() / "a" / "PG_VERSION"));
  (void)started(options("b"));
}

TEST_F(MakeCluster, RemakesATemplateWithAMissingFileOrList) {
  make_cluster(options("a"));
  const auto made = template_directory() / template_name(options("a"));
  fs::remove(made / "data" / "global" / "pg_control");
  make_cluster(options("b"));
  fs::resize_file(made / "files", fs::file_size(made / "files") - 1 - std::string("end 999").size());
  make_cluster(options("c"));
  EXPECT_TRUE(fs::exists(directory_.path() / "c" / "global" / "pg_control"));
}

TEST_F(MakeCluster, MakesOneTemplateForManyAtOnce) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this, i] { make_cluster(options("c" + std::to_string(i))); });
  }
  threads.clear();
  std::vector<std::uint64_t> identifiers;
  for (int i = 0; i < 4; ++i) {
    identifiers.push_back(read_control_file(directory_.path() / ("c" + std::to_string(i))).system_identifier);
  }
  EXPECT_EQ(std::set<std::uint64_t>(identifiers.begin(), identifiers.end()).size(), 4U);
  std::size_t templates = 0;
  for (const auto& entry : fs::directory_iterator(template_directory())) templates += entry.is_directory() ? 1U : 0U;
  EXPECT_EQ(templates, 1U);
}

}  // namespace
}  // namespace harness::provision
