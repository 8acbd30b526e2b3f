#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>

#include "backup_engine/base/error.hpp"
#include "harness/cli/circumstances.hpp"
#include "harness/cli/recorded_drill.hpp"
#include "harness/cli/terminal.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/cli/version.hpp"
#include "harness/drill/drill_directory.hpp"
#include "harness/drill/judgement.hpp"
#include "harness/drill/suite.hpp"
#include "reports/render/html.hpp"
#include "reports/render/junit.hpp"
#include "reports/render/markdown.hpp"
#include "reports/render/result_table.hpp"

namespace harness::cli {

namespace base = backup_engine::base;

namespace {

std::vector<plan::Plan> plans_for(const RunVerb& verb) {
  // 32 bits are easy to type again, and enough.
  const std::uint64_t first = verb.seed.value_or(std::random_device{}());
  if (verb.seeds - 1 > std::numeric_limits<std::uint64_t>::max() - first) {
    throw base::Error(base::ErrorKind::usage, fmt::format("--seed {}: not {} seeds from there, {} is the last one",
                                                          first, verb.seeds, std::numeric_limits<std::uint64_t>::max()))
        .with_remedy("take a smaller --seed, or fewer --seeds");
  }
  std::vector<plan::Plan> plans;
  for (unsigned i = 0; i < verb.seeds; ++i) {
    const auto seed = first + i;
    for (const auto& scenario : parse_scenarios(verb.scenarios, verb.fillings, seed)) {
      plans.push_back(plan_for(scenario, verb, seed));
    }
  }
  return plans;
}

// Another run of a scenario may begin within the same second.
std::vector<plan::Plan> with_claimed_directories(std::vector<plan::Plan> plans) {
  for (auto& plan : plans) {
    plan.drill_directory = drill::DrillDirectory::claim(plan.drill_directory);
    const auto name = plan.drill_directory.filename();
    plan.drill_id = (std::filesystem::path(plan.drill_id).parent_path() / name).generic_string();
  }
  return plans;
}

// Of drills that never began, because the run was interrupted.
void remove_unused_directories(const std::vector<plan::Plan>& plans) {
  for (const auto& plan : plans) {
    std::error_code ignored;
    if (std::filesystem::is_empty(plan.drill_directory, ignored) && !ignored) {
      std::filesystem::remove(plan.drill_directory, ignored);
    }
  }
}

// Under the results: how to draw again what did not pass.
void print_seeds(const RunVerb& verb, const std::vector<reports::record::Report>& reports) {
  if (verb.seeds == 1) return;
  for (const auto& report : reports) {
    if (exit_code_for(report) == ExitCode::pass) continue;
    fmt::print("again: {} --seed {}  ({})\n", report.scenario.name, report.seed, report.drill_id);
  }
}

// Under the results: whom to turn to about each cluster of which a drill did not pass.
void print_contacts(const RunVerb& verb, const std::vector<plan::Plan>& plans,
                    const std::vector<reports::record::Report>& reports) {
  for (const auto& filling : verb.fillings) {
    const bool passed = std::none_of(reports.begin(), reports.end(), [&](const auto& report) {
      const auto plan =
          std::find_if(plans.begin(), plans.end(), [&](const auto& p) { return p.drill_id == report.drill_id; });
      return plan != plans.end() && plan->circumstances.filled_for == filling.cluster &&
             exit_code_for(report) != ExitCode::pass;
    });
    if (passed) continue;
    for (const auto& contact : filling.contacts) fmt::print("whom to tell about {}: {}\n", filling.cluster, contact);
  }
}

}  // namespace

ExitCode execute(const RunVerb& verb, const std::stop_token& stop) {
  return run_drills(plans_for(verb), verb, stop);
}

ExitCode run_drills(const std::vector<plan::Plan>& wanted, const RunVerb& verb, const std::stop_token& stop) {
  Terminal terminal(verb.progress);
  const auto plans = with_claimed_directories(wanted);
  const auto result = drill::run_suite(plans, {"lifeboat", version(), revision()}, terminal, stop);
  remove_unused_directories(plans);
  terminal.finish();
  record_drills(plans, result.reports);
  fmt::print("{}", reports::render::result_table(result.reports, Terminal::result_style()));
  print_seeds(verb, result.reports);
  print_contacts(verb, plans, result.reports);
  fmt::print("{}\n", result.index_page.string());
  std::vector<ExitCode> codes;
  for (const auto& report : result.reports) codes.push_back(exit_code_for(report));
  if (stop.stop_requested()) codes.push_back(ExitCode::interrupted);
  return worst(codes);
}

ExitCode execute(const ValidateVerb& verb) {
  for (const auto& [scenario, filled_for] : parse_scenarios(verb.scenarios, verb.fillings)) {
    fmt::print("{}{}{}: sound: {}\n", scenario.file.string(), filled_for.empty() ? "" : " for ", filled_for,
               scenario.claim);
  }
  return ExitCode::pass;
}

ExitCode execute(const PlanVerb& verb) {
  for (const auto& plan : plans_for(verb.run)) fmt::print("{}", plan::describe(plan));
  return ExitCode::pass;
}

ExitCode execute(const JudgeVerb& verb) {
  try {
    (void)drill::DrillDirectory::open(verb.drill_directory);  // or it is the fixtures above it that are missed first
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

}  // namespace harness::cli
