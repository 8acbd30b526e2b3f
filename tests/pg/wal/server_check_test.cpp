// What `lifeboat doctor --dbname` says of servers that cannot be backed up, or not well.
#include <gmock/gmock.h>

#include <fstream>

#include "backup_engine/base/file.hpp"
#include "backup_engine/wal_check.hpp"
#include "tests/pg/wal/archiving.hpp"

namespace tests {
namespace {

using harness::server::soon;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ServerCheck : public Archiving {
 protected:
  // What it says of the server; each line of it comes with a remedy.
  std::string said(const std::string& conninfo) const {
    const auto words = lifeboat({"doctor", "--dbname", conninfo}).words;
    const auto at = words.find("the server: ");
    EXPECT_NE(at, std::string::npos) << words;
    return at == std::string::npos ? "" : words.substr(at);
  }
};

TEST_F(ServerCheck, NamesEachSettingThatStandsInTheWay) {
  auto bare = options("minimal");
  std::filesystem::remove_all(bare.data_directory);
  harness::provision::make_cluster({.installation = bare.installation,
                                    .data_directory = bare.data_directory,
                                    .checksums = false,
                                    .settings = {{"wal_level", "minimal"}, {"max_wal_senders", "0"}},
                                    .run_as = user_});
  const auto server = started(bare);
  EXPECT_THAT(said(server.conninfo()),
              AllOf(HasSubstr("wal_level is minimal"), HasSubstr("ALTER SYSTEM SET wal_level = replica"),
                    HasSubstr("max_wal_senders is 0"), HasSubstr("checksums are off"),
                    HasSubstr("pg_checksums --enable"), HasSubstr("archive_mode is off"), HasSubstr("what to do: ")));
}

TEST_F(ServerCheck, NamesTheRightThatIsMissingAndTheDoorThatIsShut) {
  start_archiving();
  execute("CREATE ROLE plain LOGIN");
  execute("GRANT pg_monitor TO plain");
  const auto plain = server_->conninfo_as("plain", "postgres");
  EXPECT_THAT(said(plain), AllOf(HasSubstr("\"plain\" has no REPLICATION right"),
                                 HasSubstr("ALTER ROLE \"plain\" REPLICATION"), Not(HasSubstr("checksums"))));
  execute("ALTER ROLE plain REPLICATION");
  EXPECT_THAT(said(plain), HasSubstr("the server: it can be backed up"));

  const auto rules = server_->options().data_directory / "pg_hba.conf";
  const auto before = backup_engine::base::read_file(rules);
  std::ofstream(rules) << "local replication plain reject\n" << before;
  execute("SELECT pg_reload_conf()");
  backup_engine::base::poll_until(soon(), "the new rule", [&]() -> std::optional<std::string> {
    const auto now = said(plain);
    return now.find("a replication connection is refused") != std::string::npos ? std::nullopt : std::optional(now);
  });
  EXPECT_THAT(said(plain), HasSubstr("a line of pg_hba.conf for the database \"replication\""));
}

// That another slot is read says nothing of this repository.
TEST_F(ServerCheck, TellsThatWalDoesNotArriveThoughAnotherSlotIsRead) {
  make_cluster_with_segments(1);
  start();
  const auto receive = [&] {
    RunningReceiver receiver(request());
    receiver.wait_until_durable(flushed());
    receiver.stop();
  };
  receive();
  auto others = request();
  others.repository = {(directory_.path() / "others").string()};
  others.slot = "others";
  backup_engine::init_repository(others.repository);
  RunningReceiver other(others);
  write_wal(3);
  other.wait_until_durable(flushed());

  const auto check = [&] { return backup_engine::check_wal({{repository_.string()}, "main", conninfo()}); };
  const auto says = [](const backup_engine::WalCheckResult& result) {
    std::string text;
    for (const auto& finding : result.findings) text += finding.text + "\n";
    return text;
  };
  const auto fresh = check();
  ASSERT_TRUE(fresh.server->not_held);
  EXPECT_TRUE(fresh.server->not_held->finished);
  EXPECT_GT(fresh.server->behind_bytes, 2'000'000U);
  EXPECT_THAT(says(fresh), Not(HasSubstr("does not arrive"))) << "it may be on its way";
  for (const auto& file : std::filesystem::directory_iterator(server_->options().data_directory / "pg_wal")) {
    if (!file.is_regular_file()) continue;
    std::filesystem::last_write_time(file, std::filesystem::file_time_type::clock::now() - std::chrono::minutes(10));
  }
  EXPECT_THAT(says(check()), AllOf(HasSubstr("WAL does not arrive: of " + fresh.server->not_held->name),
                                   HasSubstr(", finished 10 min"), HasSubstr("nobody reads the slot \"lifeboat\"")));
  execute("CREATE ROLE plain LOGIN");
  const auto as_plain =
      backup_engine::check_wal({{repository_.string()}, "main", server_->conninfo_as("plain", "postgres")});
  EXPECT_TRUE(as_plain.server->may_not_list_wal);
  EXPECT_THAT(says(as_plain), AllOf(HasSubstr("whether WAL arrives is not known"), Not(HasSubstr("does not arrive"))));
  receive();
  const auto caught_up = check();
  EXPECT_THAT(says(caught_up), Not(HasSubstr("does not arrive")));
  EXPECT_FALSE(caught_up.server->not_held && caught_up.server->not_held->finished);
}

}  // namespace
}  // namespace tests
