// Drills of stored backups that must fail: each passes on an untouched copy first, and then names what was damaged.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <memory>

#include "harness/faults/hide_from_index.hpp"
#include "tests/pg/drill/stored_cluster.hpp"

namespace harness::drill {
namespace {

namespace fs = std::filesystem;
using reports::record::Verdict;
using testing::AllOf;
using testing::HasSubstr;

// Turns one byte in the middle of a file over. Its name, as seen from the repository.
std::string flip_a_byte(const fs::path& repository, const fs::path& file) {
  std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
  const auto middle = static_cast<std::streamoff>(fs::file_size(file) / 2);
  bytes.seekg(middle);
  const auto byte = static_cast<char>(bytes.get() ^ 0x10);
  bytes.seekp(middle);
  bytes.put(byte);
  return file.lexically_relative(repository).string();
}

fs::path largest_file(const fs::path& below) {
  fs::path largest;
  for (const auto& entry : fs::recursive_directory_iterator(below)) {
    if (entry.is_regular_file() && (largest.empty() || entry.file_size() > fs::file_size(largest))) {
      largest = entry.path();
    }
  }
  return largest;
}

struct Damaged {
  StoredCluster cluster{StoredCluster::Repository::in_the_clear, {{"wal_log_hints", "on"}}};
  std::string sound, damaged, newest, pack, manifest;
  StoredCluster::Ended ended;

  Damaged() {
    cluster.run("CREATE TABLE boats (id int PRIMARY KEY, name text)");
    cluster.run("INSERT INTO boats SELECT n, 'boat ' || n FROM generate_series(1, 1000) AS n");
    cluster.run("CREATE TYPE mood AS ENUM ('fair', 'foul')");
    sound = cluster.back_up({"--pgdata", cluster.path("data")});
    auto source = cluster.connect();
    faults::hide_from_index(source, "public.boats_pkey", "INSERT INTO boats VALUES (7, 'the double of 7')");
    source.execute("DELETE FROM pg_type WHERE typname = 'mood'");
    damaged = cluster.back_up({"--pgdata", cluster.path("data")});
    break_a_page_on_disk();
    newest = back_up_damaged_page();
    cluster.wait_until_acknowledged();
    cluster.end_receiver();
    pack = in_a_copy("flipped-pack", [&](const fs::path& copy) {
      return largest_file(copy / "clusters" / "shop" / "backups" / newest / "packs");
    });
    manifest = in_a_copy("flipped-manifest", [&](const fs::path& copy) {
      return copy / "clusters" / "shop" / "backups" / newest / "manifest.json";
    });
    write_scenarios();
    ended = cluster.drill();
  }

 private:
  // The server has it in memory as it was, and goes on.
  void break_a_page_on_disk() const {
    cluster.run("VACUUM boats");  // no reader changes its pages any more
    cluster.run("CHECKPOINT");
    std::fstream file(cluster.path("data") / cluster.ask("SELECT pg_relation_filepath('boats')"),
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(8192 + 5000);
    file.put('\x7F').put('\x01');
  }
  [[nodiscard]] std::string back_up_damaged_page() const {
    auto arguments = cluster.backup_arguments();
    arguments.insert(arguments.end(), {"--pgdata", cluster.path("data")});
    const auto taken = cluster.lifeboat(arguments);
    EXPECT_EQ(taken.code, 1) << taken.words;
    EXPECT_THAT(taken.words, HasSubstr(" block 1: its checksum is wrong"));
    return taken.words.substr(0, taken.words.find(':'));
  }

  template <typename Choose>
  std::string in_a_copy(const std::string& name, const Choose& choose) const {
    const auto copy = cluster.path(name);
    process::Command copying;
    copying.program = "/bin/cp";
    copying.arguments = {"-a", cluster.repository(), copy};
    const auto done = process::run(copying, backup_engine::base::Deadline::after(std::chrono::minutes(5)));
    EXPECT_TRUE(done.status.success()) << done.output;
    return flip_a_byte(copy, choose(copy));
  }

  void write_scenarios() const {
    const auto rest = [](const std::string& checks) {
      return fmt::format("restore: {{ kind: full, target: immediate }}\nverify: [{}]\n", checks);
    };
    const std::string every_check = "amcheck, constraints, catalog";
    cluster.write_scenario("untouched", ", backup: " + sound, rest(every_check));
    cluster.write_scenario("damaged-source", ", backup: " + damaged, rest(every_check));
    cluster.write_scenario("damaged-page", "",
                           "restore: { kind: full, target: end_of_wal }\nverify: [page_checksums]\n");
    cluster.write_scenario("unwritten-setting", ", backup: " + sound, rest("settings"));
    for (const auto* const name : {"flipped-pack", "flipped-manifest"}) {
      std::ofstream(cluster.scenarios() / fmt::format("{}.yaml", name))
          << fmt::format("scenario: {0}\nclaim: It is found.\nsource: {{ repository: {1}, cluster: shop }}\n{2}", name,
                         cluster.path(name).string(), rest("page_checksums"));
    }
  }
};

class DamagedBackup : public testing::Test {
 protected:
  static void SetUpTestSuite() { damaged_ = std::make_unique<Damaged>(); }
  static void TearDownTestSuite() { damaged_.reset(); }

