// A recovery that is led along the WAL: it must stand exactly where it was told to, and where it is led elsewhere the
// judging of a sweep must say so and name the commit.
#include <gmock/gmock.h>

#include "backup_engine/base/error.hpp"
#include "harness/measure/stop_position.hpp"
#include "harness/measure/sweep.hpp"
#include "harness/restore/prefix_recovery.hpp"
#include "tests/pg/backup/targeted_cluster.hpp"

namespace harness::restore {
namespace {

namespace base = backup_engine::base;
namespace pg = backup_engine::postgres;
namespace record = reports::record;
using pg::Lsn;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

class LedRecovery : public backup_engine::TargetedCluster {
 protected:
  static constexpr int first = 1, last = 6;

  void SetUp() override {
    start();
    const auto taken = back_up().summary;
    backup_.label = taken.label;
    backup_.start_lsn = pg::to_string(taken.start_lsn);
    backup_.stop_lsn = pg::to_string(taken.stop_lsn);
    for (int row = first; row <= last; ++row) insert(row);
    lose_source();
    let_server_user_read_repository();
    (void)restore(restore_request());
    RestoreOrder order;
    order.repository = repository();
    order.cluster = "main";
    auto options = restored_options();
    options.settings["track_commit_timestamp"] = "on";
    recovery_.emplace(PrefixOrder{options, fetch_from_repository(order), directory_.path() / "passing",
                                  pg::TimelineId(1), pg::SegmentSize(), taken.start_lsn});
  }

  [[nodiscard]] Lsn commit_of(int row) const { return pg::parse_lsn(rows_.at(row).record).value(); }

  // Served up to there; the point is where the sweep believes to be.
  bool lead(Lsn served, Lsn point) {
    const bool arrived =
        recovery_->advance(served, [point](Lsn replayed) { return measure::ended_at(replayed, point); },
                           std::chrono::seconds(4), base::Deadline::after(std::chrono::minutes(1)), {});
    auto session = recovery_->server().connect();
    record::SweepEvidence::Point seen;
    seen.boundary = "before_commit";
    seen.way = "shared";
    seen.position = pg::to_string(point);
    seen.outcome = "recovered";
    for (const auto& row : session.query("SELECT i FROM t ORDER BY i")) {
      const auto xid = std::stoull(rows_.at(std::stoi(*row[0])).xid);
      if (std::find(present_.begin(), present_.end(), xid) != present_.end()) continue;
      present_.push_back(xid);
      seen.appeared.push_back(xid);
    }
    seen.reached_lsn = session.query("SELECT pg_last_wal_replay_lsn()").single();
    evidence_.points.push_back(std::move(seen));
    return arrived;
  }

  std::string rows() {
    return recovery_->server()
        .connect()
        .query("SELECT coalesce(string_agg(i::text, ',' ORDER BY i), '') FROM t")
        .single();
  }

  [[nodiscard]] measure::MeasuredSweep judged() const {
    record::CommitOrderEvidence order;
    order.witness = "pg_walinspect";
    std::vector<record::LedgerTransaction> ledger;
    for (const auto& [number, row] : rows_) {
      const auto xid = std::stoull(row.xid);
      order.records.push_back({row.record, "", static_cast<std::uint32_t>(xid), {}, "", 1, true});
      record::LedgerTransaction transaction;
      transaction.id = number;
      transaction.xid = xid;
      transaction.outcome = record::LedgerOutcome::acknowledged;
      ledger.push_back(transaction);
    }
    return measure::measure_sweep(evidence_, order, ledger, {backup_});
  }

  void expect_missing_segment() {
    try {
      lead(commit_of(last) + 64 * pg::SegmentSize().bytes(), commit_of(last));
      ADD_FAILURE() << "WAL was served that nobody holds";
    } catch (const base::Error& error) {
      EXPECT_EQ(error.kind(), base::ErrorKind::not_found);
      EXPECT_THAT(error.what(), testing::HasSubstr("does not hold 0000000100000000"));
    }
  }

  record::BackupRecord backup_;
  std::optional<PrefixRecovery> recovery_;
  std::vector<std::uint64_t> present_;
  record::SweepEvidence evidence_;
};

TEST_F(LedRecovery, StandsBeforeEachCommitAndGoesOnWhenItIsGivenMore) {
  for (int row = first; row <= last; ++row) {
    SCOPED_TRACE(row);
    EXPECT_TRUE(lead(commit_of(row), commit_of(row)));
    EXPECT_TRUE(lead(commit_of(row) + 16, commit_of(row))) << "half a commit is none";
  }
  EXPECT_EQ(rows(), "1,2,3,4,5");
  const auto found = judged();
  EXPECT_EQ(found.sweep.met, 12U);
  EXPECT_THAT(found.findings, IsEmpty());
  EXPECT_EQ(recovery_->server().connect().query("SELECT pg_is_in_recovery()").single(), "t");
  expect_missing_segment();
}

TEST_F(LedRecovery, IsFoundOutWhenItIsLedACommitTooFarOrFallsShortByOne) {
  EXPECT_TRUE(lead(commit_of(2), commit_of(2)));
  EXPECT_FALSE(lead(commit_of(4), commit_of(3)));
  EXPECT_FALSE(lead(commit_of(5), commit_of(6)));
  const auto found = judged();
  EXPECT_EQ(found.sweep.met, 1U);
  EXPECT_EQ(found.sweep.points[1].extra, 1U);
  EXPECT_EQ(found.sweep.points[2].missing, 1U);
  for (const int row : {3, 5}) {
    EXPECT_THAT(found.findings, Contains(Field(&record::Finding::xid, rows_.at(row).xid)));
    EXPECT_THAT(found.findings, Contains(Field(&record::Finding::lsn, rows_.at(row).record)));
  }
}

}  // namespace
}  // namespace harness::restore
