#include "harness/drill/drill.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/drill/conduct.hpp"
#include "harness/drill/drill_directory.hpp"
#include "harness/drill/judgement.hpp"
#include "harness/drill/machine.hpp"
#include "harness/drill/publication.hpp"
#include "harness/drill/workplace.hpp"
#include "reports/record/summary.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace record = reports::record;
using record::Verdict;

namespace {

record::Report opening_report(const plan::Plan& plan, const ToolIdentity& tool) {
  record::Report report;
  report.drill_id = plan.drill_id;
  report.seed = plan.circumstances.seed;
  report.scenario = {plan.scenario.name, plan.scenario.claim, plan.scenario.digest};
  report.tool = tool;
  report.initiated_by = describe_initiator(plan.circumstances.reason);
  report.environment = describe_machine(plan.drill_directory);
  report.environment.postgres_version = plan.circumstances.postgres_version;
  report.environment.concurrent_drills = plan.circumstances.concurrent_drills;
  report.started_at = base::to_rfc3339(base::utc_now());  // several plans are made before the first drill begins
  return report;
}

// A drill that broke says why, and can never pass; one whose restore came to nothing has failed.
void note_failure(record::Report& report, record::Journal& journal, const base::Error& error) {
  const bool told = !report.restores.empty() && report.restores.back().outcome != "recovered";
  record::Check broke;
  broke.name = drill_check;
  broke.verdict = told ? Verdict::fail : Verdict::unknown;
  broke.summary = error.what();
  if (!error.remedy().empty()) broke.summary += "; what to do: " + error.remedy();
  broke.actual = error.log_tail();
  report.checks.push_back(std::move(broke));
  journal.append(told ? "restore.failed" : "drill.broke",
                 {{"kind", std::string(base::to_string(error.kind()))}, {"why", error.what()}});
}

void conduct_guarded(const Context& context, record::Report& report) {
  try {
    conduct(context, report);
  } catch (const base::Error& error) {
    note_failure(report, context.journal, error);
  } catch (const std::exception& error) {
    note_failure(report, context.journal, base::Error(base::ErrorKind::internal, error.what()));
  }
}

bool keeps_data(plan::Keep keep, const record::Report& report, const std::stop_token& stop) {
  switch (keep) {
    case plan::Keep::always:
      return true;
    case plan::Keep::never:
      return false;
    case plan::Keep::on_failure:
      return !stop.stop_requested() && record::recovery_verdict(report) != Verdict::pass;
  }
  return false;
}

void tear_down(const Context& context, record::Report& report) {
  report.cleanup.verdict = Verdict::pass;
  if (keeps_data(context.plan.circumstances.keep, report, context.stop)) {
    context.workplace.keep();
    report.cleanup.left_behind.push_back(fmt::format("kept on purpose: {}", context.workplace.path().string()));
    return;
  }
  const auto left = context.workplace.remove();
  if (left.empty()) return;
  report.cleanup.verdict = Verdict::fail;
  report.cleanup.left_behind.push_back(left);
}

void save_plan(const plan::Plan& plan, const DrillDirectory& directory) {
  base::write_file_atomically(directory.plan(), plan::to_json(plan));
  std::filesystem::copy_file(plan.scenario.file, directory.scenario(plan.scenario.name));
  // SQL files that lie with the scenario belong to it: whoever judges again finds them where it does.
  const auto folder = std::filesystem::absolute(plan.scenario.file).lexically_normal().parent_path();
  for (const auto& check : plan.scenario.verify) {
    const auto place = check.sql_file.lexically_relative(folder);
    if (check.sql_file.empty() || place.empty() || place.begin()->string() == "..") continue;
    std::filesystem::create_directories((directory.path() / place).parent_path());
    std::filesystem::copy_file(check.sql_file, directory.path() / place);
  }
}

// Before anything is made for it. The other drills of the run go on.
void refuse_obstacle(const plan::Plan& plan) {
  const auto& obstacle = plan.circumstances.obstacle;
  if (obstacle) throw base::Error(base::ErrorKind::permission, obstacle->what).with_remedy(obstacle->remedy);
}

}  // namespace

record::Report run_drill(const plan::Plan& plan, const ToolIdentity& tool, Observer& observer,
                         const std::stop_token& stop) {
  const auto directory = DrillDirectory::create(plan.drill_directory);
  save_plan(plan, directory);
  record::Journal journal(directory.journal());
  auto report = opening_report(plan, tool);
  report.cleanup.verdict = Verdict::pass;  // there is nothing to clean up yet
  try {
    refuse_obstacle(plan);
    auto workplace = Workplace::create(plan);
    report.cleanup.verdict = Verdict::unknown;
    const Context context{plan, directory, workplace, journal, observer, stop};
    conduct_guarded(context, report);
    tear_down(context, report);
  } catch (const base::Error& error) {
    note_failure(report, journal, error);
  }
  report.finished_at = base::to_rfc3339(base::utc_now());
  report.verdict = record::overall_verdict(report);
  journal.append("drill.ended", {{"verdict", std::string(record::to_string(report.verdict))}});
  publish(report, record::read_journal(directory.journal()), directory.path());
  directory.publish_as_latest();
  return report;
}

}  // namespace harness::drill
