// Which backup a target is recovered from, where recovery will stop, and what is said when it cannot.
#include "backup_engine/restore/choose_recovery.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/restore/target_value.hpp"
#include "backup_engine/store/manifest.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/wal/start_position.hpp"
#include "tests/support/newer_format.hpp"
#include "tests/unit/backup_engine/wal/shared_storage.hpp"
#include "tests/unit/backup_engine/wal/temporary_archive.hpp"
#include "tests/unit/backup_engine/wal/wal_builder.hpp"

namespace backup_engine::restore {
namespace {

using base::Error;
using base::ErrorKind;
using postgres::Lsn;
using postgres::TimelineId;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using wal::WalBuilder;

constexpr TimelineId one{1}, two{2};
constexpr const char* first_label = "20261120T100000Z-full";
constexpr const char* second_label = "20261120T140000Z-full";

base::UtcTime clock_at(const std::string& time) {
  return *base::parse_rfc3339("2026-11-20T" + time + "Z");
}

// Two backups with transactions before, between and behind them.
class ChooseRecovery : public testing::Test {
 protected:
  void SetUp() override {
    wal_.filler(200);
    back_up(first_label, [&] { early_ = wal_.commit(700, clock_at("10:00:01")); });
    wal_.commit(701, clock_at("11:00:00"));
    once_ = wal_.restore_point("once", clock_at("11:30:00"));
    wal_.filler(3000000);
    wal_.create_tablespace(16400, "/srv/between");
    middle_ = wal_.commit(702, clock_at("12:00:00"), {703});
    wal_.restore_point("daily", clock_at("12:30:00"));
    wal_.abort(704, clock_at("13:00:00"));
    wal_.prepare(705);
    back_up(second_label, [&] {
      wal_.commit(706, clock_at("14:00:01"));
      wal_.create_tablespace(16401, "/srv/meanwhile");
    });
    wal_.commit(707, clock_at("15:00:00"));
    daily_ = wal_.restore_point("daily", clock_at("15:30:00"));
    wal_.create_tablespace(16402, "/srv/behind");
    again_ = wal_.restore_point("daily", clock_at("16:30:00"));
    wal_.commit_prepared(705, clock_at("16:45:00"));
    wal_.prepare(708);
    wal_.filler(100, 709);
    last_ = wal_.commit(710, clock_at("17:00:00"));
    tail_ = wal_.filler(50);
  }
  void end_wal() { wal_.put_into(repository_.archive()); }

  template <typename During>
  void back_up(const std::string& label, During during, TimelineId timeline = one) {
    store::Manifest manifest;
    auto& summary = manifest.summary;
    summary.cluster = wal::TemporaryArchive::cluster;
    summary.label = label;
    summary.source = "files";
    summary.postgres_major = 15;
    summary.system_identifier = 42;
    summary.timeline = timeline;
    summary.start_lsn = wal_.filler(80);
    during();
    wal_.filler(40);
    summary.stop_lsn = wal_.end();
    summary.started_at = summary.finished_at = clock_at("23:00:00");  // another host's clock
    const auto hour = label.substr(std::string("20261120T").size(), 2);
    if (const auto damaged = damaged_.find(label); damaged != damaged_.end()) manifest.damaged_pages = damaged->second;
    summary.damaged_pages = manifest.damaged_pages.size();
    manifest.databases = {
        {1, "template1", true}, {5, "postgres", false}, {16384, "shop", false}, {16385, "till", false}};
    if (label != undated_) summary.stopped_at = clock_at(hour + ":00:02");
    stops_[label] = summary.stop_lsn;
    manifest.wal_segment_size = repository_.size;
    manifest.block_size_bytes = 4096;
    repository_.storage().put(store::manifest_name(summary.cluster, label), store::encode_manifest(manifest),
                              store::Durability::now);
  }

  Recovery choose(const RecoveryTarget& target, const std::string& label = "") {
    RestoreRequest request;
    request.repository = repository_.location();
    request.cluster = wal::TemporaryArchive::cluster;
    request.backup_label = label;
    request.target = spelled_for_postgres(target);
    return choose_recovery(shared_, request);
  }
  Recovery choose(TargetKind kind, const std::string& value, bool inclusive = true) {
    return choose({.kind = kind, .value = value, .inclusive = inclusive, .timeline = ""});
  }
  static std::string notes_of(const Recovery& recovery) {
    std::string text = recovery.backup_label;
    for (const auto& note : recovery.notes) text += "\n" + note;
    return text;
  }
  std::string refusal(const RecoveryTarget& target, const std::string& label = "",
                      ErrorKind kind = ErrorKind::not_found) {
    try {
      ADD_FAILURE() << "was accepted: " << notes_of(choose(target, label));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << describe(error);
      EXPECT_TRUE(kind == ErrorKind::corrupt || !error.remedy().empty());
      return describe(error);
    }
    return "";
  }
  std::string refusal(TargetKind kind, const std::string& value) {
    return refusal({.kind = kind, .value = value, .timeline = ""});
  }

