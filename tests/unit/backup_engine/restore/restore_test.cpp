// Restores of a backup that no server ever made: what comes out, and what is refused.
#include "backup_engine/restore.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/refusal.hpp"
#include "backup_engine/base/space.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/refusal.hpp"
#include "backup_engine/store/file_table.hpp"
#include "backup_engine/store/framed_object.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "tests/support/refusal.hpp"
#include "tests/unit/backup_engine/restore/small_backup.hpp"

namespace backup_engine::restore {
namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;
using testing::HasSubstr;
using testing::Not;

class RestoreSmallBackup : public testing::Test {
 protected:
  RestoreResult restore(const RestoreRequest& request) {
    base::NoProgress progress;
    return restore_backup(request, progress);
  }
  std::string refusal(const RestoreRequest& request, ErrorKind kind) {
    return tests::refusal([&] { static_cast<void>(restore(request)); }, kind);
  }
  // The reason and the words by which a restore is refused, not_found, that `progress` looks on at.
  std::pair<std::string, std::string> refused_while(base::Progress& progress) {
    try {
      static_cast<void>(restore_backup(request(), progress));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::not_found);
      return {base::reason_of(error), describe(error)};
    }
    return {"none", "was not refused"};
  }
  [[nodiscard]] RestoreRequest request() const { return request_for(repository(), to()); }
  [[nodiscard]] fs::path repository() const { return directory_.path() / "repository"; }
  [[nodiscard]] fs::path to() const { return directory_.path() / "restored"; }

  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-test"};
};

TEST_F(RestoreSmallBackup, BringsEveryByteBack) {
  const auto backup = make_small_backup(repository());
  const auto result = restore(request());
  EXPECT_EQ(result.backup_label, backup.label);
  for (const auto& [path, bytes] : backup.files) {
    if (path == "postgresql.auto.conf") continue;
    const auto text = base::read_file(to() / path);
    ASSERT_EQ(text.size(), bytes.size()) << path;
    EXPECT_TRUE(bytes.empty() || std::memcmp(text.data(), bytes.data(), bytes.size()) == 0) << path;
  }
  for (const auto& path : backup.directories) EXPECT_TRUE(fs::is_directory(to() / path)) << path;
  EXPECT_TRUE(fs::exists(to() / "recovery.signal"));
  EXPECT_FALSE(fs::exists(to() / "global" / "pg_control.lifeboat-restoring"));
  EXPECT_THAT(base::read_file(to() / "postgresql.auto.conf"), HasSubstr("work_mem = '3MB'"));
  EXPECT_THAT(base::read_file(to() / "postgresql.auto.conf"), Not(HasSubstr("'old'")));
  EXPECT_EQ(base::read_file(to() / "postgresql.auto.conf").find('\0'), std::string::npos)
      << "PostgreSQL would not start";
}

// Removes something once the restore begins to write.
class RemovesMeanwhile final : public base::Progress {
 public:
  explicit RemovesMeanwhile(fs::path path) : path_(std::move(path)) {}
  void begin(std::string_view, std::uint64_t) override { fs::remove_all(path_); }
  void advance(std::uint64_t) override {}
  void end() override {}

 private:
  fs::path path_;
};

TEST_F(RestoreSmallBackup, SaysThatItsBackupExpiredMeanwhile) {
  SmallBackupOptions options;
  options.many_packs = true;
  const auto backup = make_small_backup(repository(), options);
  RemovesMeanwhile expire(repository() / store::backup_prefix("main", backup.label));
  const auto told = tests::refusal([&] { static_cast<void>(restore_backup(request(), expire)); }, ErrorKind::io);
  EXPECT_THAT(told, testing::AllOf(HasSubstr("backup " + backup.label + " of cluster 'main' expired while it was"),
                                   HasSubstr(".pack"), HasSubstr("Restore again"), HasSubstr("lifeboat list")));
  EXPECT_FALSE(fs::exists(to() / "global" / "pg_control"));
}

