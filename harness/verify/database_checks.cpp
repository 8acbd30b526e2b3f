// What the restored database says about itself: constraints, sequences and the scenario's own rules.
#include <fmt/format.h>

#include "backup_engine/base/sha256.hpp"
#include "harness/verify/checks.hpp"
#include "harness/verify/comparison.hpp"

namespace harness::verify {

using reports::record::Check;
using reports::record::ConstraintEvidence;
using reports::record::SqlEvidence;
using reports::record::Verdict;

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

}  // namespace

Check check_constraints(const ConstraintEvidence& constraints) {
  Check check;
  check.witness = "postgres";
  for (const auto& broken : constraints.broken) {
    check.findings.push_back(
        {broken.table, joined(broken.keys), "", "", "",
         fmt::format("{} {} does not hold for {} rows", broken.kind, broken.constraint, broken.rows)});
  }
  for (const auto& name : constraints.not_validated) {
    check.findings.push_back({name, "", "", "", "", "the constraint is marked as not validated"});
  }
  for (const auto& name : constraints.invalid_indexes) {
    check.findings.push_back({name, "", "", "", "", "the index is marked as invalid"});
  }
  check.expected = "0 violations";
  check.actual = fmt::format("{} violations, {} not validated, {} invalid indexes", constraints.broken.size(),
                             constraints.not_validated.size(), constraints.invalid_indexes.size());
  conclude(check, constraints.examined, "constraints");
  const auto& without_answer = constraints.not_evaluated;
  if (!without_answer.empty()) {
    const auto named = fmt::format("{} of {} constraints could not be evaluated: {}", without_answer.size(),
                                   without_answer.size() + constraints.examined, joined(without_answer));
    check.summary = check.findings.empty() ? named : check.summary + "; " + named;
    if (check.findings.empty()) check.verdict = Verdict::unknown;
  }
  return check;
}

Check check_sequences(const Records& records) {
  Check check;
  check.witness = "postgres";
  auto examined = records.evidence.sequences->examined;
  for (const auto& behind : records.evidence.sequences->behind) {
    check.findings.push_back({behind.sequence, "", "", "", "",
                              fmt::format("is behind the column {}.{} that it feeds: its next value is there already",
                                          behind.table, behind.column)});
  }
  if (const auto pair = compared_content(records)) {
    examined += pair->then->sequences.size();
    compare_sequences(*pair->then, *pair->now, Positions::not_behind, "the mark", check);
  }
  check.expected = "no sequence behind";
  check.actual = fmt::format("{} behind", check.findings.size());
  conclude(check, examined, "sequence positions");
  return check;
}

Check check_sql(const SqlEvidence& sql) {
  Check check;
  check.witness = "scenario";
  bool failed_to_run = false;
  std::string first_error;
  for (const auto& result : sql.results) {
    if (!result.error.empty()) {
      failed_to_run = true;
      // PostgreSQL's DETAIL may quote values, and reports travel.
      const auto message = result.error.substr(0, result.error.find('\n'));
      if (first_error.empty()) first_error = fmt::format("'{}' could not be run: {}", result.name, message);
      continue;
    }
    if (result.columns.empty()) {
      failed_to_run = true;
      if (first_error.empty())
        first_error = fmt::format("'{}' is no query: it cannot tell of a violation", result.name);
      continue;
    }
    if (result.row_count == 0) continue;
    const auto key =
        result.rows.empty() ? "" : backup_engine::base::sha256_hex(joined(result.rows.front())).substr(0, 16);
    check.findings.push_back(
        {result.name, key, "", "", "",
         fmt::format("{} rows break this rule (columns {})", result.row_count, joined(result.columns))});
  }
  check.expected = fmt::format("{} rules hold", sql.results.size());
  check.actual = fmt::format("{} broken", check.findings.size());
  conclude(check, sql.results.size(), "rules");
  if (check.verdict == Verdict::pass && failed_to_run) {
    check.verdict = Verdict::unknown;
    check.summary = first_error;
  }
  return check;
}

}  // namespace harness::verify
