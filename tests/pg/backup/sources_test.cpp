// Read by path or sent by the server: the same backup, and the same server comes back from it.
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <thread>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/store/backup_reader.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "tests/pg/backup/backed_up_cluster.hpp"

namespace backup_engine {
namespace {

namespace fs = std::filesystem;
using harness::server::Server;
using harness::server::ServerOptions;
using harness::server::StopMode;
using testing::HasSubstr;

std::string ask_of(const Server& server, const std::string& sql) {
  return server.connect().query(sql).single();
}

class Sources : public BackedUpCluster {
 protected:
  void give_to_server_user(const fs::path& path) const {
    if (user_) {
      ASSERT_EQ(::chown(path.c_str(), user_->uid, user_->gid), 0);
    }
  }
  [[nodiscard]] fs::path make_space(const std::string& name) const {
    const auto space = directory_.path() / name;
    fs::create_directory(space);
    give_to_server_user(space);
    return space;
  }
  // A table in each kind of tablespace; false where the server has no in-place ones.
  void make_tablespaces(const fs::path& space) {
    auto session = source_->connect();
    session.execute("CREATE TABLESPACE fast LOCATION '" + space.string() + "'");
    session.execute("SET allow_in_place_tablespaces = on");
    session.execute("CREATE TABLESPACE inplace LOCATION ''");
    session.execute("CREATE TABLE far TABLESPACE fast AS SELECT generate_series(1, 5000) i");
    session.execute("CREATE TABLE inside TABLESPACE inplace AS SELECT generate_series(1, 3000) i");
  }

