#include "tests/pg/drill/stored_cluster.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/provision/provision.hpp"
#include "tests/pg/server/test_installation.hpp"
#include "tests/support/places.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
namespace record = reports::record;

namespace {

base::Deadline patience() {
  return base::Deadline::after(std::chrono::minutes(5));
}

}  // namespace

StoredCluster::StoredCluster(Repository repository, const std::map<std::string, std::string>& unwritten)
    : user_(server::resolve_server_user("")),
      directory_(server::OwnedDirectory::create("/var/tmp", user_)),
      kind_(repository) {
  // The servers' user may not be able to reach the build directory.
  fs::copy_file(tests::lifeboat_program(), path("lifeboat"));
  fs::permissions(path("lifeboat"), fs::perms(0755));
  provision::make_cluster({.installation = server::test_installation(),
                           .data_directory = path("data"),
                           .checksums = true,
                           .settings = {{"wal_level", "replica"}},
                           .run_as = user_});
  server::ServerOptions options;
  options.installation = server::test_installation();
  options.data_directory = path("data");
  options.log_file = path("source.log");
  options.run_as = user_;
  options.settings = unwritten;
  source_ = server::Server::start(options);
  source_->wait_until_ready(patience());
  if (kind_ == Repository::encrypted) {
    const auto made = lifeboat({"repo", "new-key", path("key")});
    EXPECT_EQ(made.code, 0) << made.words;
  }
  const auto made = lifeboat({"repo", "init", "--repo", this->repository()});
  EXPECT_EQ(made.code, 0) << made.words;
  start_receiver();
}

StoredCluster::~StoredCluster() {
  try {
    end_receiver();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "the receiver did not end: " << error.what();
  }
}

void StoredCluster::branch_off() {
  end_receiver();
  auto options = source_->options();
  source_->stop(server::StopMode::fast, patience());
  source_.reset();
  options.settings["restore_command"] = "/bin/false";
  base::write_file_atomically(options.data_directory / "recovery.signal", "", 0644);
  source_ = server::Server::start(std::move(options));
  source_->wait_until_ready(patience());
  base::poll_until(patience(), "the source to be promoted", [&]() -> std::optional<std::string> {
    return ask("SELECT pg_is_in_recovery()") == "f" ? std::nullopt : std::optional<std::string>("in recovery");
  });
  start_receiver();
}

void StoredCluster::end_receiver() {
  if (!receiver_) return;
  receiver_->send(SIGTERM);
  const auto ended = receiver_->wait(patience());
  EXPECT_TRUE(ended.success()) << base::read_file(path("receiver.log"));
  receiver_.reset();
}

process::Command StoredCluster::command(const std::vector<std::string>& arguments) const {
  process::Command made;
  made.program = path("lifeboat");
  made.arguments = arguments;
  const bool on_repository = std::find(arguments.begin(), arguments.end(), "--repo") != arguments.end();
  if (kind_ == Repository::encrypted && on_repository) {
    made.arguments.insert(made.arguments.end(), {"--key-file", path("key")});
  }
  made.run_as = user_;
  made.working_directory = directory_.path();
  made.environment["XDG_STATE_HOME"] = path("state");
  return made;
}

StoredCluster::Ended StoredCluster::lifeboat(const std::vector<std::string>& arguments) const {
  const auto done = process::run(command(arguments), patience());
  EXPECT_EQ(done.status.signal, 0) << done.output;
  return {done.status.code, done.output};
}

void StoredCluster::start_receiver() {
  auto receiving = command({"wal", "receive", "--repo", repository(), "--cluster", "shop", "--dbname",
                            source_->conninfo(), "--slot", "lifeboat", "--create-slot"});
  receiving.output_file = path("receiver.log");
  receiver_ = process::Subprocess::start(receiving);
  auto connection = connect();
  base::poll_until(patience(), "the receiver to stream", [&]() -> std::optional<std::string> {
    if (receiver_->poll()) return "it ended: " + base::read_file(path("receiver.log"));
    const auto rows = connection.query("SELECT state FROM pg_stat_replication WHERE flush_lsn IS NOT NULL");
    return !rows.empty() && rows[0][0] == "streaming" ? std::nullopt : std::optional<std::string>("not yet");
  });
}

