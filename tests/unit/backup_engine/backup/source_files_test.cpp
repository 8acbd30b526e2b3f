#include "backup_engine/backup/source_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <optional>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/temporary_directory.hpp"

namespace backup_engine::backup {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;

class ListSource : public testing::Test {
 protected:
  ListSource() : temporary_("/var/tmp", "lifeboat-test"), data_(temporary_.path() / "data") {
    fs::create_directory(data_);
  }

  void file(const std::string& path, std::size_t size = 10) {
    fs::create_directories((data_ / path).parent_path());
    std::ofstream(data_ / path) << std::string(size, 'x');
  }
  [[nodiscard]] SourceListing list() const { return list_source(data_, "PG_15_202209061"); }
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> paths;
    for (const auto& each : list().files) paths.push_back(each.path);
    return paths;
  }
  [[nodiscard]] std::vector<std::string> directories() const {
    std::vector<std::string> paths;
    for (const auto& each : list().directories) paths.push_back(each.path);
    return paths;
  }
  [[nodiscard]] SourceFile find(const std::string& path) const {
    for (auto& each : list().files) {
      if (each.path == path) return each;
    }
    ADD_FAILURE() << path << " is not listed";
    return {};
  }

  base::TemporaryDirectory temporary_;
  fs::path data_;
};

TEST_F(ListSource, ListsFilesAndEmptyDirectoriesWithParentsFirst) {
  file("PG_VERSION");
  file("base/1/1259");
  fs::create_directories(data_ / "pg_commit_ts");
  EXPECT_THAT(files(), ElementsAre("PG_VERSION", "base/1/1259"));
  EXPECT_THAT(directories(), ElementsAre("", "base", "base/1", "pg_commit_ts"));
}

TEST_F(ListSource, KeepsModesSizesAndTimes) {
  file("PG_VERSION", 3);
  fs::permissions(data_ / "PG_VERSION", fs::perms(0640));
  const auto version = find("PG_VERSION");
  EXPECT_EQ(version.mode, 0640U);
  EXPECT_EQ(version.size_bytes, 3U);
  struct stat status {};
  ASSERT_EQ(::stat((data_ / "PG_VERSION").c_str(), &status), 0);
  EXPECT_EQ(std::chrono::duration_cast<std::chrono::seconds>(version.modified_at.time_since_epoch()).count(),
            status.st_mtim.tv_sec);
}

TEST_F(ListSource, LeavesPgControlForLast) {
  file("global/pg_control");
  file("global/1262");
  EXPECT_THAT(files(), ElementsAre("global/1262"));
}

TEST_F(ListSource, KeepsDirectoriesWhoseContentsItLeavesOut) {
  for (const auto* const name : {"pg_wal", "pg_replslot", "pg_dynshmem", "pg_notify", "pg_serial", "pg_snapshots",
                                 "pg_subtrans", "pg_stat_tmp"}) {
    file(std::string(name) + "/content");
    EXPECT_THAT(directories(), Contains(name));
  }
  file("pg_wal/archive_status/000000010000000000000001.done");
  file("pg_wal/summaries/x.summary");
  file("pg_replslot/lifeboat/state");
  EXPECT_THAT(files(), ElementsAre());
  EXPECT_THAT(directories(), Contains("pg_wal/archive_status"));
  EXPECT_THAT(directories(), Contains("pg_wal/summaries"));
  EXPECT_THAT(directories(), Not(Contains("pg_replslot/lifeboat")));
}

TEST_F(ListSource, LeavesOutWhatBelongsToTheRunningServer) {
  for (const auto* const name :
       {"postmaster.pid", "postmaster.opts", "postgresql.auto.conf.tmp", "backup_label", "tablespace_map",
        "backup_manifest", "standby.signal", "recovery.signal", "global/pg_internal.init", "base/5/pg_internal.init.77",
        "base/pgsql_tmp/pgsql_tmp1.0", "base/5/t3_16999", "base/5/t3_16999_fsm"}) {
    file(name);
  }
  file("postgresql.auto.conf");
  EXPECT_THAT(files(), ElementsAre("postgresql.auto.conf"));
}

TEST_F(ListSource, KeepsOnlyTheInitForkOfAnUnloggedRelation) {
  for (const auto* const name : {"16384", "16384.1", "16384_fsm", "16384_vm", "16384_init", "16385", "16385_vm"}) {
    file(std::string("base/5/") + name);
  }
  file("base/6/16384");  // the same number in another database is another relation
  EXPECT_THAT(files(), ElementsAre("base/5/16384_init", "base/5/16385", "base/5/16385_vm", "base/6/16384"));
}

TEST_F(ListSource, KnowsWhichFilesHavePageChecksumsAndWhereTheirBlocksStart) {
  file("base/5/16384");
  file("base/5/16384.2");
  file("base/5/PG_VERSION");
  file("global/1262_fsm");
  file("pg_xact/0000");
  EXPECT_EQ(find("base/5/16384").first_block, 0U);
  EXPECT_EQ(find("base/5/16384.2").first_block, 2U * 131072U);
  EXPECT_EQ(find("global/1262_fsm").first_block, 0U);
  EXPECT_EQ(find("base/5/PG_VERSION").first_block, std::nullopt);
  EXPECT_EQ(find("pg_xact/0000").first_block, std::nullopt);
}

