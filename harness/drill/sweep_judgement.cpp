#include "harness/drill/sweep_judgement.hpp"

#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "harness/measure/sweep.hpp"

namespace harness::drill {

namespace record = reports::record;
using record::Verdict;

namespace {

std::string reason_for_none(const record::Evidence& evidence) {
  for (const auto* const probe : {"sweep", "commit_order"}) {
    const auto unread = evidence.missing.find(probe);
    if (unread != evidence.missing.end()) return unread->second;
  }
  return "the drill left no sweep evidence";
}

void judge_points(const Judged& judged, record::Report& report, record::Check& check) {
  const auto& evidence = judged.evidence;
  if (!evidence.sweep || !evidence.commit_order) {
    check.summary = fmt::format("not examined: {}", reason_for_none(evidence));
    return;
  }
  auto measured = measure::measure_sweep(*evidence.sweep, *evidence.commit_order, judged.ledger, report.backups);
  const auto& sweep = measured.sweep;
  check.findings = std::move(measured.findings);
  check.expected = fmt::format("{} points met", sweep.planned);
  check.actual = fmt::format("{} met, {} judged", sweep.met, sweep.judged);
  if (sweep.met < sweep.judged) {
    check.verdict = Verdict::fail;
    const auto& first = check.findings.front();
    check.summary = fmt::format("{} of {} points are not met, first: {}: {}", sweep.judged - sweep.met, sweep.planned,
                                first.object, first.text);
  } else if (sweep.judged < sweep.planned || sweep.planned == 0) {
    check.summary = fmt::format("{} of {} points could not be judged", sweep.planned - sweep.judged, sweep.planned);
    for (const auto& point : sweep.points) {
      if (point.met) continue;
      check.summary += fmt::format(", first: {} {}: {}", point.boundary, point.lsn, point.why);
      break;
    }
  } else {
    check.verdict = Verdict::pass;
    check.summary = fmt::format("at all {} points from {} to {} exactly the commits before them are there",
                                sweep.planned, sweep.from_lsn, sweep.until_lsn);
  }
  report.sweep = std::move(measured.sweep);
}

}  // namespace

void judge_sweep(record::Report& report, const Judged& judged) {
  report.sweep.reset();
  if (judged.scenario.restore.kind != scenario::RestoreKind::pitr_sweep) return;
  record::Check check;
  check.name = "sweep";
  check.witness = judged.evidence.commit_order ? judged.evidence.commit_order->witness : "";
  const auto took = judged.evidence.seconds.find("sweep");
  if (took != judged.evidence.seconds.end()) check.seconds = took->second;
  try {
    judge_points(judged, report, check);
  } catch (const backup_engine::base::Error& error) {
    check.verdict = Verdict::unknown;
    check.summary = fmt::format("the check itself broke: {}", error.what());
  }
  report.checks.push_back(std::move(check));
}

}  // namespace harness::drill
