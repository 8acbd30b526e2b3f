#include "harness/measure/transaction_exactness.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/measure/ledger_index.hpp"

namespace harness::measure {

using backup_engine::postgres::Lsn;
using reports::record::CommitOrderEvidence;
using reports::record::CommitRecord;
using reports::record::Exactness;
using reports::record::TransactionStatus;

namespace {

using Statuses = std::unordered_map<std::uint32_t, std::string>;

Statuses by_xid(const std::vector<TransactionStatus>& statuses) {
  Statuses result;
  for (const auto& status : statuses) result.emplace(status.xid, status.status);
  return result;
}

enum class Place { before, behind };  // of a record, seen from where recovery has to stop
enum class Answer { right, missing, extra, none };

Answer judge(const CommitRecord& record, Place place, const Statuses& statuses) {
  const auto found = statuses.find(record.xid);
  if (found == statuses.end()) return Answer::none;
  const bool is_wanted = record.committed && place == Place::before;
  if (found->second == "committed") return is_wanted ? Answer::right : Answer::extra;
  if (!is_wanted) return Answer::right;
  return found->second.empty() ? Answer::none : Answer::missing;
}

class Counting {
 public:
  explicit Counting(const CommitOrderEvidence& order)
      : recovered_(by_xid(order.recovered_statuses)), paused_(by_xid(order.paused_statuses)) {}

  void count(const CommitRecord& record, Place place) {
    if (record.committed && place == Place::before) ++expected;
    const auto paused = paused_.empty() ? Answer::right : judge(record, place, paused_);
    // A promoted server has given the ids of what it left out to transactions of its own.
    const auto recovered = place == Place::before ? judge(record, place, recovered_) : Answer::right;
    const auto says = [&](Answer answer) { return paused == answer || recovered == answer; };
    if (says(Answer::missing)) {
      ++missing;
    } else if (says(Answer::extra)) {
      ++extra;
    } else if (says(Answer::none)) {
      undecided = true;
    }
  }

  std::uint64_t expected = 0, missing = 0, extra = 0;
  bool undecided = false;

 private:
  Statuses recovered_, paused_;
};

}  // namespace

Exactness measure_transaction_exactness(const CommitOrderEvidence& order, const StopPosition& stop) {
  Exactness exactness;
  exactness.witness = order.witness;
  if (stop.kind == StopPosition::Kind::unknown) return exactness;
  const bool has_target = stop.kind == StopPosition::Kind::position;
  const auto reached = position_of(order.reached_lsn, "the point that recovery reached");
  const auto held = order.acknowledged_lsn.empty()
                        ? reached
                        : position_of(order.acknowledged_lsn, "the point up to which WAL was held");
  Counting counting(order);
  for (const auto& record : order.records) {
    const auto at = position_of(record.lsn, "a commit record's position");
    if (has_target || at < reached) {
      counting.count(record, has_target && at >= stop.position ? Place::behind : Place::before);
    } else if (record.committed && position_of(record.end_lsn, "a commit record's end") <= held) {
      ++counting.expected;
      ++counting.missing;
    }
  }
  exactness.expected = counting.expected;
  exactness.missing = counting.missing;
  exactness.extra = counting.extra;
  // pg_waldump reads no commit behind a place where the records break off, and recovery replays none.
  const bool left_out =
      !has_target && order.left_out && position_of(order.left_out->end_lsn, "the end of a record left out") <= held;
  const bool ended_elsewhere = has_target ? !ended_at(reached, stop.position) : left_out;
  const bool wrong = counting.missing + counting.extra > 0 || ended_elsewhere;
  if (wrong || !counting.undecided) exactness.met = !wrong;
  return exactness;
}

}  // namespace harness::measure
