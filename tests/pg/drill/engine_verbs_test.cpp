// The engine by command line, as an operator uses it: as the user that owns the cluster, and then with pg_ctl.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/server/socket_directory.hpp"
#include "tests/pg/server/operated_cluster.hpp"

namespace harness::drill {
namespace {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
using backup_engine::postgres::Connection;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int usage = 3, not_there = 1, failed_wal_fetch = 254;

class Operator : public server::OperatedCluster {
 protected:
  Operator() { lifeboat_ok({"repo", "init", "--repo", repository()}); }

  // Of all logs: verb and exit code.
  [[nodiscard]] std::vector<std::string> operations() const {
    std::vector<std::string> told;
    std::istringstream lines(lifeboat_ok({"list", "--repo", repository(), "--operations"}));
    for (std::string line; std::getline(lines, line);) {
      const auto entry = nlohmann::json::parse(line);
      told.push_back(fmt::format("{} {}", entry["verb"].get<std::string>(), entry["exit_code"].get<int>()));
    }
    return told;
  }

  // What `query` gives on a restored directory that pg_ctl starts and stops.
  [[nodiscard]] std::string answer_of(const fs::path& restored, const std::string& query) const {
    const auto sockets = server::make_socket_directory("/tmp", user_);
    const auto pg_ctl = options().installation.program("pg_ctl");
    auto start = command(pg_ctl, {"start", "--pgdata", restored, "--wait", "--log", restored.string() + ".log",
                                  "--options", "-c listen_addresses='' -k " + sockets.path().string()});
    start.output_file = path("pg_ctl.log");
    EXPECT_TRUE(process::run(start, server::soon()).status.success())
        << process::tail_of(restored.string() + ".log", 30);
    std::string answer;
    {
      Connection connection(fmt::format("host={} user=postgres dbname=postgres", sockets.path().string()), "test");
      base::poll_until(server::soon(), "promotion", [&]() -> std::optional<std::string> {
        return connection.query("SELECT pg_is_in_recovery()").single() == "f"
                   ? std::nullopt
                   : std::optional<std::string>("recovering");
      });
      answer = connection.query(query).single();
    }
    EXPECT_TRUE(
        process::run(command(pg_ctl, {"stop", "--pgdata", restored, "--wait", "--mode", "fast"}), server::soon())
            .status.success());
    return answer;
  }
};

TEST_F(Operator, BacksUpAndRestoresToTheEndOfWalAndToTheBackupItself) {
  auto source = source_.connect();
  source.execute("CREATE TABLE boats (name text)");
  auto receiver = receiving();
  source.execute("INSERT INTO boats VALUES ('backed up')");
  back_up();
  source.execute("INSERT INTO boats VALUES ('streamed')");
  wait_until_acknowledged();
  end(receiver);

  EXPECT_THAT(lifeboat_ok({"list", "--repo", repository()}), AllOf(HasSubstr("shop"), HasSubstr("-full")));
  const auto listed = nlohmann::json::parse(lifeboat_ok({"list", "--repo", repository(), "--json"}));
  const auto& cluster = listed["clusters"].at(0);
  EXPECT_EQ(cluster["name"], "shop");
  const std::string label = cluster["backups"].at(0)["label"];
  EXPECT_THAT(lifeboat_ok({"verify", "--repo", repository()}), HasSubstr("no damage found"));
  EXPECT_EQ(nlohmann::json::parse(lifeboat_ok({"verify", "--repo", repository(), "--json"}))["damage"].size(), 0U);

  const auto query = "SELECT string_agg(name, ', ' ORDER BY name) FROM boats";
  lifeboat_ok({"restore", "--repo", repository(), "--cluster", "shop", "--to", path("end")});
  EXPECT_EQ(answer_of(path("end"), query), "backed up, streamed");
  lifeboat_ok({"restore", "--repo", repository(), "--cluster", "shop", "--backup", label, "--to", path("point"),
               "--target-immediate"});
  EXPECT_EQ(answer_of(path("point"), query), "backed up");

  // Into a directory that holds something: refused, and left as it is.
  std::ofstream(path("end") / "precious") << "data";
  const auto refused = lifeboat({"restore", "--repo", repository(), "--cluster", "shop", "--to", path("end")});
  EXPECT_EQ(refused.code, usage) << refused.words;
  EXPECT_THAT(refused.words, AllOf(HasSubstr(path("end").string()), HasSubstr("what to do: ")));
  EXPECT_EQ(base::read_file(path("end") / "precious"), "data");
  const auto absent = lifeboat({"restore", "--repo", repository(), "--cluster", "boat", "--to", path("none")});
  EXPECT_EQ(absent.code, usage) << absent.words;
  EXPECT_THAT(absent.words, HasSubstr("boat"));
  EXPECT_FALSE(fs::exists(path("none")));
  EXPECT_THAT(operations(), testing::IsSupersetOf({"wal receive start 0", "backup 0", "wal receive 0", "verify 0",
                                                   "restore 0", "restore 3", "repo init 0"}));
}

TEST_F(Operator, StreamsABackupWithoutTheDataDirectoryAndLeavesNothingOfAnInterruptedOne) {
  auto source = source_.connect();
  source.execute("CREATE TABLE boats AS SELECT i, md5(i::text) AS name FROM generate_series(1, 100000) i");
  auto receiver = receiving();
  const std::vector<std::string> stream = {"backup", "--repo",   repository(),      "--cluster",
                                           "shop",   "--dbname", source_.conninfo()};
  // So slow that it is still under way when it is interrupted.
  auto slow = stream;
  slow.insert(slow.end(), {"--compress", "zstd:19", "--jobs", "1"});
  auto interrupted = process::Subprocess::start(command(path("lifeboat"), slow));
  base::poll_until(server::soon(), "the stream to begin", [&]() -> std::optional<std::string> {
    const auto rows = source.query("SELECT phase FROM pg_stat_progress_basebackup");
    if (!rows.empty() && rows[0][0] == "streaming database files") return std::nullopt;
    return rows.empty() ? std::string("no backup is running") : rows[0][0];
  });
  interrupted.send(SIGINT);
  constexpr int was_interrupted = 130;
  EXPECT_EQ(interrupted.wait(server::soon()).code, was_interrupted);
  base::poll_until(server::soon(), "the server to forget the backup", [&]() -> std::optional<std::string> {
    const auto count = source.query("SELECT count(*) FROM pg_stat_progress_basebackup").single();
    return count == "0" ? std::nullopt : std::optional(count);
  });
  auto listed = nlohmann::json::parse(lifeboat_ok({"list", "--repo", repository(), "--json"}));
  EXPECT_EQ(listed["clusters"].at(0)["backups"].size(), 0U);

  lifeboat_ok(stream);
  wait_until_acknowledged();
  end(receiver);
  listed = nlohmann::json::parse(lifeboat_ok({"list", "--repo", repository(), "--json"}));
  EXPECT_EQ(listed["clusters"].at(0)["backups"].at(0)["source"], "stream");
  EXPECT_THAT(lifeboat_ok({"verify", "--repo", repository()}), HasSubstr("no damage found"));
  lifeboat_ok({"restore", "--repo", repository(), "--cluster", "shop", "--to", path("end")});
  EXPECT_EQ(answer_of(path("end"), "SELECT count(DISTINCT name) FROM boats"), "100000");
}

// Confirmed, seen, taken back, done once more and kept: every step in the operations log.
TEST_F(Operator, RestoresInPlaceAndRollsBackOrKeepsIt) {
  auto receiver = receiving();
  run("CREATE TABLE boats AS SELECT 'backed up' AS name");
  back_up();
  run("INSERT INTO boats VALUES ('of today')");
  wait_until_acknowledged();
  end(receiver);
  const auto identifier = ask("SELECT system_identifier FROM pg_control_system()");
  const std::vector<std::string> restore{"restore", "--repo", repository(),         "--cluster", "shop",
                                         "--to",    pgdata(), "--target-immediate", "--in-place"};
  auto confirmed = restore;
  confirmed.insert(confirmed.end(), {"--confirm-system-identifier", identifier});
  EXPECT_THAT(lifeboat(confirmed).words, HasSubstr("a server runs in"));
  source_.stop(server::StopMode::fast, server::soon());
  fs::remove(pgdata() + ".log");  // of whoever runs this test; pg_ctl writes one of that name as the operator
  const auto unconfirmed = lifeboat(restore);
  EXPECT_EQ(unconfirmed.code, usage);
  EXPECT_THAT(unconfirmed.words, HasSubstr("--confirm-system-identifier " + identifier));

  const auto query = "SELECT string_agg(name, ', ' ORDER BY name) FROM boats";
  EXPECT_THAT(lifeboat_ok(confirmed), HasSubstr("safety-copy roll-back --to " + pgdata()));
  EXPECT_EQ(answer_of(pgdata(), query), "backed up");
  EXPECT_THAT(lifeboat_ok({"safety-copy", "show", "--to", pgdata()}),
              AllOf(HasSubstr(pgdata() + ".lifeboat-safety-copy"), HasSubstr(identifier), HasSubstr("MB")));
  EXPECT_EQ(lifeboat(confirmed).code, usage) << "a second one would not know what to keep";
  EXPECT_THAT(lifeboat_ok({"safety-copy", "roll-back", "--to", pgdata(), "--reason", "ticket 7"}),
              HasSubstr("put back"));
  EXPECT_EQ(answer_of(pgdata(), query), "backed up, of today");

  lifeboat_ok(confirmed);
  EXPECT_THAT(lifeboat_ok({"safety-copy", "drop", "--to", pgdata()}), HasSubstr("is removed"));
  EXPECT_FALSE(fs::exists(pgdata() + ".lifeboat-safety-copy"));
  EXPECT_EQ(lifeboat({"safety-copy", "show", "--to", pgdata()}).code, usage);
  EXPECT_EQ(answer_of(pgdata(), query), "backed up");
  EXPECT_THAT(operations(),
              testing::IsSupersetOf({"restore 3", "restore 0", "safety-copy roll-back 0", "safety-copy drop 0"}));
}

TEST_F(Operator, FetchesWalByTheContractOfRestoreCommand) {
  auto source = source_.connect();
  auto receiver = receiving();
  back_up();
  // The backup ended with a segment: without a record in the next one there is nothing to switch from, and from 17 on
  // pg_walfile_name names that next one.
  source.execute("SELECT pg_logical_emit_message(true, 'lifeboat', 'a record')");
  // Past a segment's start, of which pg_walfile_name says one thing up to 16 and another from 17 on.
  source.query("SELECT pg_logical_emit_message(true, 'test', 'some WAL')");
  const auto segment = source.query("SELECT pg_walfile_name(pg_current_wal_lsn())").single();
  source.execute("SELECT pg_switch_wal()");
  const auto stored = path("repository/clusters/shop/wal/00000001/00000000") / (segment + ".lz4");
  base::poll_until(server::soon(), "the segment in the repository", [&]() -> std::optional<std::string> {
    return fs::exists(stored) ? std::nullopt : std::optional<std::string>("not there");
  });
  receiver.send(SIGINT);
  EXPECT_EQ(receiver.wait(server::soon()).code, 0) << "SIGINT ends it in good order too";

  const auto fetch = [&](const std::string& name) {
    return lifeboat({"wal", "fetch", "--repo", repository(), "--cluster", "shop", name, path("fetched")});
  };
  EXPECT_EQ(fetch(segment).code, 0);
  EXPECT_EQ(fs::file_size(path("fetched")), 16U * 1024 * 1024);
  EXPECT_EQ(fetch("0000000100000FFF00000001").code, not_there);
  EXPECT_EQ(fetch("00000002.history").code, not_there);

  auto bytes = base::read_file(stored);
  bytes[bytes.size() / 2] ^= 0x10;
  base::write_file_atomically(stored, bytes);
  const auto damaged = fetch(segment);
  EXPECT_EQ(damaged.code, failed_wal_fetch) << damaged.words;
  EXPECT_THAT(damaged.words, HasSubstr(segment));
  const auto verified = lifeboat({"verify", "--repo", repository()});
  EXPECT_EQ(verified.code, 1) << verified.words;
  EXPECT_THAT(verified.words, AllOf(HasSubstr(segment), Not(HasSubstr("no damage found"))));
}

TEST_F(Operator, IsRefusedARepositoryOfAnotherCluster) {
  auto receiver = receiving();
  back_up();
  const auto other = started(options("other"));
  for (const auto& verb :
       std::vector<std::vector<std::string>>{{"backup", "--pgdata", options("other").data_directory},
                                             {"wal", "receive", "--slot", "other", "--create-slot"}}) {
    auto arguments = verb;
    arguments.insert(arguments.end(), {"--repo", repository(), "--cluster", "shop", "--dbname", other.conninfo()});
    const auto refused = lifeboat(arguments);
    EXPECT_EQ(refused.code, usage) << refused.words;
    EXPECT_THAT(refused.words, AllOf(HasSubstr("shop"), HasSubstr("system identifier"), HasSubstr("what to do: ")));
  }
  EXPECT_EQ(other.connect().query("SELECT count(*) FROM pg_replication_slots").single(), "0") << "nothing touched";
  const auto listed = nlohmann::json::parse(lifeboat_ok({"list", "--repo", repository(), "--json"}));
  EXPECT_EQ(listed["clusters"].at(0)["backups"].size(), 1U);
}

TEST_F(Operator, IsToldWhenADirectoryIsNotTheServers) {
  const auto other = started(options("other"));
  const auto refused = lifeboat({"backup", "--repo", repository(), "--cluster", "shop", "--dbname", source_.conninfo(),
                                 "--pgdata", options("other").data_directory});
  EXPECT_EQ(refused.code, usage) << refused.words;
  EXPECT_THAT(refused.words, HasSubstr("what to do: "));
}

}  // namespace
}  // namespace harness::drill
