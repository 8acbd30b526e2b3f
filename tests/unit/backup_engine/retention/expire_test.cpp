#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/failure.hpp"
#include "tests/unit/backup_engine/retention/history.hpp"

namespace backup_engine {
namespace {

using base::ErrorKind;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::SizeIs;
using tests::History;
using tests::keep_full;
using tests::kind_of_failure;
using namespace std::chrono_literals;

class Expire : public ::testing::Test {
 protected:
  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-expire"};
  tests::FaultyFileSystem files_{directory_.path()};
  History history_{directory_.path(), files_};
};

TEST_F(Expire, RemovesABackupItsPacksAndTheWalThatOnlyItNeeded) {
  history_.put_wal(10, 40);
  const auto old = history_.add(48h, 10, 11);
  const auto newest = history_.add(1h, 20, 21);
  const auto result = history_.expire(keep_full(1));
  EXPECT_THAT(result.expired, ElementsAre(old));
  EXPECT_EQ(history_.backup_objects(), history_.needed_by(newest));
  EXPECT_THAT(history_.wal(), SizeIs(20));
  EXPECT_THAT(history_.wal(), Contains(History::segment(20)));
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "repository" / store::backup_prefix("main", old)));
}

TEST_F(Expire, DoesNotKeepABackupForEverWhoseServersClockWasYearsAhead) {
  history_.put_wal(10, 40);
  const auto ahead = history_.add(-5 * 365 * 24h, 10, 11);
  const auto old = history_.add(20 * 24h, 14, 15);
  const auto base = history_.add(8 * 24h, 20, 21);
  const auto newest = history_.add(1h, 30, 31);
  RetentionRules window;
  window.pitr_window = 7 * 24h;
  EXPECT_THAT(history_.expire(window).expired, ElementsAre(old, ahead));
  EXPECT_FALSE(history_.wal().contains(History::segment(19)));
  EXPECT_THAT(history_.expire(keep_full(1)).expired, ElementsAre(base));
  EXPECT_EQ(history_.backup_objects(), history_.needed_by(newest));
}

TEST_F(Expire, KeepsItsWordWhereItsOwnClockIsYearsBehind) {
  history_.put_wal(10, 40);
  const auto first = history_.add(-5 * 365 * 24h, 10, 11);
  const auto second = history_.add(-5 * 365 * 24h - 24h, 20, 21);
  const auto third = history_.add(-5 * 365 * 24h - 48h, 30, 31);
  RetentionRules daily;
  daily.keep_daily = 2;
  EXPECT_THAT(history_.expire(daily).expired, ElementsAre(first));
  EXPECT_EQ(store::list_backup_labels(history_.storage(), "main"), (std::vector{second, third}));
}

TEST_F(Expire, KeepsThePacksOfAnExpiredFullThatAKeptMemberNames) {
  history_.put_wal(10, 40);
  const auto full = history_.add(48h, 10, 11);
  const auto member = history_.add(1h, 20, 21, full);
  RetentionRules daily;
  daily.keep_daily = 1;
  const auto result = history_.expire(daily);
  EXPECT_THAT(result.expired, ElementsAre(full));
  EXPECT_EQ(history_.backup_objects(), history_.needed_by(member));
  EXPECT_THAT(result.retained, SizeIs(3));  // the pack in use, index and hashes
  for (const auto& object : result.retained) EXPECT_EQ(object.reason, "needed by " + member);
}

TEST_F(Expire, LeavesOlderBackupsTheWalFromStartToStop) {
  history_.put_wal(10, 60);
  const auto monthly = history_.add(40 * 24h, 10, 12);
  const auto base = history_.add(3 * 24h, 30, 31);
  history_.add(1h, 50, 51);
  RetentionRules rules;
  rules.keep_monthly = 2;
  rules.pitr_window = 48h;
  const auto result = history_.expire(rules);
  std::set<std::string> expected;
  for (const auto number : {10, 11, 12}) expected.insert(History::segment(static_cast<std::uint64_t>(number)));
  for (std::uint64_t number = 30; number < 60; ++number) expected.insert(History::segment(number));
  EXPECT_EQ(history_.wal(), expected);
  ASSERT_THAT(result.kept, SizeIs(3));
  EXPECT_EQ(result.kept[0].label, monthly);
  EXPECT_FALSE(result.kept[0].point_in_time);
  EXPECT_EQ(result.kept[1].label, base);
  EXPECT_TRUE(result.kept[1].point_in_time);
}

TEST_F(Expire, ChangesNothingInADryRunAndSaysWhatWouldGo) {
  history_.put_wal(10, 40);
  history_.add(48h, 10, 11);
  history_.add(1h, 20, 21);
  const auto before = history_.names("");
  auto request = history_.request(keep_full(1));
  request.dry_run = true;
  const auto told = retention::expire_cluster(history_.storage(), "main", request);
  EXPECT_EQ(history_.names(""), before);
  history_.expire(keep_full(1));
  auto left = before;
  for (const auto& object : told.removed) left.erase(object.name);
  EXPECT_EQ(history_.names(""), left);
}

