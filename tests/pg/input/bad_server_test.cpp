// Servers that cannot be backed up, or not well: what each verb says by its words and its exit code, and that neither
// the server nor the repository is touched.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "backup_engine/base/file.hpp"
#include "tests/pg/server/operated_cluster.hpp"

namespace tests {
namespace {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
using harness::server::soon;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int failed = 1, could_not = 2, usage = 3;

class BadServer : public harness::server::OperatedCluster {
 protected:
  BadServer() { lifeboat_ok({"repo", "init", "--repo", repository()}); }

  // `arguments` on the repository are refused with one message.
  std::string refused(std::vector<std::string> arguments, int code, const std::string& conninfo) const {
    arguments.insert(arguments.end(), {"--repo", repository(), "--cluster", "shop", "--dbname", conninfo});
    const auto ended = lifeboat(arguments);
    EXPECT_EQ(ended.code, code) << ended.words;
    std::istringstream lines(ended.words);
    int messages = 0, remedies = 0;
    for (std::string line; std::getline(lines, line);) {
      messages += line.starts_with("lifeboat: ") ? 1 : 0;
      remedies += line.starts_with("  what to do: ") ? 1 : 0;
    }
    EXPECT_EQ(messages, 1) << ended.words;
    EXPECT_EQ(remedies, 1) << ended.words;
    return ended.words;
  }
  [[nodiscard]] std::vector<std::string> backup_of(const std::string& data_directory) const {
    return {"backup", "--pgdata", data_directory, "--progress", "none"};
  }
  const std::vector<std::string> streamed_backup_{"backup", "--progress", "none"};
  const std::vector<std::string> receiver_{"wal", "receive", "--slot", "lifeboat"};

