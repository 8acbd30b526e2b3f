// Lifeboat itself is killed or told to end while it owns a server: nothing stays behind.
#include <gmock/gmock.h>

#include <csignal>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/server/socket_directory.hpp"
#include "tests/pg/server/disposable_cluster.hpp"

namespace harness::server {
namespace {

namespace fs = std::filesystem;
using backup_engine::base::poll_until;
using testing::ElementsAre;
using testing::IsEmpty;

class Owner : public DisposableCluster {
 protected:
  Owner() : sockets_(OwnedDirectory::create("/var/tmp", user_)) {}

  process::Subprocess start() {
    const auto cluster = options();
    process::Command command;
    command.program = DOOMED_OWNER;
    command.arguments = {cluster.data_directory, cluster.log_file, sockets_.path(), ready_file()};
    command.output_file = directory_.path() / "owner.log";
    if (const auto* const directory = std::getenv("LIFEBOAT_TEST_PG_BINDIR")) {
      command.environment["LIFEBOAT_TEST_PG_BINDIR"] = directory;
    }
    auto owner = process::Subprocess::start(command);
    poll_until(soon(), "the owner's server", [&]() -> std::optional<std::string> {
      if (fs::exists(ready_file())) return std::nullopt;
      return owner.poll() ? "the owner ended" : "it is starting";
    });
    socket_directory_ = backup_engine::base::read_file(ready_file());
    return owner;
  }

  void wait_for_servers_to_go() {
    poll_until(soon(), "the server to go", [this]() -> std::optional<std::string> {
      const auto left = servers_on(options().data_directory).size();
      if (left == 0) return std::nullopt;
      return std::to_string(left) + " processes";
    });
  }

  fs::path ready_file() const { return directory_.path() / "ready"; }

  OwnedDirectory sockets_;
  fs::path socket_directory_;
};

TEST_F(Owner, KilledLeavesNoServer) {
  auto owner = start();
  ASSERT_FALSE(servers_on(options().data_directory).empty());
  owner.send(SIGKILL);  // to it alone: whatever else goes, goes by itself
  EXPECT_EQ(owner.wait(soon()).signal, SIGKILL);
  wait_for_servers_to_go();
}

TEST_F(Owner, KilledLeavesASocketDirectoryThatTheNextRunRemoves) {
  auto owner = start();
  EXPECT_THAT(reclaim_abandoned(sockets_.path()).removed, IsEmpty()) << "its owner lives";
  owner.send(SIGKILL);
  owner.wait(soon());
  wait_for_servers_to_go();
  ASSERT_TRUE(fs::exists(socket_directory_));
  const auto next = make_socket_directory(sockets_.path(), user_);
  EXPECT_FALSE(fs::exists(socket_directory_));
  EXPECT_TRUE(fs::exists(next.path()));
}

TEST_F(Owner, ToldToEndTearsItsServerDown) {
  for (const int signal : {SIGTERM, SIGINT}) {
    fs::remove(ready_file());
    auto owner = start();
    owner.send(signal);
    EXPECT_EQ(owner.wait(soon()).code, 130);
    EXPECT_THAT(servers_on(options().data_directory), IsEmpty());
    EXPECT_FALSE(fs::exists(socket_directory_));
  }
}

}  // namespace
}  // namespace harness::server