TEST_F(Expire, SaysBeforeTheFirstBackupGoesThatItBegins) {
  history_.put_wal(10, 40);
  history_.add(48h, 10, 11);
  history_.add(1h, 20, 21);
  const auto before = history_.names("");
  auto request = history_.request(keep_full(2));
  int calls = 0;
  request.before_removal = [&] {
    ++calls;
    EXPECT_EQ(history_.names(""), before) << "all is there still";
  };
  static_cast<void>(retention::expire_cluster(history_.storage(), "main", request));
  EXPECT_EQ(history_.names(""), before);
  request.rules = keep_full(1);
  request.dry_run = true;
  static_cast<void>(retention::expire_cluster(history_.storage(), "main", request));
  EXPECT_EQ(calls, 0) << "nothing went";
  request.dry_run = false;
  static_cast<void>(retention::expire_cluster(history_.storage(), "main", request));
  EXPECT_EQ(calls, 1);
  static_cast<void>(retention::expire_cluster(history_.storage(), "main", request));
  EXPECT_EQ(calls, 1);
}

TEST_F(Expire, KeepsWhatARunningBackupOnAnotherHostNeedsAndSaysWhoHoldsIt) {
  history_.put_wal(10, 40);
  const auto old = history_.add(48h, 10, 11);
  history_.add(1h, 20, 21);
  const std::string running = "20261120T115900Z-incr";
  history_.put_intent(running, {old}, 15);
  history_.put(store::pack_name("main", running, 0));
  const auto result = history_.expire(keep_full(1));
  EXPECT_THAT(result.expired, IsEmpty());
  ASSERT_THAT(result.held, SizeIs(1));
  EXPECT_THAT(result.held[0], HasSubstr(running + ", taken by "));
  EXPECT_THAT(history_.backup_objects(), Contains(store::pack_name("main", running, 0)));
  EXPECT_THAT(history_.backup_objects(), IsSupersetOf(history_.needed_by(old)));
  EXPECT_THAT(history_.wal(), Contains(History::segment(15)));
}

TEST_F(Expire, CleansUpAfterABackupWhoseIntentWasRevoked) {
  history_.put_wal(10, 40);
  const auto old = history_.add(48h, 10, 11);
  const auto newest = history_.add(1h, 20, 21);
  const std::string killed = "20261120T115900Z-incr";
  history_.put_intent(killed, {old}, 15);
  history_.put(store::pack_name("main", killed, 0));
  store::revoke_intent(history_.storage(), "main", killed);
  const auto result = history_.expire(keep_full(1));
  EXPECT_THAT(result.expired, ElementsAre(old));
  EXPECT_EQ(history_.backup_objects(), history_.needed_by(newest));
  EXPECT_THAT(history_.wal(), Not(Contains(History::segment(15))));
}

TEST_F(Expire, TakesAnInterruptedPutForDebrisOnlyWhenItIsOld) {
  history_.put_wal(10, 40);
  history_.add(1h, 20, 21);
  const auto put =
      directory_.path() / "repository" / store::wal_prefix("main") / (".put-" + std::string(32, 'a') + ".tmp");
  (void)files_.create(put, 0600);
  auto request = history_.request(keep_full(1));
  request.now = base::utc_now();
  EXPECT_THAT(retention::expire_cluster(history_.storage(), "main", request).removed,
              Not(Contains(::testing::Field(&ExpiredObject::reason, HasSubstr("interrupted")))));
  EXPECT_TRUE(std::filesystem::exists(put));
  request.now += 25h;
  retention::expire_cluster(history_.storage(), "main", request);
  EXPECT_FALSE(std::filesystem::exists(put));
}

TEST_F(Expire, LeavesAloneWhatIsNotLifeboats) {
  history_.put_wal(10, 40);
  history_.add(1h, 20, 21);
  history_.put("clusters/main/backups/notes.txt");
  history_.put("clusters/main/backups/20200101T000000Z-full/notes.txt");
  const auto before = history_.backup_objects();
  history_.expire(keep_full(1));
  EXPECT_EQ(history_.backup_objects(), before);
}

TEST_F(Expire, RemovesNothingWhenAManifestCannotBeRead) {
  history_.put_wal(10, 40);
  history_.add(48h, 10, 11);
  history_.add(1h, 20, 21);
  history_.put(store::manifest_name("main", "20261101T000000Z-full"));
  const auto before = history_.names("");
  std::string message;
  EXPECT_EQ(kind_of_failure([&] { history_.expire(keep_full(1)); }, &message), ErrorKind::corrupt);
  EXPECT_THAT(message, HasSubstr("20261101T000000Z-full/manifest.json"));
  EXPECT_EQ(history_.names(""), before);
}

