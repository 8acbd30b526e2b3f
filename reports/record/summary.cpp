#include "reports/record/summary.hpp"

#include <fmt/format.h>

#include "backup_engine/base/quantity_text.hpp"

namespace reports::record {

namespace {

using backup_engine::base::seconds_text;
using Reasons = std::vector<VerdictReason>;

std::string outcome_text(const std::string& outcome, const std::string& reason) {
  return reason.empty() ? outcome : fmt::format("{} ({})", outcome, reason);
}

void judge_outcome(const RestoreRecord& restore, Reasons& reasons) {
  if (restore.outcome.empty()) {
    reasons.push_back({Verdict::unknown, "outcome", "The drill ended before its restore did."});
  } else if (restore.outcome != restore.expected.outcome ||
             (restore.outcome == "refused" && restore.reason != restore.expected.reason)) {
    reasons.push_back({Verdict::fail, "outcome",
                       fmt::format("The restore was expected to be {} and was {}.",
                                   outcome_text(restore.expected.outcome, restore.expected.reason),
                                   outcome_text(restore.outcome, restore.reason))});
  }
}

void judge_rto(const Rto& rto, Reasons& reasons) {
  if (!rto.objective_seconds && !rto.met) return;
  if (!rto.met) {
    reasons.push_back({Verdict::unknown, "rto", "The time to recover could not be measured against its objective."});
  } else if (!*rto.met) {
    const auto taken = rto.writable_seconds ? seconds_text(*rto.writable_seconds) : "longer";
    const auto promised = rto.objective_seconds ? seconds_text(*rto.objective_seconds) : "less";
    reasons.push_back({Verdict::fail, "rto", fmt::format("Recovery took {}; {} was promised.", taken, promised)});
  }
}

void judge_rpo(const Rpo& rpo, Reasons& reasons) {
  if (rpo.unexpected.value_or(0) + rpo.duplicated.value_or(0) > 0) {
    reasons.push_back({Verdict::fail, "rpo",
                       fmt::format("{} transactions are there that nobody committed, and {} more than once.",
                                   rpo.unexpected.value_or(0), rpo.duplicated.value_or(0))});
  }
  if (!rpo.objective_seconds && !rpo.met) return;
  if (!rpo.met) {
    reasons.push_back({Verdict::unknown, "rpo", "The loss could not be measured against its objective."});
  } else if (!*rpo.met) {
    const auto lost = rpo.lost ? fmt::format("{} acknowledged transactions", *rpo.lost) : "More than was promised";
    const auto span = rpo.loss_seconds ? fmt::format(" ({})", seconds_text(*rpo.loss_seconds)) : std::string();
    const auto promised =
        rpo.objective_seconds ? fmt::format("; at most {} was promised", seconds_text(*rpo.objective_seconds)) : "";
    reasons.push_back({Verdict::fail, "rpo", fmt::format("{}{} were lost{}.", lost, span, promised)});
  }
}

// Not exact with neither a commit missing nor one too many: recovery ended elsewhere, by luck without harm.
std::string inexact_text(const RestoreRecord& restore) {
  const auto& exact = restore.exact;
  if (exact.missing.value_or(0) + exact.extra.value_or(0) > 0 || restore.reached.lsn.empty()) {
    return fmt::format("The commits present are not those of the target: {} missing, {} extra.",
                       exact.missing.value_or(0), exact.extra.value_or(0));
  }
  return fmt::format("Recovery ended at {}, which is not where its target ({}{}{}) lies.", restore.reached.lsn,
                     restore.target.type, restore.target.value.empty() ? "" : " ", restore.target.value);
}

void judge_exactness(const RestoreRecord& restore, Reasons& reasons) {
  if (!restore.exact.met) {
    reasons.push_back({Verdict::unknown, "exactness", "Which commits came back could not be established."});
  } else if (!*restore.exact.met) {
    reasons.push_back({Verdict::fail, "exactness", inexact_text(restore)});
  }
}

void judge_checks(const std::vector<Check>& checks, Reasons& reasons) {
  if (checks.empty()) reasons.push_back({Verdict::unknown, "checks", "Nothing was checked, so nothing is proven."});
  for (const auto& check : checks) {
    const bool is_told = check.name == "outcome" && !reasons.empty() && reasons.front().subject == check.name;
    if (check.verdict != Verdict::pass && !is_told) reasons.push_back({check.verdict, check.name, check.summary});
  }
}

}  // namespace

std::vector<VerdictReason> recovery_reasons(const Report& report) {
  Reasons reasons;
  if (report.restores.empty()) {
    reasons.push_back({Verdict::unknown, "outcome", "The drill ended before anything was restored."});
  }
  for (const auto& restore : report.restores) {
    const auto before = reasons.size();
    judge_outcome(restore, reasons);
    judge_rto(restore.rto, reasons);
    judge_rpo(restore.rpo, reasons);
    if (restore.outcome == "recovered") judge_exactness(restore, reasons);
    for (auto i = before; restore.repeat && i < reasons.size(); ++i) {
      reasons[i].text = fmt::format("Repeat {}: {}", *restore.repeat, reasons[i].text);
    }
  }
  judge_checks(report.checks, reasons);
  return reasons;
}

Verdict recovery_verdict(const Report& report) {
  auto verdict = Verdict::pass;
  for (const auto& reason : recovery_reasons(report)) verdict = worst(verdict, reason.verdict);
  return verdict;
}

Verdict overall_verdict(const Report& report) {
  const auto recovery = recovery_verdict(report);
  return report.cleanup.verdict == Verdict::pass ? recovery : worst(recovery, Verdict::unknown);
}

std::string drill_name(const Report& report) {
  const auto& name = report.scenario.name;
  const auto of_id = report.drill_id.substr(0, report.drill_id.find('/'));
  return !name.empty() && of_id.starts_with(name + "@") ? of_id : name;
}

}  // namespace reports::record
