// Drills of an encrypted repository that, as its key, only root may read, while the restored servers run as somebody
// else: WAL is served to them, and what is wrong with it is found all the same.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <memory>

#include "backup_engine/base/file.hpp"
#include "reports/record/journal.hpp"
#include "tests/pg/drill/lifeboat_command.hpp"
#include "tests/pg/drill/stored_cluster.hpp"

namespace harness::drill {
namespace {

namespace fs = std::filesystem;
using backup_engine::base::read_file;
using reports::record::Verdict;
using testing::AllOf;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr int failed = 1, interrupted = 130;

// A full backup, a whole segment behind it and a part of the next one, in a repository and in a copy of it whose whole
// segment is damaged.
struct HiddenRepository {
  StoredCluster cluster{StoredCluster::Repository::encrypted};
  std::string damaged_segment;

  HiddenRepository() {
    cluster.run("CREATE TABLE boats (name text PRIMARY KEY)");
    (void)cluster.back_up();
    cluster.run("INSERT INTO boats VALUES ('in a whole segment')");
    const auto segment = cluster.ask("SELECT pg_walfile_name(pg_current_wal_lsn())");
    cluster.run("SELECT pg_switch_wal()");
    cluster.run("INSERT INTO boats VALUES ('in an open segment')");
    cluster.wait_until_acknowledged();
    cluster.end_receiver();
    copy_with_damage(segment);
    hide(cluster.repository());
    hide(cluster.path("damaged"));
    EXPECT_EQ(::chown(cluster.path("key").c_str(), 0, 0), 0);
    EXPECT_EQ(::chmod(cluster.path("key").c_str(), 0400), 0);
    write_scenario("sound", cluster.repository());
    write_scenario("damaged", cluster.path("damaged"));
  }

 private:
  void copy_with_damage(const std::string& segment) {
    fs::copy(cluster.repository(), cluster.path("damaged"), fs::copy_options::recursive);
    for (const auto& entry : fs::recursive_directory_iterator(cluster.path("damaged"))) {
      const auto name = entry.path().filename().string();
      if (!entry.is_regular_file() || !name.starts_with(segment)) continue;
      damaged_segment = name;
      std::fstream bytes(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      const auto middle = static_cast<std::streamoff>(entry.file_size() / 2);
      bytes.seekg(middle);
      const auto flipped = static_cast<char>(bytes.get() ^ 0x10);
      bytes.seekp(middle);
      bytes.put(flipped);
    }
    EXPECT_EQ(damaged_segment, segment + ".lz4") << "it is whole";
  }

  static void hide(const fs::path& repository) {
    EXPECT_EQ(::chown(repository.c_str(), 0, 0), 0);
    EXPECT_EQ(::chmod(repository.c_str(), 0700), 0);
    for (const auto& entry : fs::recursive_directory_iterator(repository)) {
      EXPECT_EQ(::lchown(entry.path().c_str(), 0, 0), 0);
    }
  }

  void write_scenario(const std::string& name, const fs::path& repository) const {
    fs::create_directories(cluster.scenarios());
    std::ofstream(cluster.scenarios() / "boats.sql")
        << "-- name: both boats\nSELECT n FROM (SELECT count(*) AS n FROM boats) AS c WHERE n <> 2;\n";
    std::ofstream(cluster.scenarios() / (name + ".yaml")) << fmt::format(
        "scenario: {}\nclaim: A backup that nobody else may read comes back.\n"
        "source: {{ repository: {}, cluster: shop, key_file: {} }}\n"
        "restore: {{ kind: full, target: end_of_wal }}\nverify: [page_checksums, {{ sql: boats.sql }}]\n",
        name, repository.string(), cluster.path("key").string());
  }
};

class ServedDrill : public LifeboatCommand {
 protected:
  static void SetUpTestSuite() { hidden_ = std::make_unique<HiddenRepository>(); }
  static void TearDownTestSuite() { hidden_.reset(); }

  static const HiddenRepository& hidden() { return *hidden_; }

  [[nodiscard]] process::Subprocess drill(const std::string& scenario, const Arguments& further = {}) const {
    Arguments arguments = {"run", hidden().cluster.scenarios() / (scenario + ".yaml"), "--out", out(), "--progress",
                           "none"};
    arguments.insert(arguments.end(), further.begin(), further.end());
    return started(arguments, "words");
  }
  [[nodiscard]] static backup_engine::base::Deadline soon() {
    return backup_engine::base::Deadline::after(std::chrono::seconds(120));
  }
  [[nodiscard]] reports::record::Report report(const std::string& scenario) const {
    return reports::record::read_report(drill_directory(scenario) / "report.json");
  }
  [[nodiscard]] std::vector<reports::record::JournalEvent> journal(const std::string& scenario) const {
    return reports::record::read_journal(drill_directory(scenario) / "journal.jsonl");
  }
  static auto event(const std::string& name) { return Field(&reports::record::JournalEvent::event, name); }

 private:
  static inline std::unique_ptr<HiddenRepository> hidden_;
};

TEST_F(ServedDrill, PassesAndLeavesNoWayToTheKeyInWhatItRestored) {
  auto running = drill("sound", {"--keep", "always"});
  EXPECT_EQ(running.wait(soon()).code, 0) << read_file(path("words"));
  const auto found = report("sound");
  EXPECT_EQ(found.verdict, Verdict::pass) << all_words(found);
  EXPECT_EQ(check_of(found, "sql boats.sql").verdict, Verdict::pass) << "all WAL was replayed";
  EXPECT_EQ(found.restores.at(0).exact.met, true) << all_words(found);
  EXPECT_THAT(journal("sound"), Contains(event("wal.serve")));

  int restored = 0;
  for (const auto& entry : fs::recursive_directory_iterator(drill_directory("sound"))) {
    if (entry.path().filename() != "postgresql.auto.conf") continue;
    ++restored;
    EXPECT_THAT(read_file(entry.path()), AllOf(HasSubstr("--socket"), Not(HasSubstr("--key-file")),
                                               Not(HasSubstr(hidden().cluster.repository()))));
  }
  EXPECT_EQ(restored, 2) << "both copies were kept";
  for (const auto& made : directories_made_by(running.pid())) ADD_FAILURE() << made << " is left";
}

TEST_F(ServedDrill, DoesNotPassWhenASegmentIsDamagedAndNamesIt) {
  auto running = drill("damaged");
  EXPECT_EQ(running.wait(soon()).code, failed) << read_file(path("words"));
  const auto found = report("damaged");
  EXPECT_EQ(found.verdict, Verdict::fail);
  EXPECT_THAT(all_words(found), HasSubstr(hidden().damaged_segment));
  EXPECT_THAT(journal("damaged"), AllOf(Contains(event("wal.serve")), Contains(event("restore.failed"))));
  EXPECT_THAT(directories_made_by(running.pid()), IsEmpty());
}

TEST_F(ServedDrill, LeavesNothingWhenItIsInterrupted) {
  auto running = drill("sound");
  wait_for_event("sound", "recovery.begin");
  ASSERT_THAT(directories_made_by(running.pid()),
              Contains(testing::ResultOf([](const fs::path& made) { return fs::exists(made / "wal"); }, true)));
  running.send(SIGINT);
  EXPECT_EQ(running.wait(soon()).code, interrupted) << read_file(path("words"));
  EXPECT_THAT(directories_made_by(running.pid()), IsEmpty());
  EXPECT_THAT(processes(), IsEmpty());
}

}  // namespace
}  // namespace harness::drill