std::vector<std::string> StoredCluster::backup_arguments() const {
  return {"backup", "--repo", repository(), "--cluster", "shop", "--dbname", source_->conninfo(), "--progress", "none"};
}

std::string StoredCluster::back_up(const std::vector<std::string>& further) const {
  auto arguments = backup_arguments();
  arguments.insert(arguments.end(), further.begin(), further.end());
  const auto ended = lifeboat(arguments);
  EXPECT_EQ(ended.code, 0) << ended.words;
  return ended.words.substr(0, ended.words.find(':'));
}

process::Subprocess StoredCluster::begin_backup(const std::vector<std::string>& further) const {
  auto arguments = backup_arguments();
  arguments.insert(arguments.end(), further.begin(), further.end());
  auto backup = command(arguments);
  backup.output_file = path("backup.log");
  backup.parent_death_signal = SIGKILL;
  return process::Subprocess::start(backup);
}

void StoredCluster::wait_until_acknowledged() const {
  auto connection = connect();
  const auto written = connection.query("SELECT pg_current_wal_flush_lsn()").single();
  base::poll_until(patience(), "the WAL in the repository", [&]() -> std::optional<std::string> {
    const auto row = connection.query("SELECT flush_lsn, flush_lsn >= $1 FROM pg_stat_replication", {written})[0];
    return row[1] == "t" ? std::nullopt : row[0];
  });
}

void StoredCluster::write_scenario(const std::string& name, const std::string& further, const std::string& rest) const {
  fs::create_directories(scenarios());
  const auto key = kind_ == Repository::encrypted ? fmt::format(", key_file: {}", path("key").string()) : "";
  std::ofstream(scenarios() / (name + ".yaml")) << fmt::format(
      "scenario: {}\nclaim: What a test wants to see.\nsource: {{ repository: {}, cluster: shop{}{} }}\n{}", name,
      repository(), key, further, rest);
}

StoredCluster::Ended StoredCluster::as_caller(std::vector<std::string> arguments) {
  process::Command running;
  running.program = tests::lifeboat_program();
  const auto* const bin = std::getenv("LIFEBOAT_TEST_PG_BINDIR");
  if (bin != nullptr && arguments.front() != "judge") arguments.insert(arguments.end(), {"--pg-bindir", bin});
  running.arguments = std::move(arguments);
  running.parent_death_signal = SIGTERM;
  const auto done = process::run(running, base::Deadline::after(std::chrono::minutes(4)));  // many drills
  return {done.status.code, done.output};
}

StoredCluster::Ended StoredCluster::drill() const {
  return as_caller({"run", scenarios(), "--out", path("drills"), "--jobs", "2", "--progress", "none", "--reason",
                    "a test of drills"});
}

fs::path StoredCluster::drill_directory(const std::string& scenario) const {
  return fs::canonical(path("drills") / scenario / "latest");
}

record::Report StoredCluster::report(const std::string& scenario) const {
  return record::read_report(drill_directory(scenario) / "report.json");
}

std::vector<std::string> StoredCluster::left_in_work() const {
  std::vector<std::string> left;
  for (const auto& entry : fs::recursive_directory_iterator(path("drills"))) {
    if (entry.path().filename().string().rfind("lifeboat-", 0) == 0) left.push_back(entry.path().string());
  }
  return left;
}

record::Check check_of(const record::Report& report, const std::string& name) {
  for (const auto& check : report.checks) {
    if (check.name == name) return check;
  }
  ADD_FAILURE() << "no check " << name << " in " << all_words(report);
  return {};
}

std::string all_words(const record::Report& report) {
  return record::to_json(report);
}

}  // namespace harness::drill