  [[nodiscard]] harness::server::ServerOptions cluster_with(const std::string& name, bool checksums,
                                                            const std::map<std::string, std::string>& settings) const {
    auto made = options(name);
    fs::remove_all(made.data_directory);
    harness::provision::make_cluster({.installation = made.installation,
                                      .data_directory = made.data_directory,
                                      .checksums = checksums,
                                      .settings = settings,
                                      .run_as = user_});
    return made;
  }
  [[nodiscard]] nlohmann::json listed() const {
    return nlohmann::json::parse(lifeboat_ok({"list", "--repo", repository(), "--json"}))["clusters"];
  }
  [[nodiscard]] std::string slots() const { return ask("SELECT count(*) FROM pg_replication_slots"); }
};

TEST_F(BadServer, WithMinimalWalIsToldWhichSettingsStandInTheWay) {
  const auto wanted = cluster_with("minimal", true, {{"wal_level", "minimal"}, {"max_wal_senders", "0"}});
  const auto server = started(wanted);
  EXPECT_THAT(refused(backup_of(wanted.data_directory), could_not, server.conninfo()),
              AllOf(HasSubstr("its wal_level is minimal"), HasSubstr("ALTER SYSTEM SET wal_level = replica")));
  for (const auto& verb : {streamed_backup_, receiver_}) {
    EXPECT_THAT(refused(verb, could_not, server.conninfo()),
                AllOf(HasSubstr("max_wal_senders"), HasSubstr("wal_level = replica"), HasSubstr("lifeboat doctor")));
  }
  EXPECT_TRUE(listed().empty());
}

TEST_F(BadServer, ThatGivesTheRoleNoRightIsToldWhichOneItLacks) {
  run("CREATE ROLE plain LOGIN");
  const auto plain = source_.conninfo_as("plain", "postgres");
  EXPECT_THAT(refused(backup_of(pgdata()), could_not, plain), HasSubstr("pg_read_all_settings"));
  auto with_slot = receiver_;
  with_slot.emplace_back("--create-slot");
  for (const auto& verb : {streamed_backup_, receiver_, with_slot}) {
    EXPECT_THAT(refused(verb, could_not, plain), HasSubstr("ALTER ROLE … REPLICATION"));
  }
  EXPECT_EQ(slots(), "0");
  EXPECT_TRUE(listed().empty());
}

TEST_F(BadServer, WithoutTheSlotEndsTheReceiverAlsoInMidStream) {
  EXPECT_THAT(refused(receiver_, could_not, source_.conninfo()), HasSubstr("no replication slot \"lifeboat\""));
  run("SELECT pg_create_physical_replication_slot('lifeboat', true)");
  auto receiver =
      receiving({"--repo", repository(), "--cluster", "shop", "--dbname", source_.conninfo(), "--slot", "lifeboat"});
  wait_until_acknowledged();
  // Before the receiver is back.
  run("DO $$ BEGIN LOOP BEGIN PERFORM pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active; "
      "PERFORM pg_drop_replication_slot('lifeboat'); EXIT; EXCEPTION WHEN object_in_use THEN NULL; END; END LOOP; END "
      "$$");
  EXPECT_EQ(receiver.wait(soon()).code, could_not);
  EXPECT_THAT(base::read_file(path("receiver.log")),
              AllOf(HasSubstr("no replication slot \"lifeboat\""), HasSubstr("lifeboat wal check")));
  EXPECT_EQ(slots(), "0") << "it was made by itself";
}

TEST_F(BadServer, ThatArchivesNothingIsAProblemOnceNobodyReceives) {
  auto receiver = receiving();
  back_up();
  wait_until_acknowledged();
  end(receiver);
  const std::vector<std::string> check{"wal",       "check", "--repo",   repository(),
                                       "--cluster", "shop",  "--dbname", source_.conninfo()};
  auto checked = lifeboat(check);
  EXPECT_EQ(checked.code, failed) << checked.words;
  EXPECT_THAT(checked.words, AllOf(HasSubstr("nobody reads the slot \"lifeboat\""), HasSubstr("archive_mode is off"),
                                   HasSubstr("what to do: ")));
  run("SELECT pg_drop_replication_slot('lifeboat')");
  checked = lifeboat(check);
  EXPECT_EQ(checked.code, failed) << checked.words;
  EXPECT_THAT(checked.words, AllOf(HasSubstr("WAL does not leave the server: no slot is read, and archive_mode is off"),
                                   Not(HasSubstr("nobody reads the slot"))));
}

TEST_F(BadServer, WithoutChecksumsIsBackedUpAndSaysSo) {
  source_.stop(harness::server::StopMode::fast, soon());
  source_ = started(cluster_with("bare", false, {{"wal_level", "replica"}}));
  auto receiver = receiving();
  const auto ended = lifeboat({"backup", "--repo", repository(), "--cluster", "shop", "--dbname", source_.conninfo(),
                               "--pgdata", pgdata(), "--progress", "none"});
  EXPECT_EQ(ended.code, 0) << ended.words;
  EXPECT_THAT(ended.words, AllOf(HasSubstr("data checksums are off"), HasSubstr("pg_checksums --enable")));
  end(receiver);
  EXPECT_EQ(listed().at(0)["backups"].at(0)["data_checksums"], false);
  EXPECT_THAT(lifeboat_ok({"verify", "--repo", repository()}), HasSubstr("no damage found"));
}

TEST_F(BadServer, OfAnotherMajorIsNamedByTheDirectoryGiven) {
  const auto other = options("older").data_directory;
  auto control = base::read_file(other / "global/pg_control");
  constexpr std::uint32_t control_version_of_14 = 1300, catalog_version_of_14 = 202107181;
  for (std::size_t i = 0; i < 4; ++i) {
    control.at(8 + i) = static_cast<char>(control_version_of_14 >> (8 * i));
    control.at(12 + i) = static_cast<char>(catalog_version_of_14 >> (8 * i));
  }
  std::ofstream(other / "global/pg_control", std::ios::binary) << control;  // its owner stays
  EXPECT_THAT(refused(backup_of(other), usage, source_.conninfo()),
              AllOf(HasSubstr("PostgreSQL 14"), HasSubstr(other.string()), HasSubstr("15 to 18")));
  EXPECT_TRUE(listed().empty());

  auto own = base::read_file(fs::path(pgdata()) / "global/pg_control");
  own.at(50) = static_cast<char>(own.at(50) ^ 1);
  const auto torn = options("torn").data_directory;
  std::ofstream(torn / "global/pg_control", std::ios::binary) << own;
  EXPECT_THAT(refused(backup_of(torn), failed, source_.conninfo()),
              AllOf(HasSubstr("CRC of pg_control does not hold"), HasSubstr("pg_controldata")));
}

}  // namespace
}  // namespace tests
