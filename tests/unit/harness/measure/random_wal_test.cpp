// stop_position and what is judged from it against a model of PostgreSQL's replay, over WAL of random shape: xids in no
// order, times that repeat and go backwards, rollbacks, subtransactions, restore points of one name. The model goes
// record by record, as recoveryStopsBefore() and recoveryStopsAfter() do (src/backend/access/transam/xlogrecovery.c);
// tests/pg/verify has PostgreSQL itself.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <set>

#include "backup_engine/base/utc_time.hpp"
#include "harness/measure/commit_order_check.hpp"

namespace harness::measure {
namespace {

using backup_engine::base::UtcTime;
using backup_engine::postgres::Lsn;
using backup_engine::postgres::parse_lsn;
using reports::record::BackupRecord;
using reports::record::CommitOrderEvidence;
using reports::record::LedgerTransaction;
using reports::record::RestoreTarget;
using reports::record::Verdict;

constexpr std::uint64_t page_bytes = 8192, page_header_bytes = 24;

enum class Kind { commit, abort, restore_point, other };

struct Record {
  Kind kind = Kind::other;
  Lsn start, end;
  std::uint32_t xid = 0;
  std::vector<std::uint32_t> subtransactions;
  int second = 0;
  std::string name;
};

std::string time_of(int second) {
  return backup_engine::base::to_rfc3339(UtcTime(std::chrono::seconds(1'700'000'000 + second)));
}

struct Wal {
  std::vector<Record> records;
  BackupRecord backup;

  [[nodiscard]] CommitOrderEvidence evidence() const {
    CommitOrderEvidence order;
    order.witness = "pg_receivewal";
    for (const auto& record : records) {
      const auto start = to_string(record.start), end = to_string(record.end);
      if (record.kind == Kind::restore_point) order.restore_points.push_back({record.name, start, end, 1});
      if (record.kind != Kind::commit && record.kind != Kind::abort) continue;
      order.records.push_back(
          {start, end, record.xid, record.subtransactions, time_of(record.second), 1, record.kind == Kind::commit});
    }
    return order;
  }
};

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  int below(int end) { return std::uniform_int_distribution<int>(0, end - 1)(engine_); }
  template <typename T>
  const T& one_of(const std::vector<T>& all) {
    return all[static_cast<std::size_t>(below(static_cast<int>(all.size())))];
  }
  std::mt19937_64& engine() { return engine_; }

 private:
  std::mt19937_64 engine_;
};

Wal random_wal(Dice& dice) {
  Wal wal;
  std::vector<std::uint32_t> xids(60);
  for (std::size_t i = 0; i < xids.size(); ++i) xids[i] = 700 + static_cast<std::uint32_t>(i);
  std::shuffle(xids.begin(), xids.end(), dice.engine());
  const auto count = 5 + dice.below(40);
  std::uint64_t at = 0x1000;
  int second = 100;
  for (int i = 0; i < count; ++i) {
    Record record;
    record.start = Lsn(at);
    at += 8 * static_cast<std::uint64_t>(5 + dice.below(40));
    const bool fills_its_page = dice.below(6) == 0;
    if (fills_its_page) at = (at + page_bytes - 1) / page_bytes * page_bytes;
    record.end = Lsn(at);
    if (fills_its_page) at += page_header_bytes;
    record.kind = static_cast<Kind>(std::min(dice.below(6), 3));
    if (dice.below(3) == 0) record.kind = Kind::commit;
    second += dice.below(4) - 1;
    record.second = second;
    if (record.kind == Kind::restore_point) record.name = dice.below(2) == 0 ? "a" : "b";
    if (record.kind == Kind::commit || record.kind == Kind::abort) {
      record.xid = xids.back();
      xids.pop_back();
      for (int sub = dice.below(3); sub > 0 && xids.size() > 50; --sub) {
        record.subtransactions.push_back(xids.back());
        xids.pop_back();
      }
    }
    wal.records.push_back(std::move(record));
    if (xids.empty()) break;
  }
  const auto start = static_cast<std::size_t>(dice.below(static_cast<int>(wal.records.size()) / 2 + 1));
  const auto stop = start + 1 + static_cast<std::size_t>(dice.below(3));  // a backup is more than one record
  wal.backup.start_lsn = to_string(wal.records[start].start);
  wal.backup.stop_lsn = to_string(wal.records[std::min(stop, wal.records.size() - 1)].end);
  return wal;
}

// What PostgreSQL's two functions look at, and how they answer.
bool stops_before(const Record& record, const RestoreTarget& target) {
  if (target.type == "lsn" && !target.inclusive) return record.start >= parse_lsn(target.value).value();
  if (record.kind != Kind::commit && record.kind != Kind::abort) return false;
  if (target.type == "xid" && !target.inclusive) return std::to_string(record.xid) == target.value;
  if (target.type != "time") return false;
  const auto wanted = parse_target_time(target.value).value();
  const UtcTime stamped(std::chrono::seconds(1'700'000'000 + record.second));
  return target.inclusive ? stamped > wanted : stamped >= wanted;
}

bool stops_after(const Record& record, const RestoreTarget& target, Lsn consistent) {
  if (target.type == "name") return record.kind == Kind::restore_point && record.name == target.value;
  if (target.type == "lsn") return target.inclusive && record.start >= parse_lsn(target.value).value();
  if (target.type == "immediate") return record.end >= consistent;
  if (record.kind != Kind::commit && record.kind != Kind::abort) return false;
  return target.type == "xid" && target.inclusive && std::to_string(record.xid) == target.value;
}

struct Replayed {
  std::set<std::uint64_t> committed;  // also before the backup's start: its files hold these
  Lsn reached;
};

// nullopt: PostgreSQL ends with FATAL, for want of the target or because it comes before the backup is consistent.
std::optional<Replayed> replay(const Wal& wal, const RestoreTarget& target) {
  const auto from = parse_lsn(wal.backup.start_lsn).value(), consistent = parse_lsn(wal.backup.stop_lsn).value();
  Replayed replayed;
  for (const auto& record : wal.records) {
    if (record.start >= from) {
      const bool before = stops_before(record, target);
      if (!before && record.kind == Kind::commit) replayed.committed.insert(record.xid);
      if (!before) replayed.reached = record.end;
      if (before || stops_after(record, target, consistent)) {
        if (replayed.reached < consistent) return std::nullopt;
        return replayed;
      }
    } else {
      if (record.kind == Kind::commit) replayed.committed.insert(record.xid);
      replayed.reached = record.end;
    }
  }
  return std::nullopt;
}

RestoreTarget random_target(const Wal& wal, Dice& dice) {
  const auto& record = dice.one_of(wal.records);
  const bool inclusive = dice.below(2) == 0;
  switch (dice.below(6)) {
    case 0:
      return {"time", time_of(record.second + dice.below(3) - 1), inclusive, ""};
    case 1:
      return {"lsn", to_string(record.start + 8 * static_cast<std::uint64_t>(dice.below(3))), inclusive, ""};
    case 2: {
      const auto& xids = record.subtransactions;
      return {"xid", std::to_string(xids.empty() ? record.xid : xids.front()), inclusive, ""};
    }
    case 3:
      return {"xid", std::to_string(record.xid), inclusive, ""};
    case 4:
      return {"name", dice.below(5) == 0 ? "c" : "a", true, ""};
    default:
      return {"immediate", "", true, ""};
  }
}

CommitOrderEvidence evidence_for(const Wal& wal, const RestoreTarget& target) {
  auto order = wal.evidence();
  if (target.type != "lsn") return order;
  const auto wanted = parse_lsn(target.value).value();
  for (const auto& record : wal.records) {
    if (record.start < wanted) continue;
    order.at_target = {to_string(record.start), to_string(record.end)};
    break;
  }
  return order;
}

struct Ledger {
  std::vector<LedgerTransaction> transactions;
  reports::record::LedgerRows rows;

  Ledger(const Wal& wal, const std::set<std::uint64_t>& present) {
    for (const auto& record : wal.records) {
      if (record.kind != Kind::commit && record.kind != Kind::abort) continue;
      auto& transaction = transactions.emplace_back();
      transaction.id = record.xid;
      transaction.xid = record.xid;
      transaction.outcome = record.kind == Kind::commit ? reports::record::LedgerOutcome::acknowledged
                                                        : reports::record::LedgerOutcome::aborted;
    }
    for (const auto xid : present) rows.rows.push_back({static_cast<std::int64_t>(xid), xid, "", ""});
  }
};

reports::record::Check judged(const Wal& wal, CommitOrderEvidence order, const StopPosition& stop,
                              const std::set<std::uint64_t>& present) {
  order.xids_present.assign(present.begin(), present.end());
  const Ledger ledger(wal, present);
  const auto exact = measure_exactness(order, ledger.transactions, stop);
  return check_commit_order({order, stop, exact}, ledger.transactions, ledger.rows, nullptr);
}

// One commit fewer and one more: each is found, and named.
void expect_each_change_is_named(const Wal& wal, const CommitOrderEvidence& order, const StopPosition& stop,
                                 const std::set<std::uint64_t>& committed, Dice& dice) {
  for (const auto& record : wal.records) {
    if (record.kind != Kind::commit || dice.below(3) != 0) continue;
    auto present = committed;
    const bool was_there = present.erase(record.xid) == 1;
    if (!was_there) present.insert(record.xid);
    const auto check = judged(wal, order, stop, present);
    ASSERT_EQ(check.verdict, Verdict::fail) << record.xid;
    ASSERT_EQ(check.findings.size(), 1U);
    EXPECT_EQ(check.findings[0].xid, std::to_string(record.xid));
    EXPECT_EQ(check.findings[0].lsn, to_string(record.start));
    EXPECT_EQ(check.findings[0].time, time_of(record.second));
    EXPECT_EQ(check.findings[0].text.substr(0, 4), was_there ? "lost" : "extr");
  }
}

TEST(RandomWal, StopsWhereReplayRecordByRecordStops) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Dice dice(seed);
  int stopped = 0, refused = 0;
  for (int round = 0; round < 2000 && !testing::Test::HasFailure(); ++round) {
    const auto wal = random_wal(dice);
    const auto target = random_target(wal, dice);
    SCOPED_TRACE(fmt::format("round {}: {} {} {}", round, target.type, target.value,
                             target.inclusive ? "inclusive" : "exclusive"));
    auto order = evidence_for(wal, target);
    const auto stop = stop_position(order, target, &wal.backup);
    const auto replayed = replay(wal, target);
    ASSERT_EQ(stop.kind == StopPosition::Kind::position, replayed.has_value()) << stop.why;
    if (!replayed) {
      ++refused;
      continue;
    }
    ++stopped;
    order.reached_lsn = to_string(replayed->reached);
    const auto check = judged(wal, order, stop, replayed->committed);
    EXPECT_TRUE(check.verdict == Verdict::pass || order.records.empty() || replayed->committed.empty())
        << check.summary;
    expect_each_change_is_named(wal, order, stop, replayed->committed, dice);
  }
  EXPECT_GT(stopped, 500);
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace harness::measure
