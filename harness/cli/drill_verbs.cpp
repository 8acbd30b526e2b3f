#include <fmt/format.h>

#include <random>

#include "backup_engine/base/error.hpp"
#include "backup_engine/server_check.hpp"
#include "harness/cli/circumstances.hpp"
#include "harness/cli/terminal.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/cli/version.hpp"
#include "harness/drill/drill_directory.hpp"
#include "harness/drill/judgement.hpp"
#include "harness/drill/suite.hpp"
#include "harness/server/doctor.hpp"
#include "reports/render/html.hpp"
#include "reports/render/junit.hpp"
#include "reports/render/markdown.hpp"
#include "reports/render/result_table.hpp"

namespace harness::cli {

namespace base = backup_engine::base;

namespace {

std::vector<plan::Plan> plans_for(const RunVerb& verb) {
  const auto scenarios = parse_scenarios(verb.scenarios);
  // 32 bits are easy to type again, and enough.
  const auto seed = verb.seed.value_or(std::random_device{}());
  std::vector<plan::Plan> plans;
  plans.reserve(scenarios.size());
  for (const auto& scenario : scenarios) plans.push_back(plan_for(scenario, verb, seed));
  return plans;
}

}  // namespace

ExitCode execute(const RunVerb& verb, const std::stop_token& stop) {
  const auto plans = plans_for(verb);
  Terminal terminal(verb.progress);
  const auto result = drill::run_suite(plans, {"lifeboat", version(), revision()}, terminal, stop);
  terminal.finish();
  fmt::print("{}", reports::render::result_table(result.reports, Terminal::result_style()));
  fmt::print("{}\n", result.index_page.string());
  std::vector<ExitCode> codes;
  for (const auto& report : result.reports) codes.push_back(exit_code_for(report));
  if (stop.stop_requested()) codes.push_back(ExitCode::interrupted);
  return worst(codes);
}

ExitCode execute(const ValidateVerb& verb) {
  for (const auto& scenario : parse_scenarios(verb.scenarios)) {
    fmt::print("{}: sound: {}\n", scenario.file.string(), scenario.claim);
  }
  return ExitCode::pass;
}

ExitCode execute(const PlanVerb& verb) {
  for (const auto& plan : plans_for(verb.run)) fmt::print("{}", plan::describe(plan));
  return ExitCode::pass;
}

ExitCode execute(const JudgeVerb& verb) {
  try {
    const auto report =
        drill::judge_again(verb.drill_directory, find_fixtures(verb.drill_directory / "plan.json"), verb.out);
    fmt::print("{}", reports::render::result_table({report}, Terminal::result_style()));
    return exit_code_for(report);
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::corrupt) throw;
    // Damaged evidence says nothing about the recovery: it cannot be judged, which is not the same as failed.
    fmt::print(stderr, "{}\n", base::describe(error));
    return ExitCode::unknown;
  }
}

// Without its journal a report still tells what was found, only less of when.
static std::vector<reports::record::JournalEvent> journal_of(const drill::DrillDirectory& directory) {
  if (!std::filesystem::exists(directory.journal())) return {};
  return reports::record::read_journal(directory.journal());
}

ExitCode execute(const ReportVerb& verb) {
  const auto directory = drill::DrillDirectory::open(verb.drill_directory);
  const auto report = reports::record::read_report(directory.report());
  switch (verb.format) {
    case ReportFormat::html:
      fmt::print("{}", reports::render::html(report, journal_of(directory)));
      break;
    case ReportFormat::markdown:
      fmt::print("{}", reports::render::markdown(report, journal_of(directory)));
      break;
    case ReportFormat::junit:
      fmt::print("{}", reports::render::junit(report));
      break;
    case ReportFormat::json:
      fmt::print("{}", reports::record::to_json(report));
      break;
  }
  return ExitCode::pass;
}

namespace {

// Of a production server: drills run whatever is said of it.
void print_server(const std::string& conninfo) {
  const auto findings = backup_engine::check_server(conninfo);
  if (findings.empty()) fmt::print("ok       the server: it can be backed up, its slots are read, its WAL leaves it\n");
  for (const auto& finding : findings) {
    fmt::print("limited  the server: {}\n         what to do: {}\n", finding.text, finding.remedy);
  }
}

}  // namespace

ExitCode execute(const DoctorVerb& verb) {
  bool drills_run = true;
  for (const auto& item : server::examine({verb.out, verb.run_as, verb.bin_directory})) {
    const auto* const word = item.health == server::Health::good      ? "ok     "
                             : item.health == server::Health::limited ? "limited"
                                                                      : "missing";
    fmt::print("{}  {}: {}\n", word, item.what, item.detail);
    if (!item.remedy.empty()) fmt::print("         what to do: {}\n", item.remedy);
    drills_run = drills_run && item.ok();
  }
  if (!verb.conninfo.empty()) print_server(verb.conninfo);
  return drills_run ? ExitCode::pass : ExitCode::unknown;
}

}  // namespace harness::cli
