// An encrypted repository by command line and with a real server: everything comes back, and nothing of it, nor of the
// key, can be read by whoever has the repository alone.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "tests/pg/server/operated_cluster.hpp"

namespace harness::server {
namespace {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int failed = 1, usage = 3, failed_wal_fetch = 254;

// Words of the database: names and contents.
const std::vector<std::string> telling_words = {"wellkept_boats", "captain_of_boat", "Zwartepiet", "boatkeeper_role",
                                                "harbour_database"};

class EncryptedShop : public OperatedCluster {
 protected:
  EncryptedShop() {
    lifeboat_ok({"repo", "new-key", path("key")});
    lifeboat_ok({"repo", "init", "--repo", repository(), "--key-file", path("key")});
    run("CREATE ROLE boatkeeper_role");
    run("CREATE DATABASE harbour_database");
    run("CREATE TABLE wellkept_boats (id int PRIMARY KEY, captain_of_boat text)");
    run("INSERT INTO wellkept_boats SELECT n, 'Zwartepiet ' || n FROM generate_series(1, 2000) AS n");
  }

  [[nodiscard]] Ended lifeboat(const std::vector<std::string>& arguments) const override {
    auto ended = OperatedCluster::lifeboat(arguments);
    all_words_ += ended.words;
    return ended;
  }
  // The verb with this repository and key file, and more.
  [[nodiscard]] std::vector<std::string> in_repository(const std::vector<std::string>& verb,
                                                       const std::vector<std::string>& more,
                                                       const std::string& key = "key") const {
    auto arguments = verb;
    arguments.insert(arguments.end(), {"--repo", repository(), "--key-file", path(key)});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  // Its key is named by the environment, as a service would.
  [[nodiscard]] process::Subprocess receiving() {
    environment_["LIFEBOAT_KEY_FILE"] = path("key");
    auto running =
        OperatedCluster::receiving({"--repo", repository(), "--cluster", "shop", "--dbname", source_.conninfo(),
                                    "--slot", "lifeboat", "--create-slot", "--compress", "none"});
    environment_.clear();
    return running;
  }
  std::string back_up(const std::vector<std::string>& more) {
    std::vector<std::string> all = {"--cluster",  "shop", "--dbname",   source_.conninfo(),
                                    "--progress", "none", "--compress", "none"};
    all.insert(all.end(), more.begin(), more.end());
    const auto words = lifeboat_ok(in_repository({"backup"}, all));
    return words.substr(0, words.find(':'));
  }
  // What the query gives on a server over this restored directory, once it is promoted.
  [[nodiscard]] std::string answer_of(const std::string& restored, const std::string& query) const {
    auto server = started(options(restored));
    base::poll_until(soon(), "promotion", [&]() -> std::optional<std::string> {
      return server.connect().query("SELECT pg_is_in_recovery()").single() == "f"
                 ? std::nullopt
                 : std::optional<std::string>("recovering");
    });
    return server.connect().query(query).single();
  }

  // Of all files below `directory`, those that hold the word: "FILE holds WORD".
  static std::vector<std::string> files_with(const fs::path& directory, const std::vector<std::string>& words) {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
      if (!entry.is_regular_file()) continue;
      const auto bytes = base::read_file(entry.path());
      for (const auto& word : words) {
        if (bytes.find(word) != std::string::npos)
          found.push_back(fmt::format("{} holds {}", entry.path().string(), word));
      }
    }
    return found;
  }
  [[nodiscard]] std::string digits_of_key(const std::string& key = "key") const {
    constexpr std::size_t digits = 64;
    const auto text = base::read_file(path(key));
    return text.substr(text.size() - digits - 1, digits);
  }

