// `lifeboat extract` as an operator uses it: from a repository into the server that was backed up and lives on.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "tests/pg/server/operated_cluster.hpp"

namespace harness::extract {
namespace {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int unknown = 2, usage = 3, interrupted = 130;

class ExtractVerb : public server::OperatedCluster {
 protected:
  ExtractVerb() {
    fs::create_directory(path("work"));
    fs::permissions(path("work"), fs::perms(0777));
    lifeboat_ok({"repo", "init", "--repo", repository()});
  }

  [[nodiscard]] std::string bin_directory() const { return source_.options().installation.bin_directory; }
  [[nodiscard]] std::vector<std::string> extract_arguments(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"extract", "--repo",           repository(),   "--cluster",  "shop",
                                          "--into",  source_.conninfo(), "--work-dir",   path("work"), "--progress",
                                          "none",    "--pg-bindir",      bin_directory()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  [[nodiscard]] Ended extract(const std::vector<std::string>& more) const { return lifeboat(extract_arguments(more)); }

  // Boats and their crews, backed up; then two more boats, the restore point "mark", and one more.
  void make_history() {
    auto source = source_.connect();
    source.execute("CREATE TABLE boats (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text)");
    source.execute("CREATE TABLE crews (boat bigint REFERENCES boats, name text)");
    source.execute("CREATE VIEW names AS SELECT name FROM boats");
    source.execute("INSERT INTO boats (name) SELECT 'boat ' || n FROM generate_series(1, 100) AS n");
    source.execute("INSERT INTO crews SELECT id, 'crew' FROM boats");
    auto receiver = receiving();
    back_up();
    source.execute("INSERT INTO boats (name) VALUES ('late'), ('later')");
    source.execute("SELECT pg_create_restore_point('mark')");
    source.execute("INSERT INTO boats (name) VALUES ('too late')");
    wait_until_acknowledged();
    end(receiver);
  }

  [[nodiscard]] std::vector<std::string> left_behind() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(path("work"))) found.push_back(entry.path());
    for (const auto pid : server::servers_on(path("work"))) found.push_back(std::to_string(pid));
    return found;
  }
};

TEST_F(ExtractVerb, BringsTablesAndRowsBackFromARepository) {
  make_history();
  source_.connect().execute("DROP TABLE boats CASCADE");
  const auto dropped = extract({"--table", "public.boats", "--replace", "--target-name", "mark"});
  EXPECT_EQ(dropped.code, 0) << dropped.words;
  EXPECT_THAT(dropped.words, AllOf(HasSubstr("in place: public.boats"), HasSubstr("102 rows"),
                                   HasSubstr("in place: view public.names"), HasSubstr("crews_boat_fkey")));
  EXPECT_EQ(ask("SELECT max(name) FROM names"), "later");
  // PostgreSQL logs sequences ahead, so that recovery never leaves them behind.
  EXPECT_GE(std::stoi(ask("INSERT INTO boats (name) VALUES ('new') RETURNING id")), 103);
  EXPECT_THAT(left_behind(), IsEmpty());

  source_.connect().execute("UPDATE boats SET name = 'all the same'");
  const auto rows = extract({"--table", "public.boats", "--where", "id <= 10", "--replace", "--target-name", "mark"});
  EXPECT_EQ(rows.code, 0) << rows.words;
  EXPECT_THAT(rows.words, HasSubstr("10 rows"));
  EXPECT_EQ(ask("SELECT count(*) FROM boats WHERE name <> 'all the same'"), "10");

  const auto beside = extract({"--table", "public.boats", "--beside", "then", "--target-name", "mark"});
  EXPECT_EQ(beside.code, 0) << beside.words;
  EXPECT_EQ(ask("SELECT count(*) FROM boats_then"), "102");
  EXPECT_THAT(left_behind(), IsEmpty());
}

TEST_F(ExtractVerb, LeavesEverythingAsItWasWhenItIsInterrupted) {
  make_history();
  auto holder = source_.connect();
  holder.execute("BEGIN");
  auto running = started_lifeboat(extract_arguments({"--table", "public.boats", "--replace", "--target-name", "mark"}),
                                  "extract.log");
  // The lock is taken late, or the verb would refuse to begin.
  auto watcher = source_.connect();
  base::poll_until(server::soon(), "the scratch server", [&]() -> std::optional<std::string> {
    if (running.poll()) return "it ended: " + base::read_file(path("extract.log"));
    return server::servers_on(path("work")).empty() ? std::optional<std::string>("not there") : std::nullopt;
  });
  holder.execute("LOCK TABLE crews IN ACCESS SHARE MODE");
  base::poll_until(server::soon(), "it to wait for the lock", [&]() -> std::optional<std::string> {
    if (running.poll()) return "it ended: " + base::read_file(path("extract.log"));
    const auto waiting = watcher.query(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lifeboat extract' AND wait_event_type = "
        "'Lock'");
    return waiting.single() == "1" ? std::nullopt : std::optional<std::string>("it does not wait");
  });
  running.send(SIGINT);
  EXPECT_EQ(running.wait(server::soon()).code, interrupted);
  EXPECT_THAT(base::read_file(path("extract.log")), HasSubstr("nothing in the live database was changed"));
  holder.execute("ROLLBACK");
  EXPECT_EQ(ask("SELECT max(name) FROM names"), "too late");
  EXPECT_EQ(ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lifeboat extract'"), "0");
  EXPECT_THAT(left_behind(), IsEmpty());
}

TEST_F(ExtractVerb, SaysWhatStandsInTheWay) {
  make_history();
  struct Case {
    std::vector<std::string> options;
    int code;
    std::string words;
  };
  const std::vector<Case> cases = {
      {{"--table", "public.ships", "--replace", "--target-name", "mark"}, usage, "there was no table public.ships"},
      {{"--table", "public.boats", "--where", "id ==== 3", "--replace"}, usage, "--where id ==== 3"},
      {{"--table", "public.crews", "--where", "true", "--replace"}, usage, "has no primary key"},
      {{"--table", "public.names", "--replace"}, usage, "is a view"},
      {{"--table", "boats", "--replace"}, usage, "without its schema"},
      {{"--table", "public.boats", "--beside", std::string(60, 'x')}, usage, "at most 63"}};
  for (const auto& one : cases) {
    const auto ended = extract(one.options);
    EXPECT_EQ(ended.code, one.code) << ended.words;
    EXPECT_THAT(ended.words, AllOf(HasSubstr(one.words), HasSubstr("what to do: ")));
  }
  const auto elsewhere =
      lifeboat({"extract", "--repo", path("repository"), "--cluster", "boat", "--table", "public.boats", "--replace",
                "--into", source_.conninfo(), "--pg-bindir", bin_directory()});
  EXPECT_EQ(elsewhere.code, usage) << elsewhere.words;
  const auto unreachable =
      lifeboat({"extract", "--repo", path("repository"), "--cluster", "shop", "--table", "public.boats", "--replace",
                "--into", "host=/nowhere dbname=shop", "--pg-bindir", bin_directory()});
  EXPECT_EQ(unreachable.code, unknown) << unreachable.words;
  EXPECT_EQ(ask("SELECT max(name) FROM names"), "too late");
  EXPECT_THAT(left_behind(), IsEmpty());
}

}  // namespace
}  // namespace harness::extract
