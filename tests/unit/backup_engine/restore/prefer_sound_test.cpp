// Which backup is restored when the newest holds pages that were damaged on its source.
#include "backup_engine/restore/prefer_sound.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/backup_engine/restore/two_backups.hpp"

namespace backup_engine::restore {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// Two more backups, and no tablespace that is created between them.
class ChooseAmongDamaged : public ChooseRecovery {
 protected:
  static constexpr const char* sound = "20261120T190000Z-full";
  static constexpr const char* broken = "20261120T210000Z-incr";

  void back_up_twice(const std::vector<DamagedPage>& damage) {
    damaged_[broken] = damage;
    back_up(sound, [&] { wal_.commit(720, clock_at("19:00:01")); });
    wal_.filler(3000000);
    wal_.restore_point("nightly", clock_at("20:00:00"));
    wal_.commit(721, clock_at("20:00:01"));
    back_up(broken, [&] { wal_.commit(722, clock_at("21:00:01")); });
    wal_.commit(723, clock_at("22:00:00"));
    wal_.restore_point("late", clock_at("22:30:00"));
    wal_.restore_point("nightly", clock_at("22:40:00"));
    target_ = wal_.commit(724, clock_at("23:00:00"));
  }
  Recovery choose_for(const std::vector<std::string>& databases,
                      const std::map<std::string, std::filesystem::path>& tablespace_map = {}) {
    RestoreRequest request;
    request.tablespace_map = {tablespace_map.begin(), tablespace_map.end()};
    request.repository = repository_.location();
    request.cluster = wal::TemporaryArchive::cluster;
    request.target = spelled_for_postgres({});
    request.databases = databases;
    return choose_recovery(shared_, request);
  }
  std::vector<DamagedPage> two_pages_{{"base/16384/16400", 3}, {"base/16384/16400.1", 7}};
  Lsn target_;
};

TEST_F(ChooseAmongDamaged, TakesAnOlderBackupThatLeadsToTheSamePoint) {
  back_up_twice(two_pages_);
  end_wal();
  for (const RecoveryTarget& target :
       {RecoveryTarget{}, RecoveryTarget{.kind = TargetKind::xid, .value = "724", .timeline = ""},
        RecoveryTarget{.kind = TargetKind::time, .value = "2026-11-20 22:30:00Z", .timeline = ""},
        RecoveryTarget{.kind = TargetKind::name, .value = "late", .timeline = ""},
        RecoveryTarget{.kind = TargetKind::lsn, .value = to_string(target_), .timeline = ""}}) {
    const auto recovery = choose(target);
    EXPECT_EQ(recovery.backup_label, sound) << notes_of(recovery);
    EXPECT_THAT(recovery.passed_over, ElementsAre(broken));
    EXPECT_THAT(notes_of(recovery),
                AllOf(HasSubstr(std::string("backup ") + broken + " was passed over"),
                      HasSubstr("2 damaged pages (base/16384/16400 block 3, base/16384/16400.1 block 7)"),
                      HasSubstr("3.0 MB more WAL"), HasSubstr(std::string("--backup ") + broken)));
  }
  EXPECT_TRUE(choose({}).end) << "the end of WAL as it is now";
}

TEST_F(ChooseAmongDamaged, PassesOverEachThatIsDamaged) {
  damaged_[sound] = {{"global/1260", 0}};
  constexpr const char* soundest = "20261120T180000Z-full";
  back_up(soundest, [] {});
  back_up_twice(two_pages_);
  end_wal();
  EXPECT_EQ(choose({}).backup_label, soundest);
  const auto by_xid = choose(TargetKind::xid, "724");
  EXPECT_EQ(by_xid.backup_label, soundest);
  EXPECT_THAT(by_xid.passed_over, ElementsAre(broken, sound));
  EXPECT_EQ(choose(TargetKind::lsn, to_string(target_)).backup_label, soundest);
}

TEST_F(ChooseAmongDamaged, WarnsWhereNoOlderOneLeadsToTheSamePoint) {
  back_up_twice(two_pages_);
  end_wal();
  const auto warned = [&](const RecoveryTarget& target, const std::string& label) {
    const auto recovery = choose(target, label);
    EXPECT_EQ(recovery.backup_label, broken);
    EXPECT_THAT(recovery.passed_over, testing::IsEmpty());
    EXPECT_THAT(notes_of(recovery), AllOf(HasSubstr("holds 2 damaged pages (base/16384/16400 block 3"),
                                          HasSubstr("pg_filenode_relation"), HasSubstr("REINDEX")));
    return notes_of(recovery);
  };
  EXPECT_THAT(warned({}, broken), HasSubstr("Without --backup"));
  EXPECT_THAT(warned({.kind = TargetKind::immediate, .value = "", .timeline = ""}, ""),
              AllOf(HasSubstr("--backup"), HasSubstr("lifeboat list")));
  // From the older one recovery would stop at the first point of that name.
  EXPECT_THAT(warned({.kind = TargetKind::name, .value = "nightly", .timeline = ""}, ""),
              HasSubstr("No older backup that is known to be without"));
  const auto hole = postgres::segment_holding(one, stops_[sound] + 2 * wal::megabyte, repository_.size);
  repository_.storage().remove(
      store::wal_segment_name(wal::TemporaryArchive::cluster, hole, repository_.size, Codec::lz4));
  for (const RecoveryTarget& target :
       {RecoveryTarget{}, RecoveryTarget{.kind = TargetKind::xid, .value = "724", .timeline = ""},
        RecoveryTarget{.kind = TargetKind::lsn, .value = to_string(target_), .timeline = ""}}) {
    EXPECT_THAT(warned(target, ""), HasSubstr("No older backup that is known to be without"));
  }
}

// Recovery would make it where the source has it, which may be in use there.
TEST_F(ChooseAmongDamaged, TakesNoneWhoseRecoveryCreatesATablespaceMore) {
  constexpr const char* third = "20261120T180000Z-full";
  damaged_[third] = two_pages_;
  back_up(third, [] {});
  const auto last = wal_.commit(711, clock_at("18:30:00"));
  end_wal();
  for (const RecoveryTarget& target :
       {RecoveryTarget{}, RecoveryTarget{.kind = TargetKind::xid, .value = "711", .timeline = ""},
        RecoveryTarget{.kind = TargetKind::lsn, .value = to_string(last), .timeline = ""}}) {
    const auto recovery = choose(target);
    EXPECT_EQ(recovery.backup_label, third);
    EXPECT_THAT(notes_of(recovery), AllOf(HasSubstr("creates tablespaces where the source had them"),
                                          HasSubstr(std::string("--backup ") + second_label)));
  }
}

TEST_F(ChooseAmongDamaged, CountsOnlyWhatIsRestored) {
  back_up_twice(two_pages_);
  end_wal();
  EXPECT_EQ(choose_for({"till"}).backup_label, broken);
  EXPECT_THAT(choose_for({"till"}).notes, testing::IsEmpty());
  EXPECT_EQ(choose_for({"shop"}).backup_label, sound);
}

// Whoever mapped the tablespaces of the newest knows of no other.
TEST_F(ChooseAmongDamaged, TakesNoneWithATablespaceThatWasDroppedSinceUnlessItIsMapped) {
  with_tablespace_ = sound;
  back_up_twice(two_pages_);
  end_wal();
  const auto recovery = choose({});
  EXPECT_EQ(recovery.backup_label, broken);
  EXPECT_THAT(notes_of(recovery), AllOf(HasSubstr(sound), HasSubstr("a tablespace at /srv/dropped that was dropped"),
                                        HasSubstr("--tablespace-map")));
  EXPECT_EQ(choose_for({}, {{"/srv/dropped", "/new"}}).backup_label, sound);
}

TEST_F(ChooseAmongDamaged, TakesNoneOfWhichNobodyKnows) {
  unchecked_ = sound;
  back_up_twice(two_pages_);
  end_wal();
  EXPECT_EQ(choose({}).backup_label, broken);
  EXPECT_EQ(choose(TargetKind::xid, "724").backup_label, broken);
}

// Renamed or made anew: what has the name at the point is another one, which the older one would leave empty.
TEST_F(ChooseAmongDamaged, TakesNoneInWhichAnotherDatabaseHadTheName) {
  shop_ = 16999;
  damaged_[broken] = {{"base/16384/16400", 3}};
  back_up(sound, [&] { wal_.commit(720, clock_at("19:00:01")); });
  shop_ = 16384;
  back_up(broken, [&] { wal_.commit(722, clock_at("21:00:01")); });
  wal_.commit(723, clock_at("22:00:00"));
  end_wal();
  EXPECT_EQ(choose_for({"shop"}).backup_label, broken);
  EXPECT_EQ(choose_for({}).backup_label, sound);
}

TEST_F(ChooseAmongDamaged, LooksPastOneThatEndsBehindThePoint) {
  constexpr const char* slow = "20261120T200000Z-full";
  damaged_[broken] = two_pages_;
  Lsn target;
  back_up(sound, [&] { wal_.commit(720, clock_at("19:00:01")); });
  back_up(slow, [&] {
    back_up(broken, [&] { wal_.commit(722, clock_at("21:00:01")); });
    target = wal_.commit(723, clock_at("22:00:00"));
  });
  wal_.commit(724, clock_at("23:00:00"));
  end_wal();
  EXPECT_EQ(choose(TargetKind::lsn, to_string(target)).backup_label, sound);
  EXPECT_EQ(choose(TargetKind::xid, "723").backup_label, sound);
}

TEST_F(ChooseAmongDamaged, TakesNoneFromBeforeMinimalWal) {
  damaged_[broken] = two_pages_;
  back_up(sound, [&] { wal_.commit(720, clock_at("19:00:01")); });
  wal_.change_parameters(0);
  wal_.commit(721, clock_at("20:00:01"));
  wal_.change_parameters(1);
  back_up(broken, [&] { wal_.commit(722, clock_at("21:00:01")); });
  const auto target = wal_.commit(723, clock_at("22:00:00"));
  end_wal();
  for (const RecoveryTarget& wanted :
       {RecoveryTarget{}, RecoveryTarget{.kind = TargetKind::xid, .value = "723", .timeline = ""},
        RecoveryTarget{.kind = TargetKind::lsn, .value = to_string(target), .timeline = ""}}) {
    EXPECT_EQ(choose(wanted).backup_label, broken);
  }
}

TEST_F(ChooseAmongDamaged, TakesNoneFromWhichRecordsDoNotFollowEachOther) {
  back_up_twice(two_pages_);
  const auto crc = stops_[sound] + 20 - Lsn(3 * wal::megabyte);
  wal_.bytes().at(crc) ^= std::byte{1};  // of the first record behind it; every object is sound
  end_wal();
  for (const RecoveryTarget& target :
       {RecoveryTarget{}, RecoveryTarget{.kind = TargetKind::xid, .value = "724", .timeline = ""},
        RecoveryTarget{.kind = TargetKind::lsn, .value = to_string(target_), .timeline = ""}}) {
    EXPECT_EQ(choose(target).backup_label, broken);
  }
}

}  // namespace
}  // namespace backup_engine::restore
