#include "harness/measure/rpo.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace harness::measure {

using reports::record::CommitOrderEvidence;
using reports::record::LedgerOutcome;
using reports::record::LedgerRows;
using reports::record::LedgerTransaction;
using reports::record::Rpo;

namespace {

double seconds_since(std::optional<std::int64_t> first_microseconds, std::int64_t end_microseconds) {
  if (!first_microseconds) return 0;
  return static_cast<double>(std::max<std::int64_t>(0, end_microseconds - *first_microseconds)) / 1e6;
}

void keep_earliest(std::optional<std::int64_t>& earliest, std::int64_t instant) {
  earliest = std::min(earliest.value_or(instant), instant);
}

void count_rows(const std::vector<LedgerTransaction>& ledger,
                const std::unordered_map<std::int64_t, std::uint64_t>& present, Rpo& rpo) {
  std::unordered_set<std::int64_t> possible;
  for (const auto& transaction : ledger) {
    if (transaction.outcome != LedgerOutcome::aborted) possible.insert(transaction.id);
  }
  rpo.unexpected = rpo.duplicated = 0;
  for (const auto& [id, count] : present) {
    if (!possible.contains(id)) ++*rpo.unexpected;
    if (count > 1) ++*rpo.duplicated;
  }
}

}  // namespace

Asked::Asked(const RpoQuestion& question, const CommitOrderEvidence* order,
             const std::vector<LedgerTransaction>& ledger)
    : target_(question.target) {
  if (!target_ || target_->lsn.empty() || order == nullptr) return;
  target_lsn_ = position_of(target_->lsn, "the recovery target");
  ends_.emplace(*order, ledger);
}

bool Asked::operator()(const LedgerTransaction& transaction) const {
  if (!target_) return true;
  if (ends_) {
    if (const auto position = ends_->commit_of(transaction)) return *position < target_lsn_;
  }
  return transaction.answered_microseconds <= target_->time_microseconds;
}

Rpo measure_rpo(const RpoQuestion& question, const std::vector<LedgerTransaction>& ledger, const LedgerRows& rows,
                const CommitOrderEvidence* order) {
  std::unordered_map<std::int64_t, std::uint64_t> present;
  for (const auto& row : rows.rows) ++present[row.id];
  const Asked asked(question, order, ledger);
  std::optional<std::int64_t> first_lost, first_discarded;
  auto last_discarded = question.disaster_microseconds;  // a server that outlives its disaster goes on being written to
  Rpo rpo;
  rpo.acknowledged = rpo.recovered = rpo.lost = rpo.discarded = rpo.indeterminate = 0;
  for (const auto& transaction : ledger) {
    if (transaction.outcome == LedgerOutcome::unknown) ++*rpo.indeterminate;
    if (transaction.outcome != LedgerOutcome::acknowledged) continue;
    ++*rpo.acknowledged;
    if (present.contains(transaction.id)) {
      ++*rpo.recovered;
    } else if (asked(transaction)) {
      ++*rpo.lost;
      keep_earliest(first_lost, transaction.sent_microseconds);
    } else {
      ++*rpo.discarded;
      keep_earliest(first_discarded, transaction.sent_microseconds);
      last_discarded = std::max(last_discarded, transaction.sent_microseconds);
    }
  }
  count_rows(ledger, present, rpo);
  rpo.loss_seconds =
      seconds_since(first_lost, question.target ? question.target->time_microseconds : question.disaster_microseconds);
  rpo.discarded_seconds = seconds_since(first_discarded, last_discarded);
  rpo.objective_seconds = question.objective_seconds;
  if (question.objective_seconds) rpo.met = *rpo.loss_seconds <= *question.objective_seconds;
  return rpo;
}

}  // namespace harness::measure
