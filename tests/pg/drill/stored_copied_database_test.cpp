// A drill of a backup while which a database was copied as files: its report says so, for people too.
#include <gmock/gmock.h>

#include <csignal>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/file.hpp"
#include "tests/pg/drill/stored_cluster.hpp"

namespace harness::drill {
namespace {

namespace base = backup_engine::base;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

void wait_until_files_are_sent(const StoredCluster& cluster) {
  base::poll_until(base::Deadline::after(std::chrono::minutes(5)), "the backup to send files",
                   [&]() -> std::optional<std::string> {
                     const auto rows = cluster.connect().query("SELECT phase FROM pg_stat_progress_basebackup");
                     const auto phase = rows.empty() ? "no backup" : rows[0][0].value_or("");
                     return phase == "streaming database files" ? std::nullopt : std::optional(phase);
                   });
}

TEST(StoredCopies, AreToldInTheReport) {
  const StoredCluster cluster;
  cluster.run("CREATE DATABASE pattern");
  auto backup = cluster.begin_backup({"--max-rate", "4MB"});
  wait_until_files_are_sent(cluster);
  backup.send(SIGSTOP);  // the server has more to send than a socket holds: the backup ends behind what comes now
  cluster.run("CREATE DATABASE fresh TEMPLATE pattern STRATEGY file_copy");
  backup.send(SIGCONT);
  ASSERT_EQ(backup.wait(base::Deadline::after(std::chrono::minutes(2))).code, 0);
  const auto words = base::read_file(cluster.path("backup.log"));
  const auto label = words.substr(0, words.find(':'));
  cluster.wait_until_acknowledged();

  cluster.write_scenario("copied", "", "restore: { kind: full, target: end_of_wal }\nverify: [catalog]\n");
  const auto ended = cluster.drill();
  EXPECT_EQ(ended.code, 0) << ended.words;
  const auto report = cluster.report("copied");
  EXPECT_EQ(report.restores.at(0).backup_label, label);
  EXPECT_THAT(report.restores.at(0).notes, Contains(AllOf(HasSubstr("a caveat"), HasSubstr("\"fresh\""),
                                                          HasSubstr("\"pattern\""), HasSubstr("pg_amcheck"))));
  for (const std::string page : {"report.html", "report.md", "journal.jsonl"}) {
    EXPECT_THAT(base::read_file(cluster.drill_directory("copied") / page), HasSubstr("STRATEGY file"))
        << page << " escapes what stands around";
  }
}

}  // namespace
}  // namespace harness::drill