  // One line for each entry of a backup; what differs between two backups of the same files is left out.
  [[nodiscard]] std::vector<std::string> contents_of(const std::string& label) const {
    const auto storage = store::open_repository({repository().string()});
    const store::BackupReader reader(*storage, "main", label);
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < reader.files().size(); ++i) {
      const auto entry = reader.files().entry(i);
      auto line = entry.path + " kind " + std::to_string(static_cast<int>(entry.kind)) + " mode " +
                  std::to_string(entry.mode) + " owner " + std::to_string(entry.uid) + ":" + std::to_string(entry.gid) +
                  " -> " + entry.link_target;
      const bool of_this_backup = entry.path == "backup_label" || entry.path == "backup_manifest" ||
                                  entry.path == "global/pg_control" || entry.kind != store::FileKind::file;
      if (!of_this_backup) line += " " + std::to_string(entry.size_bytes) + " crc " + std::to_string(entry.crc32c);
      lines.push_back(line);
    }
    return lines;
  }
  static std::vector<std::string> lines_only_in(const std::vector<std::string>& lines,
                                                const std::vector<std::string>& others) {
    std::vector<std::string> only;
    std::copy_if(lines.begin(), lines.end(), std::back_inserter(only), [&](const std::string& line) {
      return std::find(others.begin(), others.end(), line) == others.end();
    });
    return only;
  }
  [[nodiscard]] store::Manifest manifest_of(const std::string& label) const {
    return store::read_manifest(*store::open_repository({repository().string()}), "main", label);
  }
};

// At this rate the backup would take hours: that it waits, and can be interrupted as it does, shows in either source.
TEST_F(Sources, AreHeldBackByTheRateAskedFor) {
  start_source();
  receive_wal();
  for (const bool stream : {false, true}) {
    streaming_ = stream;
    auto request = backup_request();
    request.max_bytes_per_second = 1000;
    std::stop_source stop;
    std::atomic<int> waits = 0;
    request.on_held_back = [&](std::chrono::nanoseconds) {
      ++waits;
      stop.request_stop();
    };
    base::NoProgress progress;
    try {
      static_cast<void>(take_backup(request, progress, stop.get_token()));
      ADD_FAILURE() << "went at full speed";
    } catch (const base::Error& error) {
      EXPECT_EQ(error.kind(), base::ErrorKind::interrupted) << error.what();
    }
    EXPECT_GT(waits, 0) << (stream ? "stream" : "files");
    request.max_bytes_per_second = 100'000'000'000;
    waits = 0;
    static_cast<void>(take_backup(request, progress));
    EXPECT_EQ(waits, 0) << (stream ? "stream" : "files");
  }
}

TEST_F(Sources, HoldTheSameOfTheSameServer) {
  auto wanted = options();
  wanted.settings = {{"autovacuum", "off"}};
  // Its files are the running server's.
  if (wanted.installation.version.major() >= 17) wanted.settings["summarize_wal"] = "on";
  start_source(wanted);
  receive_wal();
  const auto space = make_space("space");
  make_tablespaces(space);
  run("CREATE DATABASE shop; ");
  auto session = source_->connect();
  session.execute(
      "CREATE UNLOGGED TABLE unlogged AS SELECT generate_series(1, 1000) i; CREATE TEMP TABLE gone AS SELECT 1");
  session.execute("CREATE TABLE empty (i int); SELECT * FROM pg_database; CHECKPOINT");
  std::ofstream(data() / std::string(99, 'n')) << "a name as long as tar's";
  std::ofstream(data() / "nothing in it");
  fs::create_directory(data() / "of the operator");
  for (const auto* const name : {"nothing in it", "of the operator"}) give_to_server_user(data() / name);
  give_to_server_user(data() / std::string(99, 'n'));

  const auto by_path = back_up();
  streaming_ = true;
  const auto streamed = back_up();
  EXPECT_EQ(by_path.summary.source, "files");
  EXPECT_EQ(streamed.summary.source, "stream");
  const auto has = contents_of(streamed.summary.label), should_have = contents_of(by_path.summary.label);
  EXPECT_THAT(lines_only_in(has, should_have), testing::IsEmpty());
  EXPECT_THAT(lines_only_in(should_have, has), testing::IsEmpty());
  EXPECT_EQ(streamed.summary.file_count, by_path.summary.file_count);

  const auto first = manifest_of(by_path.summary.label), second = manifest_of(streamed.summary.label);
  EXPECT_EQ(second.tablespace_map_text, first.tablespace_map_text);
  ASSERT_EQ(second.tablespaces.size(), 1U);
  EXPECT_EQ(second.tablespaces[0].path, space.string());
  EXPECT_EQ(second.tablespaces[0].oid, first.tablespaces.at(0).oid);
  EXPECT_EQ(second.databases, first.databases);
  EXPECT_THAT(second.backup_label_text, HasSubstr("LABEL: lifeboat " + streamed.summary.label));
  EXPECT_EQ(second.summary.data_checksums, true);
  EXPECT_EQ(second.summary.postgres_major, options().installation.version.major());
  EXPECT_GT(second.summary.stopped_at, first.summary.stopped_at);
  lose_source();
}

class EachSource : public Sources, public testing::WithParamInterface<const char*> {
 protected:
  EachSource() { streaming_ = std::string(GetParam()) == "stream"; }
};
INSTANTIATE_TEST_SUITE_P(Of, EachSource, testing::Values("files", "stream"),
                         [](const auto& source) { return std::string(source.param); });

TEST_P(EachSource, BringsBackEveryCommitThatWasMadeMeanwhile) {
  start_source();
  receive_wal();
  run("CREATE TABLE load (i int PRIMARY KEY, filling text)");
  std::atomic<int> acknowledged = 0;
  auto session = source_->connect();
  std::jthread load([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      session.execute("INSERT INTO load VALUES (" + std::to_string(acknowledged) + ", repeat('x', 2000))");
      ++acknowledged;
    }
  });
  static_cast<void>(back_up());
  EXPECT_GT(acknowledged, 0);
  load.request_stop();
  load.join();
  lose_source();
  restore(restore_request());
  auto server = start_restored();
  wait_until_promoted(server);
  EXPECT_EQ(ask_of(server, "SELECT count(*) FROM load"), std::to_string(acknowledged));
  EXPECT_EQ(ask_of(server, "SELECT max(i) FROM load"), std::to_string(acknowledged - 1));
}