TEST_F(ListSource, FollowsATablespaceLinkToThisServersDirectoryOnly) {
  const auto space = temporary_.path() / "space";
  fs::create_directories(space / "PG_15_202209061" / "5");
  fs::create_directories(space / "PG_16_202307071" / "5");
  std::ofstream(space / "PG_15_202209061" / "5" / "16390") << "page";
  std::ofstream(space / "PG_16_202307071" / "5" / "16390") << "another server's";
  fs::create_directory(data_ / "pg_tblspc");
  fs::create_directory_symlink(space, data_ / "pg_tblspc" / "16388");
  const auto listing = list();
  ASSERT_EQ(listing.tablespaces.size(), 1U);
  EXPECT_EQ(listing.tablespaces[0].oid, "16388");
  EXPECT_EQ(listing.tablespaces[0].location, space);
  EXPECT_THAT(files(), ElementsAre("pg_tblspc/16388/PG_15_202209061/5/16390"));
  EXPECT_EQ(listing.files[0].first_block, 0U);
  EXPECT_THAT(directories(), ElementsAre("", "pg_tblspc", "pg_tblspc/16388", "pg_tblspc/16388/PG_15_202209061",
                                         "pg_tblspc/16388/PG_15_202209061/5"));
}

TEST_F(ListSource, TakesAnInPlaceTablespaceAsADirectory) {
  file("pg_tblspc/16388/PG_15_202209061/5/16390");
  const auto listing = list();
  ASSERT_EQ(listing.tablespaces.size(), 1U);
  EXPECT_TRUE(listing.tablespaces[0].location.empty());
  EXPECT_THAT(files(), ElementsAre("pg_tblspc/16388/PG_15_202209061/5/16390"));
}

// "a_space" comes before "pg_tblspc", "z_space" behind it.
TEST_F(ListSource, StoresATablespaceInsideTheDataDirectoryAsOne) {
  file("a_space/PG_15_202209061/5/16390");
  file("a_space/notes");
  file("z_space/PG_15_202209061/5/16391");
  fs::create_directory(data_ / "pg_tblspc");
  fs::create_directory_symlink(data_ / "a_space", data_ / "pg_tblspc" / "16388");
  fs::create_directory_symlink("../z_space", data_ / "pg_tblspc" / "16389");
  EXPECT_THAT(files(), ElementsAre("a_space/notes", "pg_tblspc/16388/PG_15_202209061/5/16390",
                                   "pg_tblspc/16389/PG_15_202209061/5/16391"));
  const auto listing = list();
  ASSERT_EQ(listing.tablespaces.size(), 2U);
  EXPECT_EQ(listing.tablespaces[0].location, data_ / "a_space");
  EXPECT_EQ(listing.tablespaces[1].location, data_ / "z_space");
}

TEST_F(ListSource, StoresATablespaceInTheDataDirectoryItself) {
  file("PG_VERSION");
  file("PG_15_202209061/5/16390");
  fs::create_directory(data_ / "pg_tblspc");
  fs::create_directory_symlink(data_, data_ / "pg_tblspc" / "16388");
  EXPECT_THAT(files(), ElementsAre("PG_VERSION", "pg_tblspc/16388/PG_15_202209061/5/16390"));
}

TEST_F(ListSource, FollowsALinkToADirectoryThatItListsElsewhereToo) {
  file("base/1/1259");
  fs::create_directory_symlink(data_ / "base" / "1", data_ / "also");
  EXPECT_THAT(files(), ElementsAre("also/1259", "base/1/1259"));
}

TEST_F(ListSource, RefusesALinkOfPostgresThatLeadsNowhere) {
  file("base/5/16384");
  fs::create_symlink("/nowhere/at/all", data_ / "base" / "5" / "16385");
  try {
    static_cast<void>(list());
    FAIL() << "listed what it could not see";
  } catch (const base::Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr((data_ / "base/5/16385").string()));
    EXPECT_THAT(error.what(), testing::HasSubstr("/nowhere/at/all"));
  }
}

TEST_F(ListSource, FollowsAWalDirectoryThatLiesElsewhere) {
  fs::create_directories(temporary_.path() / "wal" / "archive_status");
  fs::create_directory_symlink(temporary_.path() / "wal", data_ / "pg_wal");
  EXPECT_THAT(directories(), ElementsAre("", "pg_wal", "pg_wal/archive_status"));
}

TEST_F(ListSource, DoesNotFollowALinkInACircle) {
  file("PG_VERSION");
  fs::create_directory_symlink(data_, data_ / "self");
  EXPECT_THAT(files(), ElementsAre("PG_VERSION"));
}

// Root reads everything, so this asks as somebody else.
TEST_F(ListSource, SaysWhatItMayNotRead) {
  file("base/1/1259");
  fs::permissions(data_ / "base", fs::perms::none);
  const bool root = ::geteuid() == 0;
  if (root) {
    fs::permissions(temporary_.path(), fs::perms(0755));
    ASSERT_EQ(::seteuid(65534), 0);
  }
  std::optional<base::Error> refused;
  try {
    static_cast<void>(list());
  } catch (const base::Error& error) {
    refused = error;
  }
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  fs::permissions(data_ / "base", fs::perms::owner_all);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->kind(), base::ErrorKind::permission);
  EXPECT_THAT(refused->what(), testing::HasSubstr((data_ / "base").string()));
}

TEST_F(ListSource, LeavesOutPipesAndDanglingLinks) {
  fs::create_symlink("/nowhere/at/all", data_ / "dangling");
  fs::create_symlink("other", data_ / "one");
  fs::create_symlink("one", data_ / "other");
  fs::create_symlink("/etc/passwd/below", data_ / "through");
  ASSERT_EQ(::mkfifo((data_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(files(), ElementsAre());
}

}  // namespace
}  // namespace backup_engine::backup