TEST_F(Expire, DoesNotCountABackupWhosePackIsGoneAndKeepsTheLastRestorableOne) {
  history_.put_wal(10, 40);
  const auto sound = history_.add(48h, 10, 11);
  const auto broken = history_.add(1h, 20, 21);
  history_.storage().remove(store::pack_name("main", broken, 0));
  const auto result = history_.expire(keep_full(1));
  EXPECT_THAT(result.expired, IsEmpty());
  EXPECT_THAT(history_.backup_objects(), IsSupersetOf(history_.needed_by(sound)));
}

TEST_F(Expire, DoesNotCountABackupWhoseIndexIsCutOff) {
  history_.put_wal(10, 40);
  const auto sound = history_.add(48h, 10, 11);
  const auto broken = history_.add(1h, 20, 21);
  const auto incremental = history_.add(30min, 22, 23, broken);
  for (const auto& name : {store::block_index_name("main", broken), store::block_hashes_name("main", broken)}) {
    history_.storage().remove(name);
    history_.storage().put(name, "", store::Durability::now);
    const auto result = history_.expire(keep_full(1));
    EXPECT_THAT(result.expired, IsEmpty()) << incremental << " needs " << name;
    EXPECT_THAT(history_.backup_objects(), IsSupersetOf(history_.needed_by(sound)));
    history_.storage().remove(name);
    history_.put(name);
  }
  EXPECT_THAT(history_.expire(keep_full(1)).expired, ElementsAre(sound));
}

// Its owner's manifest, which knew the sizes, is gone; index and hashes have as many leaves as each other.
TEST_F(Expire, DoesNotCountABackupWhoseExpiredFullLostPartOfItsIndex) {
  history_.put_wal(10, 50);
  const auto sound = history_.add(72h, 10, 11);
  const auto full = history_.add(48h, 20, 21);
  const auto member = history_.add(1h, 30, 31, full);
  history_.storage().remove(store::manifest_name("main", full));
  const auto index = store::block_index_name("main", full), hashes = store::block_hashes_name("main", full);
  const auto leaves = [](std::size_t entry_bytes, std::size_t count) {
    return std::string(store::object_header_bytes + count * (store::leaf_entries * entry_bytes + 16), 'x');
  };
  const auto replace = [&](const std::string& name, const std::optional<std::string>& text) {
    if (history_.storage().size(name)) history_.storage().remove(name);
    if (text) history_.storage().put(name, *text, store::Durability::now);
  };
  using Text = std::optional<std::string>;
  const auto whole_index = leaves(12, 3), whole_hashes = leaves(16, 3);
  for (const auto& [at_index, at_hashes] : {std::pair<Text, Text>{whole_index, {}},
                                            {{}, whole_hashes},
                                            {whole_index, leaves(16, 2)},
                                            {whole_index.substr(0, 20000), whole_hashes},
                                            {whole_index.substr(0, 10), whole_hashes.substr(0, 10)}}) {
    replace(index, at_index);
    replace(hashes, at_hashes);
    EXPECT_THAT(history_.expire(keep_full(1)).expired, IsEmpty()) << member;
    EXPECT_THAT(history_.backup_objects(), IsSupersetOf(history_.needed_by(sound)));
  }
  replace(index, whole_index);
  replace(hashes, whole_hashes);
  EXPECT_THAT(history_.expire(keep_full(1)).expired, ElementsAre(sound));
}

TEST_F(Expire, KeepsTheWalOfTimelinesThatTheWindowCanGoTo) {
  history_.put_wal(10, 40);
  history_.add(1h, 20, 21);
  const auto put_history = [&](std::uint32_t timeline, std::uint64_t branch) {
    const auto text = "1\t" + to_string(History::at_segment(branch)) + "\tpromoted\n";
    store::put_framed(history_.storage(), store::wal_history_name("main", postgres::TimelineId(timeline)),
                      store::ObjectKind::wal_history, {}, std::as_bytes(std::span(text)), store::Durability::now);
  };
  put_history(2, 30);  // behind the backup
  history_.put_wal(30, 35, 2);
  put_history(3, 15);  // before it: no recovery from the backup gets there
  history_.put_wal(15, 45, 3);
  history_.expire(keep_full(1));
  EXPECT_THAT(history_.wal(), Contains(History::segment(30, 2)));
  EXPECT_THAT(history_.wal(), Not(Contains(History::segment(40, 3))));
  EXPECT_THAT(history_.wal(), Contains(store::wal_history_name("main", postgres::TimelineId(3))));
}

}  // namespace
}  // namespace backup_engine
