#include "harness/drill/proof_judgement.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "harness/measure/commit_order_check.hpp"
#include "harness/measure/exactness.hpp"
#include "harness/measure/stop_position.hpp"
#include "harness/measure/transaction_exactness.hpp"
#include "harness/verify/judge.hpp"
#include "reports/record/summary.hpp"

namespace harness::drill {

namespace record = reports::record;
using record::Check;
using record::Sabotage;
using record::Verdict;

namespace {

constexpr const char* exactness_check = "exactness";

using Checks = std::map<std::string, Check>;

measure::StopPosition stop_of(const record::Report& report, const record::CommitOrderEvidence& order,
                              const record::RestoreTarget& target) {
  const auto& label = report.restores.back().backup_label;
  const auto backup =
      std::find_if(report.backups.begin(), report.backups.end(), [&](const auto& each) { return each.label == label; });
  return measure::stop_position(order, target, backup == report.backups.end() ? nullptr : &*backup);
}

// Which transactions the measure counts, and where recovery ended if that is the reason.
std::vector<record::Finding> findings_of(const measure::JudgedOrder& order, const Judged& judged) {
  if (order.exact.met != false) return {};
  if (judged.scenario.source.stored) return measure::find_wrong_statuses(order.order, order.stop);
  std::vector<record::Finding> findings;
  const auto add = [&](const std::vector<std::uint64_t>& xids, const char* word) {
    for (const auto xid : xids) {
      findings.push_back({fmt::format("transaction {}", xid), "", "", std::to_string(xid), "", word});
    }
  };
  const auto deviation = measure::find_deviation(order.order, judged.ledger, order.stop);
  add(deviation.missing, "missing");
  add(deviation.extra, "extra");
  return findings;
}

// The measure of the commits present, as a check like the others.
Check judge_exactness(const measure::JudgedOrder& order, const Judged& judged) {
  Check check;
  check.name = exactness_check;
  const auto& [evidence, stop, exact] = order;
  if (!exact.met) {
    check.summary = stop.why.empty() ? "which commits the target asks for is not known" : stop.why;
    return check;
  }
  check.verdict = *exact.met ? Verdict::pass : Verdict::fail;
  check.summary =
      fmt::format("{} commits missing, {} extra, recovery ended at {} on timeline {}", exact.missing.value_or(0),
                  exact.extra.value_or(0), evidence.reached_lsn, evidence.reached_timeline);
  check.findings = findings_of(order, judged);
  // A copy that lacks a commit is on the right timeline all the same.
  if (measure::ended_on_another_timeline(order)) {
    check.findings.push_back(
        {"recovery", "", evidence.reached_lsn, "", "", fmt::format("ended on timeline {}", evidence.reached_timeline)});
  }
  return check;
}

// As numbers and by name, as the drill's own judging does.
void judge_commits(const record::Report& report, const Judged& judged, const record::Evidence& evidence,
                   const record::RestoreTarget& target, Checks& checks) {
  const bool stored = judged.scenario.source.stored.has_value();
  const bool without_rows = !stored && !evidence.ledger;
  if (!evidence.commit_order || without_rows) {
    if (stored && !evidence.missing.contains("commit_order")) return;
    for (const auto* const name : {exactness_check, measure::commit_order_check}) {
      checks[name].name = name;
      checks[name].summary = "which commits are there was not read";
    }
    return;
  }
  const auto& order = *evidence.commit_order;
  const auto stop = stop_of(report, order, target);
  const auto exact = stored ? measure::measure_transaction_exactness(order, stop, measure::PausedCopy::none)
                            : measure::measure_exactness(order, judged.ledger, stop);
  const measure::JudgedOrder judged_order{order, stop, exact};
  checks[exactness_check] = judge_exactness(judged_order, judged);
  checks[measure::commit_order_check] =
      stored ? measure::check_transaction_statuses(judged_order)
             : measure::check_commit_order(judged_order, judged.ledger, *evidence.ledger, nullptr);
}

Checks judge_copy(const record::Report& report, const Judged& judged, const record::Evidence& evidence,
                  const record::RestoreTarget& target) {
  const bool stored = judged.scenario.source.stored.has_value();
  const verify::Records records{
      evidence, judged.marks,
      stored ? std::nullopt : std::optional<std::vector<record::LedgerTransaction>>(judged.ledger), stored};
  Checks checks;
  for (auto& check : verify::judge(judged.scenario.verify, records).checks) {
    auto name = check.name;
    checks.emplace(std::move(name), std::move(check));
  }
  judge_commits(report, judged, evidence, target, checks);
  return checks;
}

std::map<std::string, Checks> judge_states(const record::Report& report, const Judged& judged,
                                           const record::ProofEvidence& proof) {
  std::map<std::string, Checks> states;
  states.emplace("sabotaged", judge_copy(report, judged, proof.sabotaged, proof.target));
  for (const auto& [name, evidence] : proof.astray) {
    states.emplace(name, judge_copy(report, judged, evidence, proof.target));
  }
  return states;
}

bool names(const Check& check, const Sabotage& sabotage) {
  return std::any_of(check.findings.begin(), check.findings.end(), [&](const record::Finding& finding) {
    return finding.object.ends_with(sabotage.object) && finding.text.find(sabotage.words) != std::string::npos &&
           (sabotage.key.empty() || finding.key == sabotage.key);
  });
}

const Check& check_of(const Checks& checks, const std::string& name) {
  static const Check absent;
  const auto found = checks.find(name);
  return found == checks.end() ? absent : found->second;
}

const Check& check_of(const std::map<std::string, Checks>& states, const Sabotage& sabotage) {
  static const Checks never_seen;
  const auto found = states.find(sabotage.seen_in);
  return check_of(found == states.end() ? never_seen : found->second, sabotage.check);
}

// "fail", "pass" or "unknown"; behind it, where it needs one, the reason. A check that fails and does not name what was
// harmed noticed something else.
std::string given(const Check& before, const Check& after, const Sabotage& sabotage) {
  if (!sabotage.broke.empty()) return fmt::format("unknown: doing it failed: {}", sabotage.broke);
  if (before.verdict != Verdict::pass) {
    return fmt::format("unknown: of the untouched copy it said {}: {}", to_string(before.verdict), before.summary);
  }
  if (after.verdict == Verdict::unknown) return fmt::format("unknown: {}", after.summary);
  if (after.verdict == Verdict::fail && names(after, sabotage)) return "fail";
  if (after.verdict == Verdict::fail && sabotage.wanted == Verdict::fail) {
    return fmt::format("pass: it found other harm, and nothing that names {}", sabotage.object);
  }
  return "pass";
}

void note_untouched(const Checks& checks, const std::set<std::string>& tried, record::Report& report) {
  for (const auto& name : tried) {
    report.proof.push_back({name, "untouched", "pass", std::string(to_string(check_of(checks, name).verdict))});
  }
}

void note_proven(record::Report& report, const Sabotage& sabotage) {
  for (auto& check : report.checks) {
    // What the engine wrote itself is a self-check, however well it notices.
    if (check.name == sabotage.check && check.witness != "engine") check.proven_by.push_back(sabotage.name);
  }
}

// Checks that were asked for and that nothing was tried on, by name, with the reasons.
void note_untried(const Checks& before, const record::ProofEvidence& proof, const std::set<std::string>& tried,
                  record::Report& report) {
  std::map<std::string, std::vector<std::string>> why;
  for (const auto& sabotage : proof.sabotages) {
    if (!sabotage.why_not.empty() && sabotage.wanted == Verdict::fail) {
      why[sabotage.check].push_back(fmt::format("{}: {}", sabotage.name, sabotage.why_not));
    }
  }
  for (const auto& [name, verdict] : before) {
    const auto reasons = why.find(name);
    if (tried.contains(name)) {
      if (reasons == why.end()) continue;
      report.not_tested.push_back(
          fmt::format("proof: what was not tried on the check {}: {}", name, fmt::join(reasons->second, "; ")));
      continue;
    }
    report.not_tested.push_back(
        fmt::format("proof: no sabotage could be tried on the check {}{}", name,
                    reasons == why.end() ? "; there is none" : fmt::format(" ({})", fmt::join(reasons->second, "; "))));
  }
}

void note_blindness(const Sabotage& sabotage, const std::string& verdict, record::Report& report) {
  if (verdict != "pass") return;
  const auto why = sabotage.why_blind.empty() ? "" : fmt::format(" ({})", sabotage.why_blind);
  report.not_tested.push_back(fmt::format("{}: blind to {}{}; it was tried on {}, and not seen", sabotage.check,
                                          sabotage.name, why, sabotage.object));
}

Check opening_check() {
  Check check;
  check.name = proof_check;
  check.witness = "sabotage";
  return check;
}

void conclude(Check& check, std::uint64_t tried, const std::string& first_unknown, double seconds) {
  check.seconds = seconds;
  check.expected = fmt::format("{} sabotages noticed", tried);
  check.actual = fmt::format("{} not noticed", check.findings.size());
  if (!check.findings.empty()) {
    check.verdict = Verdict::fail;
    const auto& first = check.findings.front();
    check.summary =
        fmt::format("{} of {} sabotages went unnoticed, first: {}", check.findings.size(), tried, first.text);
  } else if (!first_unknown.empty()) {
    check.summary = first_unknown;
  } else if (tried == 0) {
    check.summary = "nothing was sabotaged, so nothing shows that the checks can fail";
  } else {
    check.verdict = Verdict::pass;
    check.summary = fmt::format("all {} sabotages of a copy were noticed by the check responsible, by name", tried);
  }
}

void judge_sabotages(record::Report& report, const Judged& judged, const record::ProofEvidence& proof) {
  const auto before = judge_copy(report, judged, proof.untouched, proof.target);
  const auto after = judge_states(report, judged, proof);
  auto check = opening_check();
  std::set<std::string> tried;
  std::uint64_t attempts = 0;
  std::string first_unknown = proof.broke.empty() ? "" : "the proof did not come to its end: " + proof.broke;
  for (const auto& sabotage : proof.sabotages) {
    if (sabotage.why_not.empty() && sabotage.wanted == Verdict::fail) tried.insert(sabotage.check);
  }
  note_untouched(before, tried, report);
  note_untried(before, proof, tried, report);
  for (const auto& sabotage : proof.sabotages) {
    if (!sabotage.why_not.empty()) continue;
    const auto verdict = given(check_of(before, sabotage.check), check_of(after, sabotage), sabotage);
    report.proof.push_back({sabotage.check, sabotage.name, std::string(to_string(sabotage.wanted)), verdict});
    if (sabotage.wanted == Verdict::pass) {
      note_blindness(sabotage, verdict, report);
      continue;
    }
    ++attempts;
    if (verdict == "fail") {
      note_proven(report, sabotage);
    } else if (verdict.starts_with("unknown")) {
      if (first_unknown.empty()) first_unknown = fmt::format("{} of {}: {}", sabotage.check, sabotage.name, verdict);
    } else {
      check.findings.push_back(
          {sabotage.object, sabotage.key, "", "", "",
           fmt::format("{} went unnoticed by {}, which said {}", sabotage.name, sabotage.check, verdict)});
    }
  }
  conclude(check, attempts, first_unknown, proof.seconds);
  report.checks.push_back(std::move(check));
}

}  // namespace

void judge_proof(record::Report& report, const Judged& judged, const std::optional<record::ProofEvidence>& proof) {
  report.proof.clear();
  if (!judged.scenario.prove) return;
  if (proof) return judge_sabotages(report, judged, *proof);
  if (record::recovery_verdict(report) == Verdict::pass) {
    auto check = opening_check();
    check.summary = "the drill asks for a proof of its checks and has none";
    report.checks.push_back(std::move(check));
    return;
  }
  report.not_tested.emplace_back(
      "proof: whether the checks would have noticed harm; the drill did not pass without it");
}

}  // namespace harness::drill
