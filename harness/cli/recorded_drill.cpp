#include "harness/cli/recorded_drill.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/caller.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/operations.hpp"
#include "harness/cli/exit_code.hpp"
#include "reports/record/summary.hpp"

namespace harness::cli {

namespace base = backup_engine::base;
namespace record = reports::record;

namespace {

std::string outcome_of(const record::Report& report) {
  const auto label = report.restores.empty() ? std::string() : report.restores.back().backup_label;
  auto text =
      fmt::format("{}: {}{}", report.drill_id, label.empty() ? "" : label + " ",
                  report.verdict == record::Verdict::pass ? "was restored and passed every check" : "did not pass");
  const auto reasons = record::recovery_reasons(report);
  return reasons.empty() ? text : fmt::format("{}: {}", text, reasons.front().text);
}

backup_engine::Operation operation_of(const plan::Plan& plan, const record::Report& report) {
  const auto caller = base::this_caller();
  backup_engine::Operation operation;
  operation.cluster = plan.cluster;
  operation.verb = "drill";
  operation.reason = plan.circumstances.reason;
  operation.user = caller.user;
  operation.host = caller.host;
  operation.pid = caller.pid;
  operation.finished_at = base::utc_now();
  operation.started_at = base::parse_rfc3339(report.started_at).value_or(operation.finished_at);
  operation.exit_code = static_cast<int>(exit_code_for(report));
  operation.outcome = outcome_of(report);
  return operation;
}

}  // namespace

void record_drills(const std::vector<plan::Plan>& plans, const std::vector<record::Report>& reports) {
  for (const auto& report : reports) {
    const auto plan =
        std::find_if(plans.begin(), plans.end(), [&](const auto& p) { return p.drill_id == report.drill_id; });
    if (plan == plans.end() || !plan->scenario.source.stored) continue;
    const auto& stored = *plan->scenario.source.stored;
    try {
      backup_engine::record_operation({stored.location, stored.key_file}, operation_of(*plan, report));
    } catch (const base::Error& error) {
      fmt::print(stderr, "lifeboat: not in the operations log: {}\n", error.what());
    }
  }
}

}  // namespace harness::cli
