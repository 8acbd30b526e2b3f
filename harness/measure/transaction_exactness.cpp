#include "harness/measure/transaction_exactness.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/measure/exactness.hpp"
#include "harness/measure/ledger_index.hpp"

namespace harness::measure {

using backup_engine::postgres::Lsn;
using reports::record::CommitOrderEvidence;
using reports::record::CommitRecord;
using reports::record::Exactness;
using reports::record::Finding;
using reports::record::TransactionStatus;

namespace {

using Statuses = std::unordered_map<std::uint32_t, std::string>;

Statuses by_xid(const std::vector<TransactionStatus>& statuses) {
  Statuses result;
  for (const auto& status : statuses) result.emplace(status.xid, status.status);
  return result;
}

enum class Place { before, behind };                // of a record, seen from where recovery has to stop
enum class Answer { right, none, extra, missing };  // in the order of badness

struct Said {
  Answer answer = Answer::none;
  std::string status;     // what PostgreSQL said
  std::uint32_t xid = 0;  // of which: the transaction or one of its subtransactions
};

Answer judge(const std::string& status, bool committed, Place place) {
  if (place == Place::behind) return status == "committed" ? Answer::extra : Answer::right;
  if (status.empty()) return Answer::none;
  if (committed) return status == "committed" ? Answer::right : Answer::missing;
  return status == "aborted" ? Answer::right : Answer::extra;
}

// The transaction and its subtransactions end together; evidence that was written before these were asked lacks them.
Said judge(const CommitRecord& record, Place place, const Statuses& statuses) {
  const auto found = statuses.find(record.xid);
  if (found == statuses.end()) return {};
  Said worst{judge(found->second, record.committed, place), found->second, record.xid};
  for (const auto xid : record.subtransactions) {
    const auto sub = statuses.find(xid);
    if (sub == statuses.end()) continue;
    const auto answer = judge(sub->second, record.committed, place);
    if (answer > worst.answer) worst = {answer, sub->second, xid};
  }
  return worst;
}

// What both servers say of one transaction; the worse of the two counts.
struct Judged {
  const CommitRecord& record;
  Place place;
  Said said;
  const char* who = "";
};

class Servers {
 public:
  Servers(const CommitOrderEvidence& order, PausedCopy paused_copy)
      : recovered_(by_xid(order.recovered_statuses)),
        paused_(by_xid(order.paused_statuses)),
        paused_copy_(paused_copy) {}

  [[nodiscard]] Judged ask(const CommitRecord& record, Place place) const {
    const Said nobody_asked{Answer::right, {}, record.xid};
    // Of what lies behind the target nobody but a paused copy can say that it is not there.
    const bool needed = paused_copy_ == PausedCopy::wanted && place == Place::behind;
    const auto paused = paused_.empty() && !needed ? nobody_asked : judge(record, place, paused_);
    // A promoted server has given the ids of what it left out to transactions of its own.
    const auto recovered = place == Place::before ? judge(record, place, recovered_) : nobody_asked;
    if (recovered.answer > paused.answer) return {record, place, recovered, "the recovered server"};
    return {record, place, paused, "the copy paused at the target"};
  }

 private:
  Statuses recovered_, paused_;
  PausedCopy paused_copy_;
};

// Calls visit(Judged) for each commit and abort that either must be there or must not.
template <typename Visit>
void for_each_judged(const CommitOrderEvidence& order, const StopPosition& stop, PausedCopy paused_copy,
                     const Visit& visit) {
  const bool has_target = stop.kind == StopPosition::Kind::position;
  const auto reached = position_of(order.reached_lsn, "the point that recovery reached");
  const auto held = order.acknowledged_lsn.empty()
                        ? reached
                        : position_of(order.acknowledged_lsn, "the point up to which WAL was held");
  const Servers servers(order, paused_copy);
  for (const auto& record : order.records) {
    const auto at = position_of(record.lsn, "a commit record's position");
    if (has_target || at < reached) {
      visit(servers.ask(record, has_target && at >= stop.position ? Place::behind : Place::before));
    } else if (record.committed && position_of(record.end_lsn, "a commit record's end") <= held) {
      visit(Judged{record, Place::before, {Answer::missing, "", record.xid}, "the recovered server"});
    }
  }
}

std::string text_of(const Judged& judged) {
  const auto& said = judged.said;
  if (said.answer == Answer::missing && said.status.empty()) {
    return "missing: its commit was held when recovery began, and recovery ended before it";
  }
  const auto what = said.xid == judged.record.xid ? "it" : fmt::format("its subtransaction {}", said.xid);
  const auto told = fmt::format("and {} calls {} {}", judged.who, what, said.status);
  if (said.answer == Answer::missing) return "missing: its commit lies before the target, " + told;
  if (judged.record.committed) return "extra: its commit lies behind the target, " + told;
  return "unexpected: the WAL holds its rollback, " + told;
}

}  // namespace

Exactness measure_transaction_exactness(const CommitOrderEvidence& order, const StopPosition& stop,
                                        PausedCopy paused_copy) {
  Exactness exactness;
  exactness.witness = order.witness;
  if (stop.kind == StopPosition::Kind::unknown) return exactness;
  const bool has_target = stop.kind == StopPosition::Kind::position;
  const auto reached = position_of(order.reached_lsn, "the point that recovery reached");
  const auto held = order.acknowledged_lsn.empty()
                        ? reached
                        : position_of(order.acknowledged_lsn, "the point up to which WAL was held");
  exactness.expected = exactness.missing = exactness.extra = 0;
  bool undecided = false;
  for_each_judged(order, stop, paused_copy, [&](const Judged& judged) {
    if (judged.record.committed && judged.place == Place::before) ++*exactness.expected;
    if (judged.said.answer == Answer::missing) ++*exactness.missing;
    if (judged.said.answer == Answer::extra) ++*exactness.extra;
    undecided = undecided || judged.said.answer == Answer::none;
  });
  // pg_waldump reads no commit behind a place where the records break off, and recovery replays none.
  const bool left_out =
      !has_target && order.left_out && position_of(order.left_out->end_lsn, "the end of a record left out") <= held;
  const bool elsewhere = has_target ? !ended_at(reached, stop.position) : left_out;
  const bool ended_elsewhere = elsewhere || !ended_on_the_line(order, has_target ? stop.position : reached);
  const bool wrong = *exactness.missing + *exactness.extra > 0 || ended_elsewhere;
  if (wrong || !undecided) exactness.met = !wrong;
  return exactness;
}

std::vector<Finding> find_wrong_statuses(const CommitOrderEvidence& order, const StopPosition& stop) {
  std::vector<Finding> findings;
  for_each_judged(order, stop, PausedCopy::none, [&](const Judged& judged) {
    if (judged.said.answer != Answer::missing && judged.said.answer != Answer::extra) return;
    const auto xid = std::to_string(judged.record.xid);
    findings.push_back({"transaction " + xid, "", judged.record.lsn, xid, judged.record.time, text_of(judged)});
  });
  return findings;
}

}  // namespace harness::measure