TEST_F(RestoreSmallBackup, SaysOfPacksThatAreMissingThatTheyAre) {
  SmallBackupOptions options;
  options.many_packs = true;
  const auto backup = make_small_backup(repository(), options);
  RemovesMeanwhile loss(repository() / store::backup_prefix("main", backup.label) / "packs");
  const auto [reason, told] = refused_while(loss);
  EXPECT_THAT(told, testing::AllOf(HasSubstr(".pack"), Not(HasSubstr("expired"))));
  EXPECT_EQ(reason, refusal::backup_damaged);

  fs::remove_all(to());
  fs::remove_all(repository());
  static_cast<void>(make_small_backup(repository(), options));
  RemovesMeanwhile unmount(repository());
  const auto [no_reason, unmounted] = refused_while(unmount);
  EXPECT_THAT(unmounted, Not(HasSubstr("expired")));
  EXPECT_EQ(no_reason, "") << "of a repository that is not there nobody knows what its backup has lost";
}

TEST_F(RestoreSmallBackup, LeavesZeroBlocksAsHoles) {
  static_cast<void>(make_small_backup(repository()));
  restore(request());
  struct stat status {};
  ASSERT_EQ(::stat((to() / "base/1/16384").c_str(), &status), 0);
  EXPECT_LT(status.st_blocks * 512, status.st_size);
}

TEST_F(RestoreSmallBackup, MakesThePrivateDirectoryThatPostgresqlWants) {
  static_cast<void>(make_small_backup(repository()));
  restore(request());
  EXPECT_EQ(fs::status(to()).permissions(), fs::perms::owner_all);
}

TEST_F(RestoreSmallBackup, PutsATablespaceWhereItIsTold) {
  const auto backup = make_small_backup(repository(), {"/srv/fast", ""});
  EXPECT_THAT(refusal(request(), ErrorKind::usage), HasSubstr("/srv/fast"));
  auto mapped = request();
  mapped.tablespace_map = {{"/srv/fast", directory_.path() / "space"}};
  restore(mapped);
  EXPECT_EQ(fs::read_symlink(to() / "pg_tblspc/16388"), directory_.path() / "space");
  EXPECT_EQ(fs::file_size(directory_.path() / "space/PG_15_202209061/16390"), 9000U);
}

TEST_F(RestoreSmallBackup, RefusesATablespaceInsideTheDataDirectoryOrOverOtherFiles) {
  static_cast<void>(make_small_backup(repository(), {"/srv/fast", ""}));
  auto mapped = request();
  mapped.tablespace_map = {{"/srv/fast", to() / "inside"}};
  refusal(mapped, ErrorKind::usage);
  mapped.tablespace_map = {{"/srv/fast", directory_.path()}};
  refusal(mapped, ErrorKind::usage);
  fs::create_directory(directory_.path() / "full");
  std::ofstream(directory_.path() / "full" / "file") << "x";
  mapped.tablespace_map = {{"/srv/fast", directory_.path() / "full"}};
  refusal(mapped, ErrorKind::already_exists);
  EXPECT_FALSE(fs::exists(to())) << "nothing was touched";
}

TEST_F(RestoreSmallBackup, TakesTheWayBackToTheSourceOutOfTheConfiguration) {
  static_cast<void>(make_small_backup(repository(), {"", "/etc/postgresql/postgresql.conf"}));
  restore(request());
  EXPECT_FALSE(fs::is_symlink(to() / "postgresql.conf"));
  const auto text = base::read_file(to() / "postgresql.conf");
  EXPECT_THAT(text, HasSubstr("port = 5433"));
  EXPECT_THAT(text, Not(HasSubstr("/srv/production")));
  EXPECT_THAT(base::read_file(to() / "backup_manifest"), HasSubstr("\"Path\": \"postgresql.conf\", \"Size\": "));
}

// Whoever can write into the repository must not be able to write anywhere else through a restore.
TEST_F(RestoreSmallBackup, WritesNothingWhereAnEntryLeadsOutOfItsTablespace) {
  const auto evil = directory_.path() / "evil";
  const auto backup = make_small_backup(repository(), {"/srv/fast", ""});
  const auto storage = store::open_repository({repository().string()});
  const auto name = store::file_table_name("main", backup.label);
  const store::FileTable table(store::read_framed(*storage, name, store::ObjectKind::file_table), name);
  std::vector<store::FileEntry> entries;
  for (std::size_t i = 0; i < table.size(); ++i) {
    entries.push_back(table.entry(i));
    if (entries.back().path == "pg_tblspc/16388/PG_15_202209061/16390") {
      entries.back().path = "pg_tblspc/16388/" + evil.string();
    }
  }
  storage->remove(name);
  store::put_framed(*storage, name, store::ObjectKind::file_table, {}, store::encode_file_table(entries),
                    store::Durability::now);
  auto mapped = request();
  mapped.tablespace_map = {{"/srv/fast", directory_.path() / "space"}};
  EXPECT_THAT(refusal(mapped, ErrorKind::corrupt), HasSubstr(name));
  EXPECT_FALSE(fs::exists(evil));
  EXPECT_FALSE(fs::exists(to()));
}

