// What becomes of a restore whose replay would create a tablespace where the WAL says.
#include "backup_engine/restore/new_tablespaces.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "tests/support/refusal.hpp"
#include "tests/unit/backup_engine/restore/small_backup.hpp"

namespace backup_engine::restore {
namespace {

namespace fs = std::filesystem;
using base::ErrorKind;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class RestoreWithANewTablespace : public testing::Test {
 protected:
  void make(const std::string& tablespace, const std::string& created) {
    static_cast<void>(make_small_backup(repository(), {tablespace, "", {}, created}));
  }
  RestoreResult restore(const RestoreRequest& request) {
    base::NoProgress progress;
    return restore_backup(request, progress);
  }
  std::string refusal(const RestoreRequest& request) {
    const auto words = tests::refusal([&] { static_cast<void>(restore(request)); }, ErrorKind::already_exists);
    EXPECT_FALSE(fs::exists(to())) << "nothing was touched";
    return words;
  }
  [[nodiscard]] RestoreRequest request() const { return request_for(repository(), to()); }
  [[nodiscard]] fs::path repository() const { return directory_.path() / "repository"; }
  [[nodiscard]] fs::path to() const { return directory_.path() / "restored"; }
  [[nodiscard]] fs::path place() const { return directory_.path() / "place"; }

  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-test"};
};

TEST_F(RestoreWithANewTablespace, IsRefusedWhereSomethingLies) {
  make("", place());
  fs::create_directories(place() / "PG_15_202209061" / "5");
  EXPECT_THAT(refusal(request()), AllOf(HasSubstr("tablespace 16388 at " + place().string()), HasSubstr("0/2000028"),
                                        HasSubstr("written over"), HasSubstr("an incremental is enough")));
  fs::remove_all(place());
  std::ofstream(place()) << "no directory";
  EXPECT_THAT(refusal(request()), HasSubstr("written over"));
}

TEST_F(RestoreWithANewTablespace, IsRefusedWhereNothingIs) {
  make("", place());
  EXPECT_THAT(refusal(request()), AllOf(HasSubstr("no such directory"), HasSubstr("make it")));
  EXPECT_FALSE(fs::exists(place()));
}

TEST_F(RestoreWithANewTablespace, GoesOnWithANoteWhereADirectoryIsEmpty) {
  make("", place());
  fs::create_directory(place());
  EXPECT_THAT(restore(request()).notes, Contains(HasSubstr("will create tablespace 16388 at " + place().string())));
}

TEST_F(RestoreWithANewTablespace, IsRefusedForAServerThatLifeboatStartsWhateverThePlaceIs) {
  make("", place());
  auto wanted = request();
  wanted.new_tablespaces = NewTablespaces::refuse;
  EXPECT_THAT(refusal(wanted), HasSubstr("nothing was started"));
  fs::create_directory(place());
  EXPECT_THAT(refusal(wanted), HasSubstr("nothing was started"));
}

// Replay takes the link away that the restore made, and puts one to the place that the WAL names.
TEST_F(RestoreWithANewTablespace, IsNoMoreSafeBecauseItsOidIsMapped) {
  make(place(), place());
  auto mapped = request();
  mapped.tablespace_map = {{place(), directory_.path() / "elsewhere"}};
  EXPECT_THAT(refusal(mapped), HasSubstr("no such directory"));
  auto below = request();
  below.other_tablespaces = directory_.path() / "tablespaces";
  below.new_tablespaces = NewTablespaces::refuse;
  EXPECT_THAT(refusal(below), HasSubstr("nothing was started"));
  fs::create_directory(place());
  EXPECT_THAT(restore(mapped).notes, Contains(HasSubstr("and not where it is mapped")));
}

TEST_F(RestoreWithANewTablespace, GoesOnWhereTheRestoreItselfPutsATablespace) {
  make(place(), place());
  auto mapped = request();
  mapped.tablespace_map = {{place(), place()}};
  EXPECT_THAT(restore(mapped).notes, Not(Contains(HasSubstr("will create tablespace"))));
}

TEST_F(RestoreWithANewTablespace, EndsWhereWalEndsNowForAServerThatLifeboatStarts) {
  make("", "");
  auto wanted = request();
  wanted.new_tablespaces = NewTablespaces::refuse;
  static_cast<void>(restore(wanted));
  const auto settings = base::read_file(to() / "postgresql.auto.conf");
  EXPECT_THAT(settings,
              AllOf(HasSubstr("recovery_target_lsn = '0/20000"), HasSubstr("recovery_target_timeline = 'current'")));
  auto plain = request_for(repository(), directory_.path() / "plain");
  static_cast<void>(restore(plain));
  EXPECT_THAT(base::read_file(plain.to / "postgresql.auto.conf"), Not(HasSubstr("recovery_target_lsn = '0/")));
}

}  // namespace
}  // namespace backup_engine::restore