  static const Damaged& damaged() { return *damaged_; }
  static reports::record::Report report(const std::string& scenario) { return damaged().cluster.report(scenario); }
  // The check failed, and one of its findings is about `object`.
  static void expect_finding(const std::string& scenario, const std::string& check, const std::string& object) {
    const auto found = check_of(report(scenario), check);
    EXPECT_EQ(found.verdict, Verdict::fail) << found.summary;
    const bool named = std::any_of(found.findings.begin(), found.findings.end(), [&](const auto& finding) {
      return finding.object.find(object) != std::string::npos || finding.text.find(object) != std::string::npos;
    });
    EXPECT_TRUE(named) << check << " says: " << found.summary;
  }

 private:
  static inline std::unique_ptr<Damaged> damaged_;
};

TEST_F(DamagedBackup, PassesWhereNothingIsDamaged) {
  const auto found = report("untouched");
  EXPECT_EQ(found.verdict, Verdict::pass) << all_words(found);
}

TEST_F(DamagedBackup, FailsForAnIndexThatLacksARowOfItsTable) {
  expect_finding("damaged-source", "amcheck", "boats_pkey");
  expect_finding("damaged-source", "constraints", "boats");
}

TEST_F(DamagedBackup, FailsForACatalogThatRefersToARowThatIsNotThere) {
  expect_finding("damaged-source", "catalog", "pg_enum (enumtypid)");
}

TEST_F(DamagedBackup, FailsForASettingThatTheFilesDoNotGive) {
  expect_finding("unwritten-setting", "settings", "wal_log_hints");
}

TEST_F(DamagedBackup, FailsForAFlippedByteInAPackAndNamesIt) {
  const auto found = report("flipped-pack");
  EXPECT_EQ(found.verdict, Verdict::fail);
  EXPECT_EQ(found.restores.at(0).outcome, "refused");
  EXPECT_EQ(found.restores.at(0).reason, "backup_damaged");
  EXPECT_THAT(check_of(found, "drill").summary, HasSubstr(damaged().pack));
  EXPECT_EQ(found.cleanup.verdict, Verdict::pass);
}

TEST_F(DamagedBackup, FailsForADamagedManifestThoughAnOlderBackupIsSound) {
  const auto found = report("flipped-manifest");
  EXPECT_EQ(found.verdict, Verdict::fail) << all_words(found);
  EXPECT_THAT(check_of(found, "drill").summary, AllOf(HasSubstr("is damaged"), HasSubstr(damaged().newest)));
}

TEST_F(DamagedBackup, FailsForAPageThatWasDamagedOnTheSourceThoughAnOlderBackupGivesItBack) {
  const auto found = report("damaged-page");
  EXPECT_EQ(found.verdict, Verdict::fail) << all_words(found);
  EXPECT_EQ(found.restores.at(0).backup_label, damaged().damaged);
  EXPECT_EQ(check_of(found, "page_checksums").verdict, Verdict::pass);
  expect_finding("damaged-page", "damaged_pages", damaged().newest);
}

TEST_F(DamagedBackup, EndsWithTheCodeOfFailureAndLeavesNothing) {
  EXPECT_EQ(damaged().ended.code, 1) << damaged().ended.words;
  EXPECT_THAT(damaged().cluster.left_in_work(), testing::IsEmpty());
}

}  // namespace
}  // namespace harness::drill
