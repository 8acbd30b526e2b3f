// A receiver, with the thread that settles and with what it records of timelines and gaps, in a repository with
// backups, over a file system that fails at each of its operations in turn.
#include "backup_engine/base/error.hpp"
#include "backup_engine/wal/settle.hpp"
#include "backup_engine/wal/wal_writer.hpp"
#include "tests/fault/wal_beside_backup.hpp"

namespace base = backup_engine::base;
namespace store = backup_engine::store;
namespace wal = backup_engine::wal;
using backup_engine::postgres::Lsn;
using backup_engine::postgres::TimelineId;
using tests::Fault;
using tests::megabyte;
using tests::timeline_one;
using tests::WalBesideBackup;

namespace {

// Ends of the groups that arrive, one sync after each.
using Ends = std::vector<std::uint64_t>;

constexpr TimelineId two{2};
constexpr std::uint64_t gap_from = 0x1200000, gap_to = 0x1300000;
const wal::WalGap gap{timeline_one, Lsn(gap_from), Lsn(gap_to)};

// What a receiver does from its start on.
class Receiver {
 public:
  Receiver(const WalBesideBackup& trial, base::FileSystem& files)
      : storage_(store::open_repository(trial.location(), files)),
        archive_(*storage_, "main", tests::some_cluster().wal_segment_size, {backup_engine::Codec::lz4, 1}),
        settler_(archive_) {
    store::open_or_create_cluster(*storage_, "main", tests::some_cluster());
    for (const auto& segment : archive_.unsettled_segments()) {
      settler_.add({wal::SettleTask::Kind::close, segment});
    }
  }
  [[nodiscard]] wal::WalArchive& archive() { return archive_; }

  // From the end of what is held, or from `begin` if that is further on. Says after each what is durable.
  void receive(TimelineId timeline, std::uint64_t begin, const Ends& ends, const tests::Bytes& stream,
               const std::function<void(Lsn)>& durable) {
    const auto held = wal::durable_end(archive_.ranges(), timeline).value_or(Lsn(begin));
    const auto start = std::max(held, Lsn(begin));
    archive_.confirm(timeline, start);
    durable(start);
    wal::WalWriter writer(archive_, {timeline, start}, [&](const wal::SettleTask& task) { settler_.add(task); });
    for (const auto end : ends) {
      const auto from = writer.received().position_bytes();
      if (from >= end) continue;
      writer.append(Lsn(from), tests::stretch(stream, from, end));
      writer.sync();
      durable(writer.durable());
    }
  }
  void finish() { settler_.finish(); }

 private:
  std::unique_ptr<store::Storage> storage_;
  wal::WalArchive archive_;
  wal::Settler settler_;
};

class ReceiveBesideBackup : public ::testing::TestWithParam<Fault> {
 protected:
  void receive(const WalBesideBackup& trial, base::FileSystem& files, const Ends& ends) {
    acknowledged_ = Lsn(tests::wal_stop);
    Receiver receiver(trial, files);
    receiver.receive(timeline_one, tests::wal_stop, ends, tests::going_on(), [&](Lsn at) { acknowledged_ = at; });
    receiver.finish();
  }
  // Each time: what is there, the next run, and what is left over.
  void strike(const Ends& ends, std::uint64_t step, std::uint64_t from_last) {
    tests::Sweep sweep;
    sweep.step = step;
    sweep.from_last = from_last;
    sweep.run = [&](WalBesideBackup& trial, base::FileSystem& files) { receive(trial, files, ends); };
    sweep.look = [&](WalBesideBackup& trial, bool /*succeeded*/) {
      trial.expect_wal_up_to(acknowledged_);
      trial.expect_backups();
      tests::FaultyFileSystem sound(trial.directory());
      ASSERT_NO_THROW(receive(trial, sound, {ends.back(), ends.back() + 1000}));
      EXPECT_EQ(acknowledged_, Lsn(ends.back() + 1000));
      trial.expect_wal_up_to(acknowledged_);
      trial.expect_cleaned_up();
    };
    tests::strike_everywhere(GetParam(), sweep);
  }