TEST_P(EachSource, BringsBackTablespacesOfBothKinds) {
  const auto space = make_space("space"), elsewhere = directory_.path() / "elsewhere";
  start_source();
  receive_wal();
  make_tablespaces(space);
  run("CREATE UNLOGGED TABLE unlogged AS SELECT generate_series(1, 1000) i; CHECKPOINT");
  static_cast<void>(back_up());
  lose_source();
  fs::rename(space, directory_.path() / "space-of-the-source");
  auto request = restore_request();
  request.tablespace_map = {{space, elsewhere}};
  restore(request);
  auto server = start_restored({{"allow_in_place_tablespaces", "on"}});  // or PostgreSQL refuses them
  wait_until_promoted(server);
  EXPECT_EQ(ask_of(server, "SELECT count(*) FROM far"), "5000");
  EXPECT_EQ(ask_of(server, "SELECT count(*) FROM inside"), "3000");
  EXPECT_EQ(ask_of(server, "SELECT count(*) FROM unlogged"), "0") << "unlogged tables come back empty";
  EXPECT_EQ(ask_of(server, "SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname = 'fast'"),
            elsewhere.string());
}

TEST_P(EachSource, FindsAndNamesDamagedPagesAndKeepsThem) {
  start_source();
  run("CREATE TABLE t AS SELECT i, md5(i::text) FROM generate_series(1, 5000) i");
  const auto path = ask("SELECT pg_relation_filepath('t')");
  source_->stop(StopMode::fast, harness::server::soon());
  {
    std::fstream file(data() / path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(3 * 8192 + 5000);
    file.put('\x7F').put('\x01');
    // This one's LSN claims to be newer than all WAL.
    file.seekp(5 * 8192);
    for (int i = 0; i < 8; ++i) file.put('\x7E');
  }
  start_source();
  receive_wal();
  const auto result = back_up();
  ASSERT_EQ(result.damaged_pages.size(), 2U);
  EXPECT_EQ(result.damaged_pages[0].file, path);
  EXPECT_EQ(result.damaged_pages[0].block, 3U);
  EXPECT_EQ(result.damaged_pages[1].block, 5U);
  EXPECT_EQ(result.summary.damaged_pages, 2U);
  lose_source();
  restore(restore_request());
  EXPECT_EQ(base::read_file(restored() / path), base::read_file(data() / path));
}

TEST_P(EachSource, BringsConfigurationBackFromOutside) {
  auto wanted = options();
  const auto etc = directory_.path() / "etc";
  fs::create_directories(etc / "conf.d");
  for (const auto* const name : {"postgresql.conf", "pg_hba.conf"}) fs::rename(data() / name, etc / name);
  // BASE_BACKUP sends no links.
  fs::rename(data() / "pg_ident.conf", etc / "ident-of-the-site");
  fs::create_symlink(etc / "ident-of-the-site", data() / "pg_ident.conf");
  std::ofstream(etc / "postgresql.conf", std::ios::app)
      << "\ndata_directory = '" << data().string() << "'\nhba_file = '" << (etc / "pg_hba.conf").string()
      << "'\nident_file = '" << (data() / "pg_ident.conf").string() << "'\ninclude_dir 'conf.d'\nwork_mem = 7MB\n";
  std::ofstream(etc / "conf.d" / "site.conf") << "work_mem = 5MB\nmaintenance_work_mem = 9MB\n";
  std::ofstream(etc / "ident-of-the-site", std::ios::app) << "# from the site\n";
  wanted.settings = {{"config_file", (etc / "postgresql.conf").string()}};
  for (const auto& entry : fs::recursive_directory_iterator(directory_.path())) give_to_server_user(entry.path());
  start_source(wanted);
  receive_wal();
  static_cast<void>(back_up());
  lose_source();
  fs::rename(etc, directory_.path() / "etc-of-the-source");
  restore(restore_request());
  auto server = start_restored();
  wait_until_promoted(server);
  EXPECT_EQ(ask_of(server, "SHOW work_mem"), "7MB");
  EXPECT_EQ(ask_of(server, "SHOW maintenance_work_mem"), "9MB");
  EXPECT_EQ(ask_of(server, "SHOW hba_file"), (restored() / "pg_hba.conf").string());
  EXPECT_THAT(base::read_file(restored() / "pg_ident.conf"), HasSubstr("# from the site"));
}

}  // namespace
}  // namespace backup_engine
