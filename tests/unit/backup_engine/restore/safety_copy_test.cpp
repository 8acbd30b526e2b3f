// Safety copies of clusters that never ran: what the journal holds, what is refused, and what is left behind.
#include "backup_engine/safety_copy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/mount_points.hpp"
#include "backup_engine/base/refusal.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/refusal.hpp"
#include "backup_engine/restore/existing_directory.hpp"
#include "backup_engine/restore/safety_journal.hpp"
#include "tests/support/refusal.hpp"
#include "tests/unit/backup_engine/restore/small_backup.hpp"
#include "tests/unit/backup_engine/restore/working_process.hpp"

namespace backup_engine::restore {
namespace {

namespace fs = std::filesystem;
using base::ErrorKind;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

void write(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

SafetyJournal some_journal() {
  SafetyJournal journal;
  journal.state = SafetyCopyState::clearing;
  journal.layout = SafetyCopyLayout::inside;
  journal.taken_at = *base::parse_rfc3339("2026-11-22T02:15:00.250000Z");
  journal.data_directory = "/srv/data";
  journal.cluster = "main";
  journal.repository = {"/srv/backups", "/etc/key"};
  journal.backup_label = "20261122T011500Z-full";
  journal.system_identifier = 7345000000000000042;
  journal.timeline = postgres::TimelineId(3);
  journal.tablespaces = {{"pg_tblspc/16388", "/mnt/fast", "PG_15_202209061", true, false},
                         {"pg_tblspc/16389", "/mnt/new", "PG_15_202209061", false, true}};
  return journal;
}

TEST(SafetyJournal, ReadsWhatItWrote) {
  auto journal = some_journal();
  for (const auto state : {SafetyCopyState::setting_aside, SafetyCopyState::set_aside, SafetyCopyState::clearing,
                           SafetyCopyState::returning, SafetyCopyState::returned, SafetyCopyState::dropping}) {
    journal.state = state;
    const auto text = encode(journal);
    const auto read = decode_safety_journal(text, "j");
    EXPECT_EQ(read.state, state);
    EXPECT_EQ(encode(read), text) << "nothing is lost on the way";
  }
  EXPECT_EQ(journal.tablespaces[0].aside(), "/mnt/fast/PG_15_202209061.lifeboat-safety-copy");
  EXPECT_EQ(journal.tablespaces[0].undone(), "/mnt/fast/PG_15_202209061.lifeboat-undone");
}

TEST(SafetyJournal, BelievesNothingThatWasChanged) {
  auto text = encode(some_journal());
  text.replace(text.find("/mnt/fast"), 9, "/mnt/slow");
  EXPECT_THAT(tests::refusal([&] { static_cast<void>(decode_safety_journal(text, "j")); }, ErrorKind::corrupt),
              HasSubstr("j"));
  auto elsewhere = some_journal();
  elsewhere.tablespaces[0].version_directory = "PG_15/../..";
  tests::refusal([&] { static_cast<void>(decode_safety_journal(encode(elsewhere), "j")); }, ErrorKind::corrupt);
}

TEST(MountPoints, AreThoseAtAPathAndBelowIt) {
  const std::string text =
      "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
      "30 22 8:2 / /srv/data rw,relatime shared:1 - ext4 /dev/sdb1 rw\n"
      "31 30 8:3 / /srv/data/pg\\040wal rw - ext4 /dev/sdc1 rw\n"
      "32 22 8:4 / /srv/database rw - ext4 /dev/sdd1 rw\n";
  EXPECT_THAT(base::mount_points_in("/srv/data", text), ElementsAre("/srv/data", "/srv/data/pg wal"));
  EXPECT_THAT(base::mount_points_in("/srv/other", text), testing::IsEmpty());
  EXPECT_THAT(base::mount_points_in("/proc"), testing::Contains("/proc"));
}

class RestoreOfASmallBackupInPlace : public testing::TestWithParam<SafetyCopyLayout> {
 protected:
  RestoreOfASmallBackupInPlace() {
    static_cast<void>(make_small_backup(repository(), {"/srv/fast", ""}));
    auto wanted = request_for(repository(), to());
    wanted.tablespace_map = {{"/srv/fast", space()}};
    restore(wanted);
    write(to() / "base/1/77777", "of the old cluster");
    write(space() / "PG_15_202209061/16390", "of the old cluster");
  }
  RestoreResult restore(const RestoreRequest& wanted) {
    base::NoProgress progress;
    return restore_backup(wanted, progress);
  }
  std::string refusal(const RestoreRequest& wanted, ErrorKind kind) {
    return tests::refusal([&] { restore(wanted); }, kind);
  }
  [[nodiscard]] RestoreRequest in_place() const {
    auto wanted = request_for(repository(), to());
    wanted.existing = ExistingFiles::set_aside;
    wanted.confirmed_system_identifier = 42;
    wanted.safety_copy_layout = GetParam();
    return wanted;
  }
  void write_control(std::vector<std::byte> control) const {
    const auto crc = base::crc32c(std::span(control).first(288));
    std::memcpy(control.data() + 288, &crc, sizeof crc);
    write(to() / "global/pg_control", {reinterpret_cast<const char*>(control.data()), control.size()});
  }
  void expect_old_cluster() const {
    EXPECT_EQ(base::read_file(to() / "base/1/77777"), "of the old cluster");
    EXPECT_EQ(base::read_file(space() / "PG_15_202209061/16390"), "of the old cluster");
    EXPECT_EQ(std::distance(fs::directory_iterator(space()), fs::directory_iterator()), 1);
  }

  [[nodiscard]] fs::path repository() const { return directory_.path() / "repository"; }
  [[nodiscard]] fs::path to() const { return directory_.path() / "restored"; }
  [[nodiscard]] fs::path space() const { return directory_.path() / "space"; }

  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-test"};
};

TEST_P(RestoreOfASmallBackupInPlace, MustBeConfirmedWithTheIdentifierThatIsThere) {
  auto wanted = in_place();
  wanted.confirmed_system_identifier.reset();
  EXPECT_THAT(refusal(wanted, ErrorKind::usage), HasSubstr("--confirm-system-identifier 42"));
  wanted.confirmed_system_identifier = 43;
  EXPECT_THAT(refusal(wanted, ErrorKind::mismatch), AllOf(HasSubstr("42"), HasSubstr("43")));
  expect_old_cluster();
}

TEST_P(RestoreOfASmallBackupInPlace, RefusesAnotherClusterHoweverItIsConfirmed) {
  auto control = sound_control_file();
  control[0] = std::byte{43};
  write_control(control);
  auto wanted = in_place();
  wanted.confirmed_system_identifier = 43;
  EXPECT_THAT(refusal(wanted, ErrorKind::mismatch), HasSubstr("43"));
  expect_old_cluster();
}

TEST_P(RestoreOfASmallBackupInPlace, RefusesWhereThereIsNoClusterToReplace) {
  auto wanted = in_place();
  wanted.to = directory_.path() / "absent";
  EXPECT_THAT(refusal(wanted, ErrorKind::not_found), HasSubstr("without --in-place"));
  fs::rename(to() / "global/pg_control", to() / "global" / mark_name);
  EXPECT_THAT(refusal(in_place(), ErrorKind::already_exists), HasSubstr("did not end"));
  expect_old_cluster();
}

TEST_P(RestoreOfASmallBackupInPlace, RefusesWhereAServerRuns) {
  const WorkingProcess server(to(), "postgres");
  EXPECT_THAT(refusal(in_place(), ErrorKind::usage), HasSubstr(std::to_string(server.id())));
  expect_old_cluster();
}

TEST_P(RestoreOfASmallBackupInPlace, RefusesASecondOneUntilTheFirstIsRolledBackOrDropped) {
  const auto folder = restore(in_place()).safety_copy;
  EXPECT_EQ(folder, safety_folder(to(), GetParam()));
  EXPECT_FALSE(fs::exists(to() / "base/1/77777"));
  EXPECT_EQ(fs::file_size(space() / "PG_15_202209061/16390"), 9000U) << "where it was, without a map";
  EXPECT_THAT(refusal(in_place(), ErrorKind::already_exists), HasSubstr("safety-copy roll-back"));
  roll_back_safety_copy(to());
  expect_old_cluster();
  EXPECT_FALSE(fs::exists(folder));
  static_cast<void>(restore(in_place()));
  drop_safety_copy(to());
  EXPECT_FALSE(fs::exists(folder));
  EXPECT_TRUE(fs::exists(to() / "global/pg_control"));
  tests::refusal([&] { roll_back_safety_copy(to()); }, ErrorKind::not_found);
}

// Delta removes what the backup does not have: the safety copy is no part of the cluster.
TEST_P(RestoreOfASmallBackupInPlace, StaysWhenTheRestoredClusterIsRestoredOver) {
  static_cast<void>(restore(in_place()));
  auto wanted = in_place();
  wanted.existing = ExistingFiles::compare;
  wanted.tablespace_map = {{"/srv/fast", space()}};
  static_cast<void>(restore(wanted));
  roll_back_safety_copy(to());
  expect_old_cluster();
}

TEST_P(RestoreOfASmallBackupInPlace, PutsATablespaceElsewhereAndTakesItAwayAgain) {
  auto wanted = in_place();
  const auto elsewhere = directory_.path() / "elsewhere";
  wanted.tablespace_map = {{"/srv/fast", elsewhere}};
  static_cast<void>(restore(wanted));
  EXPECT_TRUE(find_safety_copy(to()).tablespaces.empty()) << "what is not written to stays where it is";
  EXPECT_TRUE(fs::exists(elsewhere / "PG_15_202209061/16390"));
  roll_back_safety_copy(to());
  EXPECT_FALSE(fs::exists(elsewhere));
  expect_old_cluster();
}

TEST_P(RestoreOfASmallBackupInPlace, RollsBackOverNothingThatTheRestoreHasNotPutThere) {
  static_cast<void>(restore(in_place()));
  auto control = sound_control_file();
  control[0] = std::byte{44};  // somebody made a new cluster there
  write_control(control);
  EXPECT_THAT(tests::refusal([&] { roll_back_safety_copy(to()); }, ErrorKind::mismatch), HasSubstr("44"));
  fs::remove(to() / "global/pg_control");
  EXPECT_THAT(tests::refusal([&] { roll_back_safety_copy(to()); }, ErrorKind::already_exists), HasSubstr("Move them"));
  EXPECT_TRUE(fs::exists(to() / "base/1/1259")) << "nothing was touched";
}

TEST_P(RestoreOfASmallBackupInPlace, KeepsTheOnlyClusterThereIsFromBeingDropped) {
  const auto folder = restore(in_place()).safety_copy;
  fs::rename(to() / "global/pg_control", to() / "global" / mark_name);  // as if it had not ended
  EXPECT_EQ(find_safety_copy(to()).in_its_place, InItsPlace::unfinished_restore);
  EXPECT_THAT(tests::refusal([&] { drop_safety_copy(to()); }, ErrorKind::usage), HasSubstr("roll-back"));
  const auto result = restore(in_place());
  EXPECT_TRUE(result.continued);
  EXPECT_EQ(result.safety_copy, folder);
  roll_back_safety_copy(to());
  expect_old_cluster();
}

// While everything is set aside, the link leads to nothing.
TEST_P(RestoreOfASmallBackupInPlace, FollowsALinkToADataDirectoryThatIsSetAside) {
  const auto link = directory_.path() / "pgdata", second = directory_.path() / "current";
  fs::create_directory_symlink("restored", link);
  fs::create_directory_symlink(link, second);
  const auto folder = restore(in_place()).safety_copy;
  const auto take_restored_away = [&] {
    fs::remove_all(space() / "PG_15_202209061");
    const std::vector<fs::directory_entry> entries{fs::directory_iterator(to()), {}};
    for (const auto& entry : entries) {
      if (entry.path() != folder) fs::remove_all(entry);
    }
    if (GetParam() == SafetyCopyLayout::beside) fs::remove(to());
  };
  take_restored_away();
  EXPECT_EQ(find_safety_copy(second).folder, folder);
  auto wanted = in_place();
  wanted.to = second;
  EXPECT_EQ(restore(wanted).safety_copy, folder);
  take_restored_away();
  roll_back_safety_copy(link);
  expect_old_cluster();
}

TEST_P(RestoreOfASmallBackupInPlace, FailsWithTheWayBackToTheOldCluster) {
  for (const auto& file : fs::recursive_directory_iterator(repository())) {
    if (file.path().extension() != ".pack") continue;
    std::fstream(file.path(), std::ios::in | std::ios::out | std::ios::binary).seekp(200) << "damage";
  }
  std::string reason;
  const auto restoring = [&] {
    try {
      restore(in_place());
    } catch (const base::Error& error) {
      reason = base::reason_of(error);
      throw;
    }
  };
  const auto words = tests::refusal(restoring, ErrorKind::corrupt);
  EXPECT_EQ(reason, refusal::backup_damaged) << "told with the way back as without";
  if (find_safety_folder(to())) {
    EXPECT_THAT(words, HasSubstr("safety-copy roll-back --to " + to().string()));
    roll_back_safety_copy(to());
  }
  expect_old_cluster();
}

INSTANTIATE_TEST_SUITE_P(BothLayouts, RestoreOfASmallBackupInPlace,
                         testing::Values(SafetyCopyLayout::beside, SafetyCopyLayout::inside), [](const auto& tested) {
                           return tested.param == SafetyCopyLayout::inside ? "Inside" : "Beside";
                         });

}  // namespace
}  // namespace backup_engine::restore
