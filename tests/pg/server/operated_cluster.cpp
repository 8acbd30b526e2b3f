#include "tests/pg/server/operated_cluster.hpp"

#include <csignal>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "tests/support/places.hpp"

namespace harness::server {

namespace base = backup_engine::base;
namespace fs = std::filesystem;

OperatedCluster::OperatedCluster() : source_(started(options())) {
  // The servers' user may not be able to reach the build directory.
  fs::copy_file(tests::lifeboat_program(), path("lifeboat"));
  fs::permissions(path("lifeboat"), fs::perms(0755));
}

process::Command OperatedCluster::command(const fs::path& program, const std::vector<std::string>& arguments) const {
  process::Command made;
  made.program = program;
  made.arguments = arguments;
  made.run_as = user_;
  made.working_directory = directory_.path();
  made.environment = environment_;
  return made;
}

OperatedCluster::Ended OperatedCluster::lifeboat(const std::vector<std::string>& arguments) const {
  const auto done = process::run(command(path("lifeboat"), arguments), soon());
  EXPECT_EQ(done.status.signal, 0) << done.output;
  return {done.status.code, done.output};
}

std::string OperatedCluster::lifeboat_ok(const std::vector<std::string>& arguments) const {
  const auto ended = lifeboat(arguments);
  EXPECT_EQ(ended.code, 0) << ended.words;
  return ended.words;
}

process::Subprocess OperatedCluster::started_lifeboat(const std::vector<std::string>& arguments,
                                                      const std::string& name) const {
  auto made = command(path("lifeboat"), arguments);
  made.output_file = path(name);
  return process::Subprocess::start(made);
}

process::Subprocess OperatedCluster::receiving(const std::vector<std::string>& arguments) const {
  std::vector<std::string> all{"wal", "receive"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  auto running = started_lifeboat(all, "receiver.log");
  auto connection = source_.connect();
  base::poll_until(soon(), "the receiver to stream", [&]() -> std::optional<std::string> {
    if (running.poll()) return "it ended: " + base::read_file(path("receiver.log"));
    const auto rows = connection.query("SELECT state FROM pg_stat_replication WHERE flush_lsn IS NOT NULL");
    return !rows.empty() && rows[0][0] == "streaming" ? std::nullopt : std::optional<std::string>("not yet");
  });
  return running;
}

process::Subprocess OperatedCluster::receiving() const {
  return receiving({"--repo", repository(), "--cluster", "shop", "--dbname", source_.conninfo(), "--slot", "lifeboat",
                    "--create-slot"});
}

void OperatedCluster::end(process::Subprocess& receiver) const {
  receiver.send(SIGTERM);
  EXPECT_EQ(receiver.wait(soon()).code, 0) << base::read_file(path("receiver.log"));
}

void OperatedCluster::wait_until_acknowledged() const {
  auto connection = source_.connect();
  const auto written = connection.query("SELECT pg_current_wal_flush_lsn()").single();
  base::poll_until(soon(), "the WAL in the repository", [&]() -> std::optional<std::string> {
    const auto row = connection.query("SELECT flush_lsn, flush_lsn >= $1 FROM pg_stat_replication", {written})[0];
    return row[1] == "t" ? std::nullopt : row[0];
  });
}

std::string OperatedCluster::back_up(const std::vector<std::string>& further) const {
  std::vector<std::string> arguments{"backup",           "--repo",   repository(), "--cluster",  "shop", "--dbname",
                                     source_.conninfo(), "--pgdata", pgdata(),     "--progress", "none"};
  arguments.insert(arguments.end(), further.begin(), further.end());
  const auto words = lifeboat_ok(arguments);
  return words.substr(0, words.find(':'));
}

}  // namespace harness::server
