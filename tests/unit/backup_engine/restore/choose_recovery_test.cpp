// Which backup a target is recovered from, where recovery will stop, and what is said when it cannot.
#include "backup_engine/restore/choose_recovery.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/wal/start_position.hpp"
#include "tests/support/newer_format.hpp"
#include "tests/unit/backup_engine/restore/two_backups.hpp"

namespace backup_engine::restore {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

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
    EXPECT_EQ(reason_, refusal::target_unreachable);
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
  EXPECT_EQ(reason_, refusal::wal_gap);
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
  EXPECT_EQ(reason_, refusal::wal_gap);
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
  EXPECT_EQ(reason_, refusal::wal_damaged);
  EXPECT_EQ(choose({.kind = TargetKind::lsn, .value = to_string(once_), .timeline = ""}).backup_label, first_label);
}

// Without a gap all the same: PostgreSQL would end at that record, with an error.
TEST_F(ChooseRecovery, RefusesWhatLiesPastMinimalWalAndNamesTheLastPointBefore) {
  const auto minimal = wal_.change_parameters(0);
  wal_.commit(711, clock_at("18:00:00"));
  wal_.change_parameters(1);
  wal_.restore_point("since", clock_at("18:30:00"));
  const auto behind = wal_.commit(712, clock_at("19:00:00"));
  wal_.filler(50);
  end_wal();
  const auto where = HasSubstr("at " + to_string(minimal) + " the server was started with wal_level = minimal");
  const auto end = refusal({}, "", ErrorKind::corrupt);
  EXPECT_THAT(end, AllOf(where, HasSubstr("--target-lsn " + to_string(tail_)), HasSubstr("nothing was written")));
  EXPECT_EQ(reason_, refusal::wal_minimal);
  for (const auto& text :
       {refusal(TargetKind::xid, "712"), refusal(TargetKind::time, "2026-11-20 18:30:00Z"),
        refusal(TargetKind::name, "since"), refusal(TargetKind::lsn, to_string(behind)),
        refusal(TargetKind::lsn, to_string(minimal)),
        refusal({.kind = TargetKind::xid, .value = "712", .timeline = ""}, first_label, ErrorKind::usage)}) {
    EXPECT_THAT(text, AllOf(where, HasSubstr("up to " + to_string(minimal) + ", where wal_level = minimal begins")));
    EXPECT_EQ(reason_, refusal::wal_minimal);
  }
  EXPECT_THAT(refusal(TargetKind::time, "2026-11-20 23:30:00Z"),
              AllOf(HasSubstr("the latest is transaction 712"), HasSubstr("only a new backup holds")));
  EXPECT_EQ(choose(TargetKind::lsn, to_string(tail_)).backup_label, second_label);
  EXPECT_EQ(choose(TargetKind::lsn, to_string(minimal), false).backup_label, second_label);
  EXPECT_EQ(choose(TargetKind::xid, "710").backup_label, second_label);
  EXPECT_EQ(choose(TargetKind::name, "daily").backup_label, second_label);
  EXPECT_EQ(choose(TargetKind::time, "2026-11-20 12:30:00Z").backup_label, first_label);
  EXPECT_EQ(choose(TargetKind::immediate, "").backup_label, second_label);
}

TEST_F(ChooseRecovery, RecoversFromABackupBehindMinimalWalAsEver) {
  const auto minimal = wal_.change_parameters(0);
  wal_.commit(711, clock_at("18:00:00"));
  wal_.change_parameters(1);
  const auto between = wal_.commit(712, clock_at("18:30:00"));
  const auto third_label = "20261120T190000Z-full";
  back_up(third_label, [] {});
  const auto behind = wal_.commit(713, clock_at("20:00:00"));
  wal_.filler(50);
  end_wal();
  EXPECT_EQ(choose({}).backup_label, third_label);
  EXPECT_EQ(choose(TargetKind::xid, "713").backup_label, third_label);
  EXPECT_EQ(choose(TargetKind::lsn, to_string(behind)).backup_label, third_label);
  EXPECT_EQ(choose(TargetKind::time, "2026-11-20 19:30:00Z").backup_label, third_label);
  EXPECT_EQ(choose(TargetKind::xid, "710").backup_label, second_label);
  const auto gone = HasSubstr("not from " + to_string(minimal) +
                              ", where wal_level = minimal begins, to the end of "
                              "backup " +
                              third_label);
  for (const auto& text : {refusal(TargetKind::xid, "712"), refusal(TargetKind::time, "2026-11-20 18:15:00Z"),
                           refusal(TargetKind::lsn, to_string(between))}) {
    EXPECT_THAT(text, AllOf(HasSubstr("the server was started with wal_level = minimal"), gone));
  }
  refusal({}, second_label, ErrorKind::corrupt);
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
  EXPECT_EQ(reason_, refusal::wal_gap);
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
  EXPECT_EQ(reason_, refusal::no_backup);
  storage.put(store::manifest_name(wal::TemporaryArchive::cluster, "20261120T200000Z-full"), std::string_view("{"),
              store::Durability::now);
  refusal({}, "", ErrorKind::corrupt);
  EXPECT_EQ(reason_, refusal::backup_damaged);
}

}  // namespace
}  // namespace backup_engine::restore