TEST_F(RestoreSmallBackup, RefusesADirectoryThatIsNotEmpty) {
  static_cast<void>(make_small_backup(repository()));
  fs::create_directory(to());
  std::ofstream(to() / "mine") << "keep";
  EXPECT_THAT(refusal(request(), ErrorKind::already_exists), HasSubstr(to().string()));
  EXPECT_EQ(base::read_file(to() / "mine"), "keep");
  EXPECT_EQ(std::distance(fs::directory_iterator(to()), fs::directory_iterator()), 1);
}

TEST_F(RestoreSmallBackup, RefusesAPlaceAmongTheRepositorysObjects) {
  static_cast<void>(make_small_backup(repository(), {"/srv/fast", ""}));
  auto mapped = request();
  mapped.tablespace_map = {{"/srv/fast", repository() / "space"}};
  EXPECT_THAT(refusal(mapped, ErrorKind::usage), HasSubstr(repository().string()));
  fs::create_directory_symlink(repository(), directory_.path() / "link");
  EXPECT_THAT(refusal(request_for(repository(), directory_.path() / "link" / "inside"), ErrorKind::usage),
              HasSubstr(repository().string()));
  EXPECT_FALSE(fs::exists(repository() / "inside"));
}

TEST_F(RestoreSmallBackup, RefusesAFileAndALinkInItsPlace) {
  static_cast<void>(make_small_backup(repository()));
  std::ofstream(to()) << "a file";
  refusal(request(), ErrorKind::already_exists);
  fs::remove(to());
  fs::create_directory(directory_.path() / "empty");
  fs::create_directory_symlink(directory_.path() / "empty", to());
  refusal(request(), ErrorKind::already_exists);
  EXPECT_TRUE(fs::is_empty(directory_.path() / "empty"));
}

TEST_F(RestoreSmallBackup, RefusesWhatIsNoRepositoryOrHoldsNoSuchBackup) {
  refusal(request(), ErrorKind::not_found);
  static_cast<void>(make_small_backup(repository()));
  auto other = request();
  other.backup_label = "20200101T000000Z-full";
  refusal(other, ErrorKind::not_found);
  other = request();
  other.lifeboat = "lifeboat";
  refusal(other, ErrorKind::usage);
  EXPECT_FALSE(fs::exists(to()));
}

TEST_F(RestoreSmallBackup, NamesTheObjectOfADamagedBlock) {
  static_cast<void>(make_small_backup(repository()));
  for (const auto& file : fs::recursive_directory_iterator(repository())) {
    if (file.path().extension() != ".pack") continue;
    std::fstream pack(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    pack.seekp(static_cast<std::streamoff>(fs::file_size(file.path()) / 2));
    pack.put('\x55').put('\x55').put('\x55').put('\x55');
  }
  EXPECT_THAT(refusal(request(), ErrorKind::corrupt), HasSubstr(".pack"));
  EXPECT_FALSE(fs::exists(to() / "global" / "pg_control")) << "and what is there cannot start";
}

TEST_F(RestoreSmallBackup, StopsWhenAsked) {
  static_cast<void>(make_small_backup(repository()));
  std::stop_source stop;
  stop.request_stop();
  base::NoProgress progress;
  EXPECT_THROW(static_cast<void>(restore_backup(request(), progress, stop.get_token())), Error);
  EXPECT_FALSE(fs::exists(to() / "global" / "pg_control"));
}

TEST(RequireSpace, WantsHalfAsMuchAgain) {
  EXPECT_NO_THROW(base::require_space("the restore", "/srv/data", 1000, 1500));
  try {
    base::require_space("the restore", "/srv/data", 1'000'000, 1'499'999);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::no_space);
    EXPECT_THAT(error.what(), HasSubstr("/srv/data"));
    EXPECT_FALSE(error.remedy().empty());
  }
}

}  // namespace
}  // namespace backup_engine::restore