  Lsn acknowledged_;
};

TEST_P(ReceiveBesideBackup, WhileASegmentIsFilledAndClosedByTheSettlersThread) {
  strike({0x11A0000, 0x1200000, 0x1200400}, 2, 0);
}

TEST_P(ReceiveBesideBackup, WhileTheSettlersThreadMergesParts) {
  Ends ends;
  for (std::uint64_t part = 1; part <= wal::most_parts; ++part) ends.push_back(tests::wal_stop + 16 * part);
  strike(ends, 3, 36);
}

// Behind a gap no backup that is there reaches: verify says so, from when WAL is held behind it.
TEST_P(ReceiveBesideBackup, WhileAGapIsRecordedAndPassed) {
  const auto receive = [&](const WalBesideBackup& trial, base::FileSystem& files) {
    acknowledged_ = Lsn(tests::wal_stop);
    Receiver receiver(trial, files);
    const auto durable = [&](Lsn at) { acknowledged_ = at; };
    receiver.receive(timeline_one, tests::wal_stop, {gap_from}, tests::going_on(), durable);
    receiver.archive().put_gap(gap, "the server no longer has it");
    receiver.receive(timeline_one, gap_to, {gap_to + 5000}, tests::going_on(), durable);
    receiver.finish();
  };
  const auto gap_object = wal::gap_object_name("main", gap);
  tests::Sweep sweep;
  sweep.step = 2;
  sweep.run = receive;
  sweep.look = [&](WalBesideBackup& trial, bool /*succeeded*/) {
    trial.expect_wal_up_to(acknowledged_, gap_from, gap_to);
    trial.expect_backups({gap_object});
    tests::FaultyFileSystem sound(trial.directory());
    ASSERT_NO_THROW(receive(trial, sound));
    trial.expect_wal_up_to(Lsn(gap_to + 5000), gap_from, gap_to);
    trial.expect_cleaned_up({gap_object});
    const auto storage = store::open_repository(trial.location(), sound);
    const wal::WalArchive archive(*storage, "main", tests::some_cluster().wal_segment_size, {});
    EXPECT_THAT(archive.gaps(), ::testing::ElementsAre(gap));
  };
  tests::strike_everywhere(GetParam(), sweep);
}

TEST_P(ReceiveBesideBackup, WhileATimelineIsFollowed) {
  const std::string history = "1\t0/1180000\tno recovery target specified\n";
  static const auto branch = [] {
    auto other = tests::some_wal().branch(two);
    while (other.end() < Lsn(tests::wal_stop + 40000)) other.filler(3000);
    return tests::signed_wal(std::move(other));
  }();
  const auto receive = [&](const WalBesideBackup& trial, base::FileSystem& files) {
    Receiver receiver(trial, files);
    receiver.archive().put_history(two, history);
    receiver.receive(two, 0x1100000, {tests::wal_stop, tests::wal_stop + 20000}, branch, [](Lsn) {});
    receiver.finish();
  };
  tests::Sweep sweep;
  sweep.step = 2;
  sweep.run = receive;
  sweep.look = [&](WalBesideBackup& trial, bool succeeded) {
    const auto look = [&](bool wanted) {
      tests::FaultyFileSystem sound(trial.directory());
      const auto storage = store::open_repository(trial.location(), sound);
      const wal::WalArchive archive(*storage, "main", tests::some_cluster().wal_segment_size, {});
      const auto end = wal::durable_end(archive.ranges(), two);
      EXPECT_TRUE(!end || archive.read_history(two) == history) << "WAL that nobody finds the way to";
      if (wanted) {
        EXPECT_EQ(end, Lsn(tests::wal_stop + 20000));
      }
    };
    look(succeeded);
    trial.expect_backups();
    tests::FaultyFileSystem sound(trial.directory());
    ASSERT_NO_THROW(receive(trial, sound));
    look(true);
    trial.expect_cleaned_up();
  };
  tests::strike_everywhere(GetParam(), sweep);
}

INSTANTIATE_TEST_SUITE_P(EveryFault, ReceiveBesideBackup, ::testing::ValuesIn(tests::all_faults), [](const auto& each) {
  auto name = tests::to_string(each.param);
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
});

}  // namespace