  wal::TemporaryArchive repository_;
  wal::SharedStorage shared_{repository_.storage()};
  WalBuilder wal_{Lsn(3 * wal::megabyte), wal::megabyte};
  Lsn early_, once_, middle_, daily_, again_, last_, tail_;
  std::map<std::string, Lsn> stops_;
  std::map<std::string, std::vector<DamagedPage>> damaged_;
  std::string undated_;  // the label of a backup that does not tell the server's time of its stop
};

TEST_F(ChooseRecovery, TakesTheNewestBackupWithoutAPosition) {
  end_wal();
  EXPECT_EQ(choose({}).backup_label, second_label);
  EXPECT_EQ(choose(TargetKind::immediate, "").backup_label, second_label);
  EXPECT_TRUE(choose({}).notes.empty());
}

TEST_F(ChooseRecovery, ReachesAPositionThatIsReceivedJustThen) {
  end_wal();
  const auto held = wal_.end();
  const auto next = wal_.commit(711, clock_at("18:00:00"));
  ASSERT_LT(next - wal::start_of_segment(held, repository_.size), wal::megabyte);
  const auto folder =
      store::wal_folder(wal::TemporaryArchive::cluster, segment_holding(one, next, repository_.size), repository_.size);
  const auto arrived = std::span(wal_.bytes()).subspan(held - Lsn(3 * wal::megabyte));
  shared_.before_list([&] { repository_.archive().put_part(one, held, arrived); }, folder);
  EXPECT_EQ(choose(TargetKind::lsn, to_string(next)).backup_label, second_label);
}

TEST_F(ChooseRecovery, TakesForNewestWhatStoppedLastInTheWalWhateverItsLabel) {
  constexpr const char* stepped_back = "20261120T010000Z-full";
  back_up(stepped_back, [&] { wal_.commit(711, clock_at("18:00:00")); });
  end_wal();
  EXPECT_EQ(choose({}).backup_label, stepped_back);
  EXPECT_EQ(choose(TargetKind::immediate, "").backup_label, stepped_back);
}

TEST_F(ChooseRecovery, StopsBeforeTheFirstTransactionThatIsTooLate) {
  end_wal();
  const auto later = choose(TargetKind::time, "2026-11-20 15:00:00Z");
  EXPECT_EQ(later.backup_label, second_label);
  EXPECT_THAT(notes_of(later), HasSubstr("before the commit of prepared transaction 705"));
  EXPECT_THAT(notes_of(choose(TargetKind::time, "2026-11-20 15:00:00Z", false)),
              HasSubstr("before the commit of transaction 707"));
  EXPECT_THAT(notes_of(choose(TargetKind::time, "2026-11-20 12:30:00Z")),
              AllOf(HasSubstr(first_label), HasSubstr("before the rollback of transaction 704")));
}

// Its backup had not ended yet when the first later transaction did.
TEST_F(ChooseRecovery, PassesOverABackupThatEndsBehindTheStop) {
  end_wal();
  EXPECT_EQ(choose(TargetKind::time, "2026-11-20 13:59:59Z").backup_label, first_label);
  EXPECT_EQ(choose(TargetKind::time, "2026-11-20 14:00:02Z").backup_label, second_label);
  EXPECT_EQ(choose(TargetKind::xid, "706").backup_label, first_label);
  EXPECT_EQ(choose(TargetKind::xid, "707").backup_label, second_label);
  EXPECT_EQ(choose(TargetKind::lsn, to_string(stops_[second_label]), false).backup_label, second_label);
  EXPECT_EQ(choose(TargetKind::lsn, to_string(Lsn(stops_[second_label].position_bytes() - 80)), false).backup_label,
            first_label);
}

// Commit times go backwards in WAL now and then: the first that is too late ends recovery, whatever follows.
TEST_F(ChooseRecovery, StopsAtTheFirstTransactionThatIsTooLateThoughEarlierOnesFollow) {
  wal_.commit(721, clock_at("18:00:05"));
  wal_.commit(722, clock_at("18:00:04"));
  wal_.commit(723, clock_at("18:00:06"));
  end_wal();
  EXPECT_THAT(notes_of(choose(TargetKind::time, "2026-11-20 18:00:04Z")),
              HasSubstr("before the commit of transaction 721"));
  EXPECT_THAT(refusal(TargetKind::time, "2026-11-20 18:00:06Z"), HasSubstr("the latest is transaction 723"));
}

// No transaction ended between the time and the backup's stop in its own WAL, so PostgreSQL would stop behind it
// without a word; but what was committed before the backup began may be too late already.
TEST_F(ChooseRecovery, TakesNoBackupThatWasTakenAfterTheTime) {
  const auto third_label = "20261120T190000Z-full";
  back_up(third_label, [] {});
  wal_.commit(720, clock_at("20:00:00"));
  end_wal();
  EXPECT_EQ(choose(TargetKind::time, "2026-11-20 18:00:00Z").backup_label, second_label);
  EXPECT_EQ(choose(TargetKind::time, "2026-11-20 19:30:00Z").backup_label, third_label);
  EXPECT_THAT(refusal({.kind = TargetKind::time, .value = "2026-11-20 18:00:00Z", .timeline = ""}, third_label,
                      ErrorKind::usage),
              HasSubstr("it lies before the end of backup 20261120T190000Z-full"));
}

TEST_F(ChooseRecovery, TakesTheHostsClockOfABackupThatKnowsNoOther) {
  undated_ = "20261120T190000Z-full";
  back_up(undated_, [] {});
  wal_.commit(720, clock_at("23:30:00"));
  end_wal();
  EXPECT_EQ(choose(TargetKind::time, "2026-11-20 22:00:00Z").backup_label, second_label);
  EXPECT_EQ(choose(TargetKind::time, "2026-11-20 23:10:00Z").backup_label, undated_);
}

TEST_F(ChooseRecovery, FindsTransactionsOfEveryEnding) {
  end_wal();
  EXPECT_THAT(notes_of(choose(TargetKind::xid, "702")),
              AllOf(HasSubstr(first_label), HasSubstr("after the commit of transaction 702 at " + to_string(middle_))));
  EXPECT_THAT(notes_of(choose(TargetKind::xid, "704", false)), HasSubstr("before the rollback of transaction 704"));
  EXPECT_THAT(notes_of(choose(TargetKind::xid, "705")), HasSubstr("after the commit of prepared transaction 705"));
  EXPECT_THAT(notes_of(choose(TargetKind::xid, std::to_string((1ULL << 32U) + 707))), HasSubstr("transaction 707"));
}

TEST_F(ChooseRecovery, FindsTheRecordAtAPosition) {
  end_wal();
  EXPECT_THAT(notes_of(choose(TargetKind::lsn, to_string(daily_))),
              AllOf(HasSubstr(second_label), HasSubstr("after the record at " + to_string(daily_))));
  EXPECT_THAT(notes_of(choose(TargetKind::lsn, to_string(middle_), false)),
              AllOf(HasSubstr(first_label), HasSubstr("before the record at " + to_string(middle_))));
  EXPECT_THAT(notes_of(choose(TargetKind::lsn, to_string(middle_ + 1))), Not(HasSubstr("at " + to_string(middle_))));
}

TEST_F(ChooseRecovery, SaysWhichOfTwoRestorePointsIsTaken) {
  end_wal();
  const auto once = choose(TargetKind::name, "once");
  EXPECT_EQ(once.backup_label, first_label);
  EXPECT_EQ(once.notes.size(), 1U) << notes_of(once);
  const auto daily = notes_of(choose(TargetKind::name, "daily"));
  EXPECT_THAT(daily,
              AllOf(HasSubstr(second_label), HasSubstr("after restore point \"daily\" at " + to_string(daily_))));
  EXPECT_THAT(daily, AllOf(HasSubstr("not the only one"), HasSubstr("earlier: "), HasSubstr("2026-11-20T12:30:00"),
                           HasSubstr("later: " + to_string(again_)), HasSubstr("--target-lsn")));
}

TEST_F(ChooseRecovery, RefusesWhatLiesBeforeTheFirstBackupsEnd) {
  end_wal();
  for (const auto& text : {refusal(TargetKind::time, "2026-11-20 09:00:00Z"), refusal(TargetKind::xid, "700"),
                           refusal(TargetKind::lsn, to_string(early_)), refusal(TargetKind::lsn, "0/1")}) {
    EXPECT_THAT(text, AllOf(HasSubstr(first_label), HasSubstr(to_string(stops_[first_label])),
                            HasSubstr("What can be reached: from the end of backup"), HasSubstr("10:00:02"),
                            HasSubstr("transaction 710 at " + to_string(last_)), HasSubstr(to_string(wal_.end()))));
  }
}

TEST_F(ChooseRecovery, RefusesWhatIsNotInTheWal) {
  end_wal();
  EXPECT_THAT(refusal(TargetKind::xid, "999"), HasSubstr("no transaction of this id ended"));
  EXPECT_THAT(refusal(TargetKind::xid, "703"),
              AllOf(HasSubstr("subtransaction of transaction 702"), HasSubstr("Give transaction 702 instead")));
  EXPECT_THAT(refusal(TargetKind::xid, "708"), HasSubstr("prepared, and neither committed nor rolled back"));
  EXPECT_THAT(refusal(TargetKind::xid, "709"), HasSubstr("had not ended yet"));
  EXPECT_THAT(refusal(TargetKind::name, "nowhere"), HasSubstr("no restore point of this name"));
  EXPECT_THAT(refusal(TargetKind::lsn, to_string(wal_.end())),
              AllOf(HasSubstr("ends at " + to_string(wal_.end())), HasSubstr("Without a target")));
}

TEST_F(ChooseRecovery, RefusesATimeThatNoLaterTransactionMarks) {
  end_wal();
  EXPECT_THAT(refusal(TargetKind::time, "2026-11-20 17:00:00Z"),
              AllOf(HasSubstr("the latest is transaction 710"), HasSubstr("2026-11-20T17:00:00.000000Z"),
                    HasSubstr("Without a target recovery takes everything")));
  EXPECT_EQ(choose(TargetKind::time, "2026-11-20 17:00:00Z", false).backup_label, second_label);
}

TEST_F(ChooseRecovery, TakesTheBackupAskedForOrSaysThatItCannot) {
  end_wal();
  const RecoveryTarget middle{.kind = TargetKind::xid, .value = "702", .timeline = ""};
  EXPECT_EQ(choose({.kind = TargetKind::xid, .value = "707", .timeline = ""}, first_label).backup_label, first_label);
  EXPECT_THAT(refusal(middle, second_label, ErrorKind::usage),
              AllOf(HasSubstr(second_label), HasSubstr("Without --backup")));
  const RecoveryTarget first_daily{.kind = TargetKind::name, .value = "daily", .timeline = ""};
  EXPECT_THAT(notes_of(choose(first_daily, first_label)), HasSubstr("2026-11-20T12:30:00"));
}

TEST_F(ChooseRecovery, DoesNotReachOverAHole) {
  end_wal();
  const auto hole = postgres::segment_holding(one, once_ + wal::megabyte, repository_.size);
  repository_.storage().remove(
      store::wal_segment_name(wal::TemporaryArchive::cluster, hole, repository_.size, Codec::lz4));
  EXPECT_EQ(choose(TargetKind::xid, "707").backup_label, second_label);
  EXPECT_EQ(choose(TargetKind::name, "once").backup_label, first_label);
  EXPECT_THAT(refusal(TargetKind::xid, "702"), HasSubstr("no transaction of this id"));
  const RecoveryTarget behind{.kind = TargetKind::lsn, .value = to_string(last_), .timeline = ""};
  EXPECT_THAT(refusal(behind, first_label, ErrorKind::usage), HasSubstr("WAL is missing from there to"));
}

// Recovery would stop there with an error, after everything was written.
TEST_F(ChooseRecovery, RefusesTheEndOfWalBehindAHoleAndNamesIt) {
  end_wal();
  const auto hole = postgres::segment_holding(one, once_ + wal::megabyte, repository_.size);
  repository_.storage().remove(
      store::wal_segment_name(wal::TemporaryArchive::cluster, hole, repository_.size, Codec::lz4));
  const auto start = start_of(hole, repository_.size);
  const RecoveryTarget end{.kind = TargetKind::end_of_wal, .value = "", .timeline = "latest"};
  EXPECT_EQ(choose(end, "").backup_label, second_label);
  EXPECT_THAT(refusal(end, first_label, ErrorKind::corrupt),
              AllOf(HasSubstr("missing from " + to_string(start) + " to " + to_string(start + wal::megabyte)),
                    HasSubstr("--target-lsn")));
  EXPECT_EQ(choose({.kind = TargetKind::immediate, .value = "", .timeline = "current"}, first_label).backup_label,
            first_label);
}

// PostgreSQL makes them where the WAL says, so whoever restores must know beforehand.
TEST_F(ChooseRecovery, TellsWhichTablespacesReplayCreatesOnTheWayToEachTarget) {
  end_wal();
  const auto created = [&](const RecoveryTarget& target, const std::string& label) {
    std::vector<std::uint32_t> oids;
    for (const auto& creation : choose(target, label).tablespaces) oids.push_back(creation.oid);
    return oids;
  };
  const RecoveryTarget end{.kind = TargetKind::end_of_wal, .value = "", .timeline = "latest"};
  const RecoveryTarget immediate{.kind = TargetKind::immediate, .value = "", .timeline = "current"};
  const RecoveryTarget early{.kind = TargetKind::time, .value = "2026-11-20 10:30:00+00", .timeline = ""};
  const RecoveryTarget middle{.kind = TargetKind::xid, .value = "702", .timeline = ""};
  const RecoveryTarget at_daily{.kind = TargetKind::lsn, .value = to_string(daily_), .timeline = ""};
  const RecoveryTarget last{.kind = TargetKind::lsn, .value = to_string(last_), .timeline = ""};
  EXPECT_THAT(created(end, first_label), ElementsAre(16400U, 16401U, 16402U));
  EXPECT_THAT(created(end, ""), ElementsAre(16401U, 16402U)) << "one that was created while the backup was taken, too";
  EXPECT_THAT(created(immediate, first_label), ElementsAre());
  EXPECT_THAT(created(immediate, second_label), ElementsAre(16401U));
  EXPECT_THAT(created(early, ""), ElementsAre());
  EXPECT_THAT(created(middle, ""), ElementsAre(16400U));
  EXPECT_THAT(created(at_daily, first_label), ElementsAre(16400U, 16401U));
  EXPECT_THAT(created(last, ""), ElementsAre(16401U, 16402U));
  EXPECT_EQ(choose(end).end.value().value, to_string(tail_)) << "the last record of today";
  EXPECT_FALSE(choose(last).end);
}

// By names all is there; PostgreSQL would take the place for the end of WAL, and promote.
TEST_F(ChooseRecovery, RefusesTheEndOfWalWhereItsRecordsEndBeforeAndNamesTheLast) {
  const auto damaged = once_ + wal::megabyte;  // within the filler
  wal_.bytes()[damaged.position_bytes() - 3 * wal::megabyte] ^= std::byte{1};
  end_wal();
  const RecoveryTarget end{.kind = TargetKind::end_of_wal, .value = "", .timeline = "latest"};
  EXPECT_EQ(choose(end, "").backup_label, second_label) << "taken behind it";
  EXPECT_THAT(refusal(end, first_label, ErrorKind::corrupt),
              AllOf(HasSubstr("its records end at"), HasSubstr("--target-lsn " + to_string(once_))));
  EXPECT_EQ(choose({.kind = TargetKind::lsn, .value = to_string(once_), .timeline = ""}).backup_label, first_label);
}

TEST_F(ChooseRecovery, TakesTheLastSegmentOfADeadServerForTheEnd) {
  wal_.bytes().resize((wal_.bytes().size() / wal::megabyte + 1) * wal::megabyte);
  end_wal();
  EXPECT_EQ(choose({}).backup_label, second_label);
}

TEST_F(ChooseRecovery, RefusesABackupWhoseOwnWalIsNotThere) {
  end_wal();
  const auto last = postgres::segment_ending_at(one, stops_[second_label], repository_.size);
  for (const auto& listed :
       repository_.storage().list(store::wal_folder(wal::TemporaryArchive::cluster, last, repository_.size))) {
    if (listed.name.find(file_name(last, repository_.size)) != std::string::npos)
      repository_.storage().remove(listed.name);
  }
  const RecoveryTarget immediate{.kind = TargetKind::immediate, .value = "", .timeline = "current"};
  EXPECT_THAT(refusal(immediate, second_label, ErrorKind::corrupt), HasSubstr("of its own WAL"));
}

TEST_F(ChooseRecovery, FollowsTheTimelineAskedFor) {
  const auto branching = wal_.end();
  end_wal();
  repository_.archive().put_history(two, "1\t" + to_string(branching) + "\tpromoted\n");
  wal_ = wal_.branch(two);
  const auto third_label = "20261120T180000Z-full";
  back_up(
      third_label, [] {}, two);
  wal_.commit(720, clock_at("19:00:00"));
  wal_.filler(20);
  end_wal();
  EXPECT_EQ(choose({}).backup_label, third_label);
  EXPECT_EQ(choose(TargetKind::xid, "720").backup_label, third_label);
  EXPECT_EQ(choose(TargetKind::xid, "707").backup_label, second_label) << "on the parent, on the way to timeline 2";
  const auto on_one = choose({.kind = TargetKind::end_of_wal, .value = "", .timeline = "1"});
  EXPECT_EQ(on_one.backup_label, second_label);
  EXPECT_THAT(notes_of(on_one), HasSubstr("timeline 2"));
  EXPECT_THAT(refusal({.kind = TargetKind::end_of_wal, .value = "", .timeline = "7"}), HasSubstr("timeline 7"));
  EXPECT_THAT(refusal({.kind = TargetKind::xid, .value = "720", .timeline = "1"}),
              AllOf(HasSubstr("ended on the way to timeline 1 since"), HasSubstr("--target-timeline 2 looks there")));
  EXPECT_THAT(refusal({.kind = TargetKind::end_of_wal, .value = "", .timeline = "1"}, third_label, ErrorKind::usage),
              HasSubstr("--target-timeline current"));
}

// PostgreSQL would end on timeline 1, and give up what was committed on timeline 2.
TEST_F(ChooseRecovery, RefusesTheLatestTimelineWhileAHistoryOnTheWayIsMissing) {
  end_wal();
  repository_.archive().put_part(two, Lsn(9 * wal::megabyte),
                                 wal::wal_bytes(Lsn(9 * wal::megabyte), Lsn(9 * wal::megabyte + 100)));
  const RecoveryTarget latest{.kind = TargetKind::end_of_wal, .value = "", .timeline = "latest"};
  EXPECT_THAT(refusal(latest, "", ErrorKind::corrupt), HasSubstr("00000002.history is missing"));
  EXPECT_EQ(choose({.kind = TargetKind::end_of_wal, .value = "", .timeline = "current"}).backup_label, second_label);
}

TEST_F(ChooseRecovery, PassesOverAManifestThatCannotBeRead) {
  end_wal();
  const std::string broken = "20261120T200000Z-full";
  repository_.storage().put(store::manifest_name(wal::TemporaryArchive::cluster, broken), std::string_view("{"),
                            store::Durability::now);
  const auto recovery = choose({});
  EXPECT_EQ(recovery.backup_label, second_label);
  EXPECT_THAT(notes_of(recovery), HasSubstr(broken));
  refusal({}, broken, ErrorKind::corrupt);
}

TEST_F(ChooseRecovery, NamesTheVersionWhenEveryManifestIsOfANewerOne) {
  end_wal();
  auto& storage = repository_.storage();
  for (const auto* const label : {first_label, second_label}) {
    const auto name = store::manifest_name(wal::TemporaryArchive::cluster, label);
    const auto newer = tests::in_newer_format(storage.read_text(name));
    storage.remove(name);
    storage.put(name, newer, store::Durability::now);
  }
  EXPECT_THAT(refusal({}, "", ErrorKind::unsupported), AllOf(HasSubstr("no backup"), HasSubstr("format version 99")));
  storage.put(store::manifest_name(wal::TemporaryArchive::cluster, "20261120T200000Z-full"), std::string_view("{"),
              store::Durability::now);
  refusal({}, "", ErrorKind::corrupt);
}

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
  Recovery choose_for(const std::vector<std::string>& databases) {
    RestoreRequest request;
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
              HasSubstr("No older backup without damaged pages"));
  const auto hole = postgres::segment_holding(one, stops_[sound] + 2 * wal::megabyte, repository_.size);
  repository_.storage().remove(
      store::wal_segment_name(wal::TemporaryArchive::cluster, hole, repository_.size, Codec::lz4));
  for (const RecoveryTarget& target :
       {RecoveryTarget{}, RecoveryTarget{.kind = TargetKind::xid, .value = "724", .timeline = ""},
        RecoveryTarget{.kind = TargetKind::lsn, .value = to_string(target_), .timeline = ""}}) {
    EXPECT_THAT(warned(target, ""), HasSubstr("No older backup without damaged pages"));
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

}  // namespace
}  // namespace backup_engine::restore