  mutable std::string all_words_;  // of every verb
};

TEST_F(EncryptedShop, ComesBackWholeAndShowsNothingOfItself) {
  auto receiver = receiving();
  const auto by_path = back_up({"--pgdata", pgdata()});
  run("INSERT INTO wellkept_boats VALUES (3000, 'Zwartepiet the late')");
  const auto by_stream = back_up({});
  run("SELECT pg_create_restore_point('mark')");
  run("DELETE FROM wellkept_boats");
  wait_until_acknowledged();
  // What was streamed is what PostgreSQL would archive: read, opened, and found to be the same.
  const auto finished = ask("SELECT pg_walfile_name(pg_switch_wal())");
  wait_until_acknowledged();
  lifeboat_ok(in_repository({"wal", "push"}, {"--cluster", "shop", fs::path(pgdata()) / "pg_wal" / finished}));
  EXPECT_THAT(lifeboat_ok(in_repository({"wal", "check"}, {"--cluster", "shop"})), HasSubstr("timeline 1"));

  const auto verified = lifeboat_ok(in_repository({"verify"}, {}));
  EXPECT_THAT(verified, AllOf(HasSubstr("no damage found"), HasSubstr("state of the repository: ")));
  EXPECT_THAT(lifeboat_ok(in_repository({"list"}, {})), AllOf(HasSubstr(by_path), HasSubstr(by_stream)));

  for (const auto& [label, to] : {std::pair(by_path, "from-path"), std::pair(by_stream, "from-stream")}) {
    lifeboat_ok(in_repository({"restore"}, {"--cluster", "shop", "--backup", label, "--to", path(to), "--target-name",
                                            "mark", "--progress", "none"}));
    EXPECT_EQ(answer_of(to, "SELECT count(*) || ' ' || max(captain_of_boat) FROM wellkept_boats"),
              "2001 Zwartepiet the late");
  }
  fs::create_directory(path("work"));
  fs::permissions(path("work"), fs::perms(0777));
  lifeboat_ok(in_repository(
      {"extract"}, {"--cluster", "shop", "--target-name", "mark", "--table", "public.wellkept_boats", "--where",
                    "id = 3000", "--beside", "before", "--into", source_.conninfo(), "--work-dir", path("work"),
                    "--progress", "none", "--pg-bindir", source_.options().installation.bin_directory}));
  EXPECT_EQ(ask("SELECT captain_of_boat FROM wellkept_boats_before"), "Zwartepiet the late");

  end(receiver);
  // The words are in the database's own files, and nothing was compressed; in the repository there is none of them.
  EXPECT_FALSE(files_with(pgdata(), telling_words).empty());
  EXPECT_THAT(files_with(fs::path(repository()), telling_words), testing::IsEmpty());
  // The key is in its own file only: not in what a restore wrote, not in logs, not in the words of any verb.
  const auto key = digits_of_key();
  EXPECT_THAT(files_with(fs::path(repository()), {key}), testing::IsEmpty());
  EXPECT_THAT(files_with(path("from-path"), {key}), testing::IsEmpty());
  EXPECT_THAT(all_words_ + base::read_file(path("receiver.log")), Not(HasSubstr(key)));
  EXPECT_THAT(base::read_file(path("from-path") / "postgresql.auto.conf"), HasSubstr(path("key").string()));
}

TEST_F(EncryptedShop, IsRefusedToTheWrongKeyAndKeepsItsPastWhenRekeyed) {
  auto receiver = receiving();
  const auto before = back_up({"--pgdata", pgdata()});
  lifeboat_ok({"repo", "new-key", path("another")});

  // Without the key, and with a wrong one: usage, in one message that names the file or the way to name it.
  const auto without = lifeboat({"verify", "--repo", repository()});
  EXPECT_EQ(without.code, usage);
  EXPECT_THAT(without.words, AllOf(HasSubstr("is encrypted"), HasSubstr("--key-file")));
  const auto wrong = lifeboat(in_repository({"restore"}, {"--cluster", "shop", "--to", path("never")}, "another"));
  EXPECT_EQ(wrong.code, usage);
  EXPECT_THAT(wrong.words, HasSubstr(path("another").string()));
  EXPECT_FALSE(fs::exists(path("never")));
  // PostgreSQL must not take that for the end of WAL.
  const auto segment = ask("SELECT pg_walfile_name(pg_current_wal_lsn())");
  for (const auto* const key : {"another", "absent"}) {
    const auto fetched =
        lifeboat(in_repository({"wal", "fetch"}, {"--cluster", "shop", segment, path("fetched")}, key));
    EXPECT_EQ(fetched.code, failed_wal_fetch) << fetched.words;
    EXPECT_FALSE(fs::exists(path("fetched")));
  }

  // Another key file and another data key for what comes; what was stays readable.
  EXPECT_THAT(lifeboat_ok(in_repository({"repo", "rekey"}, {"--new-key-file", path("another"), "--new-data-key"})),
              HasSubstr("2 data keys"));
  EXPECT_EQ(lifeboat(in_repository({"list"}, {})).code, usage);
  // The chain that had begun goes on under its own key.
  EXPECT_THAT(lifeboat_ok(in_repository({"backup"},
                                        {"--cluster", "shop", "--dbname", source_.conninfo(), "--pgdata", pgdata(),
                                         "--type", "incremental", "--progress", "none"},
                                        "another")),
              HasSubstr("-incr: "));
  const auto after_words = lifeboat_ok(in_repository(
      {"backup"}, {"--cluster", "shop", "--dbname", source_.conninfo(), "--progress", "none"}, "another"));
  const auto after = after_words.substr(0, after_words.find(':'));
  end(receiver);
  const auto verified = nlohmann::json::parse(lifeboat_ok(in_repository({"verify"}, {"--json"}, "another")));
  EXPECT_EQ(verified["state_digest"].get<std::string>().size(), 64U);
  EXPECT_EQ(verified["wal_ends"].at(0)["cluster"], "shop");
  EXPECT_EQ(verified["backups"].size(), 3U);
  for (const auto& backup : verified["backups"]) EXPECT_TRUE(backup["restorable"]) << backup;

  // A pack that was swapped for another's is damage, by name.
  const auto pack = [&](const std::string& label) {
    return fs::path(repository()) / "clusters/shop/backups" / label / "packs/00000000.pack";
  };
  fs::copy_file(pack(before), pack(after), fs::copy_options::overwrite_existing);
  const auto swapped = lifeboat(in_repository({"verify"}, {}, "another"));
  EXPECT_EQ(swapped.code, failed);
  EXPECT_THAT(swapped.words, HasSubstr("damaged: clusters/shop/backups/" + after + "/packs/00000000.pack"));
}

}  // namespace
}  // namespace harness::server
