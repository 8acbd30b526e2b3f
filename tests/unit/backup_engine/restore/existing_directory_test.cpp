// Restores over what is there already: what stays, what goes, and what is refused before anything is touched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <fstream>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/encryption.hpp"
#include "backup_engine/restore.hpp"
#include "backup_engine/restore/existing_directory.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/wal/wal_archive.hpp"
#include "tests/support/refusal.hpp"
#include "tests/unit/backup_engine/restore/small_backup.hpp"
#include "tests/unit/backup_engine/restore/working_process.hpp"

namespace backup_engine::restore {
namespace {

namespace fs = std::filesystem;
using base::ErrorKind;
using testing::AllOf;
using testing::HasSubstr;

void write(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

class RestoreOverACluster : public testing::Test {
 protected:
  // The repository, and a cluster that was restored from it.
  SmallBackup make_cluster(const SmallBackupOptions& options = {}) {
    auto backup = make_small_backup(repository(), options);
    auto wanted = request(ExistingFiles::refuse);
    if (!options.tablespace.empty()) wanted.tablespace_map = {{options.tablespace, space()}};
    static_cast<void>(restore(wanted));
    return backup;
  }
  RestoreResult restore(const RestoreRequest& wanted) {
    base::NoProgress progress;
    return restore_backup(wanted, progress);
  }
  RestoreResult restore(ExistingFiles existing) { return restore(request(existing)); }
  std::string refusal(const RestoreRequest& wanted, ErrorKind kind) {
    return tests::refusal([&] { static_cast<void>(restore(wanted)); }, kind);
  }
  std::string refusal(ExistingFiles existing, ErrorKind kind) { return refusal(request(existing), kind); }
  void expect_everything(const SmallBackup& backup) const {
    for (const auto& [path, bytes] : backup.files) {
      if (path == "postgresql.auto.conf") continue;
      const auto text = base::read_file(to() / path);
      ASSERT_EQ(text.size(), bytes.size()) << path;
      EXPECT_TRUE(bytes.empty() || std::memcmp(text.data(), bytes.data(), bytes.size()) == 0) << path;
    }
    EXPECT_TRUE(fs::exists(to() / "recovery.signal"));
  }
  // Leaves the directory as a restore that was ended in its midst does.
  void make_half_done() const {
    fs::rename(to() / "global/pg_control", to() / "global" / mark_name);
    fs::resize_file(to() / "base/1/1259", 100);
  }

  [[nodiscard]] RestoreRequest request(ExistingFiles existing) const {
    auto wanted = request_for(repository(), to());
    wanted.existing = existing;
    return wanted;
  }
  [[nodiscard]] fs::path repository() const { return directory_.path() / "repository"; }
  [[nodiscard]] fs::path to() const { return directory_.path() / "restored"; }
  [[nodiscard]] fs::path space() const { return directory_.path() / "space"; }

  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-test"};
};

TEST_F(RestoreOverACluster, WritesOnlyTheBlocksThatDiffer) {
  const auto backup = make_cluster();
  auto table = base::read_file(to() / "base/1/1259");
  table[5000] = static_cast<char>(table[5000] + 1);  // in the second block of 4096 bytes
  write(to() / "base/1/1259", table);
  const auto result = restore(ExistingFiles::compare);
  // Every file but the texts that a restore makes; pg_control is written anew.
  const auto control_bytes = 8192U;
  EXPECT_EQ(result.reused_bytes, result.restored_bytes - 4096 - control_bytes);
  expect_everything(backup);
  EXPECT_FALSE(result.continued);
}

TEST_F(RestoreOverACluster, ComparesWithTheHashesOfAnEncryptedRepository) {
  const auto key = directory_.path() / "key";
  make_key_file(key);
  const auto backup = make_small_backup(repository(), {"", "", key});
  auto wanted = request(ExistingFiles::refuse);
  wanted.repository.key_file = key;
  static_cast<void>(restore(wanted));
  auto table = base::read_file(to() / "base/1/1259");
  table[5000] = static_cast<char>(table[5000] + 1);
  write(to() / "base/1/1259", table);
  wanted.existing = ExistingFiles::compare;
  const auto result = restore(wanted);
  const auto control_bytes = 8192U;
  EXPECT_EQ(result.reused_bytes, result.restored_bytes - 4096 - control_bytes);
  expect_everything(backup);
}

TEST_F(RestoreOverACluster, KeepsTheInodeOfAFileThatStays) {
  make_cluster();
  struct stat before {
  }, after{};
  ASSERT_EQ(::stat((to() / "base/1/1259").c_str(), &before), 0);
  restore(ExistingFiles::compare);
  ASSERT_EQ(::stat((to() / "base/1/1259").c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
  EXPECT_EQ(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec) << "nothing was written to it";
}

TEST_F(RestoreOverACluster, TrustsNeitherSizeNorTime) {
  const auto backup = make_cluster();
  const auto path = to() / "base/1/1259";
  const auto time = fs::last_write_time(path);
  auto table = base::read_file(path);
  table[39'999] = static_cast<char>(table[39'999] + 1);
  write(path, table);
  fs::last_write_time(path, time);
  restore(ExistingFiles::compare);
  expect_everything(backup);
}

TEST_F(RestoreOverACluster, RemovesWhatTheBackupDoesNotHave) {
  const auto backup = make_cluster();
  fs::create_directories(to() / "base/5/deep");
  write(to() / "base/5/deep/1", "of a new database");
  write(to() / "pg_wal/000000010000000000000007", "old wal");
  write(to() / "standby.signal", "");
  write(to() / "postmaster.opts", "");
  fs::remove(to() / "base/1/16384");
  const auto result = restore(ExistingFiles::compare);
  expect_everything(backup);
  for (const auto* const gone : {"base/5", "pg_wal/000000010000000000000007", "standby.signal", "postmaster.opts",
                                 "global/pg_control.lifeboat-restoring", "global/pg_control.lifeboat-next"}) {
    EXPECT_FALSE(fs::exists(to() / gone)) << gone;
  }
  EXPECT_GE(result.removed_files, 4U);
}

TEST_F(RestoreOverACluster, PutsModesBack) {
  make_cluster();
  fs::permissions(to() / "base/1/1259", fs::perms::owner_all | fs::perms::others_all);
  fs::permissions(to() / "base/1", fs::perms::owner_all | fs::perms::others_all);
  fs::permissions(to(), fs::perms::owner_all | fs::perms::group_read);
  restore(ExistingFiles::compare);
  EXPECT_EQ(fs::status(to() / "base/1/1259").permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(fs::status(to() / "base/1").permissions(), fs::perms::owner_all);
  EXPECT_EQ(fs::status(to()).permissions(), fs::perms::owner_all);
}

TEST_F(RestoreOverACluster, ChangesNoCopyThatSharesFilesByHardLinks) {
  const auto backup = make_cluster();
  write(to() / "base/1/1259", "changed later");
  fs::create_hard_link(to() / "base/1/1259", directory_.path() / "snapshot");
  restore(ExistingFiles::compare);
  EXPECT_EQ(base::read_file(directory_.path() / "snapshot"), "changed later");
  expect_everything(backup);
}

TEST_F(RestoreOverACluster, WritesThroughNoLink) {
  const auto backup = make_cluster();
  const auto elsewhere = directory_.path() / "wal-of-another";
  fs::create_directory(elsewhere);
  write(elsewhere / "000000010000000000000001", "precious");
  fs::remove_all(to() / "pg_wal");
  fs::create_directory_symlink(elsewhere, to() / "pg_wal");
  fs::remove(to() / "base/1/1259");
  write(directory_.path() / "file-of-another", "precious");
  fs::create_symlink(directory_.path() / "file-of-another", to() / "base/1/1259");
  const auto result = restore(ExistingFiles::compare);
  EXPECT_EQ(base::read_file(elsewhere / "000000010000000000000001"), "precious");
  EXPECT_EQ(base::read_file(directory_.path() / "file-of-another"), "precious");
  EXPECT_TRUE(fs::is_directory(fs::symlink_status(to() / "pg_wal")));
  EXPECT_THAT(result.notes, testing::Contains(AllOf(HasSubstr("pg_wal"), HasSubstr(elsewhere.string()))));
  expect_everything(backup);
}

TEST_F(RestoreOverACluster, IsRefusedUnlessItIsAskedFor) {
  make_cluster();
  EXPECT_THAT(refusal(ExistingFiles::refuse, ErrorKind::already_exists), HasSubstr("--delta"));
}

TEST_F(RestoreOverACluster, WritesATablespaceOnlyWhereTheDirectorysOwnLinkLeads) {
  make_cluster({"/srv/fast", ""});
  write(space() / "PG_15_202209061/16390", "changed");
  write(space() / "PG_15_202209061/5", "is new");
  write(space() / "of-the-administrator", "keep");
  auto wanted = request(ExistingFiles::compare);
  EXPECT_THAT(refusal(wanted, ErrorKind::usage), HasSubstr("/srv/fast")) << "never without being told";
  fs::create_directory(directory_.path() / "foreign");
  write(directory_.path() / "foreign/file", "keep");
  wanted.tablespace_map = {{"/srv/fast", directory_.path() / "foreign"}};
  EXPECT_THAT(refusal(wanted, ErrorKind::already_exists), HasSubstr(space().string()));
  wanted.tablespace_map = {{"/srv/fast", space()}};
  restore(wanted);
  EXPECT_EQ(fs::file_size(space() / "PG_15_202209061/16390"), 9000U);
  EXPECT_FALSE(fs::exists(space() / "PG_15_202209061/5"));
  EXPECT_EQ(base::read_file(space() / "of-the-administrator"), "keep");
}

TEST_F(RestoreOverACluster, MovesATablespaceAndLeavesTheOldPlace) {
  make_cluster({"/srv/fast", ""});
  auto wanted = request(ExistingFiles::compare);
  wanted.tablespace_map = {{"/srv/fast", directory_.path() / "other"}};
  const auto result = restore(wanted);
  EXPECT_EQ(fs::read_symlink(to() / "pg_tblspc/16388"), directory_.path() / "other");
  EXPECT_EQ(fs::file_size(directory_.path() / "other/PG_15_202209061/16390"), 9000U);
  EXPECT_TRUE(fs::exists(space() / "PG_15_202209061/16390"));
  EXPECT_THAT(result.notes, testing::Contains(HasSubstr(space().string())));
}

// Promoted, some commits, and lost before the checkpoint behind the promotion had ended: pg_control says timeline 1.
TEST_F(RestoreOverACluster, RemovesNoWalOfATimelineThatPgControlDoesNotKnowYet) {
  make_cluster();
  const auto storage = store::open_repository({repository().string()});
  wal::WalArchive archive(*storage, "main", {}, {});
  const postgres::TimelineId two{2};
  archive.put_history(two, "1\t0/2000100\tno recovery target specified\n");
  constexpr std::size_t held_bytes = 0x200;
  const postgres::Lsn start(0x2000000);
  archive.put_part(two, start, std::vector<std::byte>(held_bytes, std::byte{1}));
  std::string page(8192, '\0');
  const auto address = start.position_bytes();
  std::memcpy(page.data() + 8, &address, sizeof address);
  page[held_bytes] = 1;
  const auto segment = to() / "pg_wal/000000020000000000000002";
  write(segment, page);
  auto wanted = request(ExistingFiles::compare);
  wanted.target.kind = TargetKind::immediate;
  EXPECT_THAT(refusal(wanted, ErrorKind::usage), AllOf(HasSubstr("timeline 2 behind 0/2000200"), HasSubstr(segment)));
  EXPECT_TRUE(fs::exists(segment));
  page[held_bytes] = 0;  // nothing behind what is held
  write(segment, page);
  restore(wanted);
}

TEST_F(RestoreOverACluster, RefusesAnotherCluster) {
  make_cluster();
  auto control = sound_control_file();
  control[0] = std::byte{43};
  const auto crc = base::crc32c(std::span(control).first(288));
  std::memcpy(control.data() + 288, &crc, sizeof crc);
  write(to() / "global/pg_control", {reinterpret_cast<const char*>(control.data()), control.size()});
  write(to() / "base/1/1259", "keep");
  EXPECT_THAT(refusal(ExistingFiles::compare, ErrorKind::mismatch), AllOf(HasSubstr("43"), HasSubstr("42")));
  EXPECT_EQ(base::read_file(to() / "base/1/1259"), "keep");
  make_half_done();
  refusal(ExistingFiles::refuse, ErrorKind::mismatch);
}

TEST_F(RestoreOverACluster, RefusesWhatIsNoDataDirectory) {
  static_cast<void>(make_small_backup(repository()));
  fs::create_directory(to());
  write(to() / "letters", "keep");
  EXPECT_THAT(refusal(ExistingFiles::compare, ErrorKind::already_exists), HasSubstr(to().string()));
  fs::create_directory(to() / "global");
  write(to() / "global/pg_control", "no such thing");
  EXPECT_THAT(refusal(ExistingFiles::compare, ErrorKind::already_exists), HasSubstr("pg_control"));
  EXPECT_EQ(base::read_file(to() / "letters"), "keep");
}

TEST_F(RestoreOverACluster, RefusesWhereAServerRuns) {
  make_cluster();
  const WorkingProcess server(to());
  write(to() / "postmaster.pid", std::to_string(server.id()) + "\n" + to().string() + "\n");
  EXPECT_THAT(refusal(ExistingFiles::compare, ErrorKind::usage),
              AllOf(HasSubstr(std::to_string(server.id())), HasSubstr("pg_ctl stop")));
  EXPECT_TRUE(fs::exists(to() / "global/pg_control")) << "nothing was touched";
  make_half_done();
  refusal(ExistingFiles::compare, ErrorKind::usage);
}

TEST_F(RestoreOverACluster, IgnoresAPostmasterPidWhoseProcessIsGoneOrAnother) {
  const auto backup = make_cluster();
  pid_t gone = 0;
  {
    const WorkingProcess ended(to());
    gone = ended.id();
  }
  write(to() / "postmaster.pid", std::to_string(gone) + "\n");
  restore(ExistingFiles::compare);
  const WorkingProcess other(directory_.path());  // its number was another's once
  write(to() / "postmaster.pid", std::to_string(other.id()) + "\n");
  restore(ExistingFiles::compare);
  expect_everything(backup);
  EXPECT_FALSE(fs::exists(to() / "postmaster.pid"));
}

TEST_F(RestoreOverACluster, RefusesWhereAnotherRestoreIsAtWork) {
  make_cluster();
  const DirectoryLock other(to());
  EXPECT_THAT(refusal(ExistingFiles::compare, ErrorKind::usage), HasSubstr("another restore"));
}

TEST_F(RestoreOverACluster, GoesOnByItselfWhereARestoreDidNotEnd) {
  const auto backup = make_cluster();
  for (const auto existing : {ExistingFiles::refuse, ExistingFiles::compare}) {
    make_half_done();
    write(to() / "global" / next_control_name, "half");
    const auto result = restore(existing);
    EXPECT_TRUE(result.continued);
    EXPECT_GT(result.reused_bytes, 0U);
    expect_everything(backup);
  }
}

TEST_F(RestoreOverACluster, GoesOnAfterABlockThatCouldNotBeRead) {
  const auto backup = make_small_backup(repository());
  fs::path pack;
  for (const auto& file : fs::recursive_directory_iterator(repository())) {
    if (file.path().extension() == ".pack") pack = file.path();
  }
  const auto sound = base::read_file(pack);
  auto damaged = sound;
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] + 1);
  write(pack, damaged);
  refusal(ExistingFiles::refuse, ErrorKind::corrupt);
  EXPECT_FALSE(fs::exists(to() / "global/pg_control"));
  write(pack, sound);
  EXPECT_TRUE(restore(ExistingFiles::refuse).continued);
  expect_everything(backup);
}

TEST_F(RestoreOverACluster, TakesWhatABeginningRestoreLeftForNothing) {
  const auto backup = make_small_backup(repository());
  fs::create_directories(to() / "global");
  write(to() / "global" / mark_name, "");  // its content was lost with the power
  static_cast<void>(restore(ExistingFiles::refuse));
  expect_everything(backup);
}

TEST_F(RestoreOverACluster, RefusesAMarkThatIsNone) {
  make_cluster();
  make_half_done();
  write(to() / "global" / mark_name, "somebody's");
  EXPECT_THAT(refusal(ExistingFiles::refuse, ErrorKind::already_exists), HasSubstr(mark_name));
}

}  // namespace
}  // namespace backup_engine::restore
