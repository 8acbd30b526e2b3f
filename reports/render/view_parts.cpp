#include "reports/render/view_parts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "backup_engine/base/quantity_text.hpp"
#include "reports/render/recovery_point.hpp"
#include "reports/render/text.hpp"
#include "reports/render/timeline.hpp"

namespace reports::render {

using backup_engine::base::bytes_text;
using record::Report;
using record::Verdict;

namespace {

void add_fact(PageData& facts, const char* name, std::string_view text) {
  PageData fact;
  fact.set("name", name);
  fact.set("value", value(text));
  facts << fact;
}

std::string seconds_or(const std::optional<double>& seconds, const char* otherwise) {
  return seconds ? duration_text(*seconds) : otherwise;
}

std::string count_or_dash(const std::optional<std::uint64_t>& count) {
  return count ? count_text(*count) : "–";
}

Verdict verdict_of(const std::optional<bool>& met) {
  if (!met) return Verdict::unknown;
  return *met ? Verdict::pass : Verdict::fail;
}

PageData phase_row(const record::Phase& phase, double start) {
  const auto& used = phase.resources;
  PageData row;
  row.set("name", value(phase.name));
  row.set("began", duration_text(start));
  row.set("took", duration_text(phase.seconds));
  row.set("cpu", used.cpu_seconds > 0 ? duration_text(used.cpu_seconds) : "–");
  row.set("read", used.read_bytes != 0 ? bytes_text(used.read_bytes) : "–");
  row.set("written", used.written_bytes != 0 ? bytes_text(used.written_bytes) : "–");
  return row;
}

}  // namespace

void set_recovery_time(PageData& page, const Report& report) {
  const auto rto = report.restores.empty() ? record::Rto() : report.restores.back().rto;
  const auto starts = phase_starts(rto.phases);
  auto phases = list();
  for (std::size_t i = 0; i < starts.size(); ++i) phases << phase_row(rto.phases[i], starts[i]);
  page.set("has_phases", !rto.phases.empty());
  page.set("phases", phases);
  const bool partial = !report.restores.empty() && report.restores.back().kind == "partial";
  auto milestones = list();
  add_fact(milestones, "Restored", seconds_or(rto.restored_seconds, "not measured"));
  add_fact(milestones, "Readable", seconds_or(rto.readable_seconds, "not measured"));
  add_fact(milestones, partial ? "Back in place (the achieved RTO)" : "Writable (the achieved RTO)",
           seconds_or(rto.writable_seconds, "not measured"));
  add_fact(milestones, "Verified", seconds_or(rto.verified_seconds, "not measured"));
  add_fact(milestones, "Objective", seconds_or(rto.objective_seconds, "none promised"));
  page.set("milestones", milestones);
}

void set_loss(PageData& page, const Report& report) {
  const auto restore = report.restores.empty() ? record::RestoreRecord() : report.restores.back();
  const auto& rpo = restore.rpo;
  auto loss = list();
  add_fact(loss, "Acknowledged to the load", count_or_dash(rpo.acknowledged));
  add_fact(loss, "Recovered", count_or_dash(rpo.recovered));
  add_fact(loss, "Lost", count_or_dash(rpo.lost));
  add_fact(loss, "Lost, as time", seconds_or(rpo.loss_seconds, "–"));
  add_fact(loss, "Objective", seconds_or(rpo.objective_seconds, "none promised"));
  add_fact(loss, "Given up knowingly, past the target", count_or_dash(rpo.discarded));
  add_fact(loss, "Given up, as time", seconds_or(rpo.discarded_seconds, "–"));
  add_fact(loss, "Present though nobody attempted it", count_or_dash(rpo.unexpected));
  add_fact(loss, "Present more than once", count_or_dash(rpo.duplicated));
  add_fact(loss, "Never answered, may be either", count_or_dash(rpo.indeterminate));
  page.set("loss", loss);
  auto exactness = list();
  add_fact(exactness, "Commits that the target asks for", count_or_dash(restore.exact.expected));
  add_fact(exactness, "Missing", count_or_dash(restore.exact.missing));
  add_fact(exactness, "Extra", count_or_dash(restore.exact.extra));
  add_fact(exactness, "Witness", text_or_dash(restore.exact.witness));
  page.set("exact", badge(verdict_of(restore.exact.met)));
  page.set("exactness", exactness);
}

static PageData finding_item(const record::Finding& finding) {
  PageData item;
  item.set("object", value(finding.object));
  item.set("text", value(finding.text));
  auto places = list();
  for (const auto& [label, text] :
       {std::pair{"key", &finding.key}, {"LSN", &finding.lsn}, {"xid", &finding.xid}, {"at", &finding.time}}) {
    if (text->empty()) continue;
    PageData place;
    place.set("label", label);
    place.set("value", value(*text));
    places << place;
  }
  item.set("places", places);
  return item;
}

static PageData check_row(const record::Check& check, std::size_t shown_findings) {
  PageData row;
  set_badge(row, check.verdict);
  row.set("name", value(check.name));
  row.set("summary", value(check.summary));
  row.set("witness", value(text_or_dash(check.witness)));
  row.set("took", duration_text(check.seconds));
  row.set("comparison", false);
  if (check.verdict != Verdict::pass && !(check.expected.empty() && check.actual.empty())) {
    PageData comparison;
    comparison.set("expected", value(text_or_dash(check.expected)));
    comparison.set("actual", value(text_or_dash(check.actual)));
    row.set("comparison", comparison);
  }
  auto findings = list();
  const auto shown = std::min(shown_findings, check.findings.size());
  for (std::size_t i = 0; i < shown; ++i) findings << finding_item(check.findings[i]);
  row.set("has_proven_by", !check.proven_by.empty());
  row.set("proven_by", value(fmt::format("{}", fmt::join(check.proven_by, ", "))));
  row.set("has_findings", !check.findings.empty());
  row.set("open", check.verdict == Verdict::fail);
  row.set("finding_count", count_text(check.findings.size(), "finding"));
  row.set("findings", findings);
  row.set("more", false);
  if (shown < check.findings.size()) {
    row.set("more", fmt::format("and {} more in report.json", count_text(check.findings.size() - shown)));
  }
  return row;
}

void set_checks(PageData& page, const Report& report, std::size_t shown_findings) {
  auto checks = list();
  std::size_t passed = 0;
  for (const auto& check : report.checks) {
    passed += check.verdict == Verdict::pass ? 1 : 0;
    checks << check_row(check, shown_findings);
  }
  page.set("has_checks", !report.checks.empty());
  page.set("checks", checks);
  page.set("checks_passed", std::to_string(passed));
  page.set("checks_total", std::to_string(report.checks.size()));
}

static PageData restore_row(const record::RestoreRecord& restore) {
  PageData row;
  row.set("kind",
          value(text_or_dash(restore.kind) + (restore.repeat ? fmt::format(", repeat {}", *restore.repeat) : "")));
  row.set("target", value(text_or_dash(target_text(restore.target))));
  row.set("backup_label", value(text_or_dash(restore.backup_label)));
  row.set("outcome", value(restore.outcome.empty() ? "not reached" : outcome_text(restore)));
  row.set("reached", value(text_or_dash(restore.reached.lsn)));
  row.set("rto", seconds_or(restore.rto.writable_seconds, "–"));
  row.set("lost", count_or_dash(restore.rpo.lost));
  return row;
}

void set_course(PageData& page, const Report& report) {
  auto backups = list(), disasters = list(), restores = list();
  for (const auto& backup : report.backups) {
    PageData row;
    row.set("label", value(backup.label));
    row.set("type", value(backup.type));
    row.set("source", value(text_or_dash(backup.source)));
    row.set("source_size", bytes_text(backup.source_bytes));
    row.set("stored_size", bytes_text(backup.stored_bytes));
    row.set("took", duration_text(backup.seconds));
    row.set("start_lsn", value(backup.start_lsn));
    row.set("stop_lsn", value(backup.stop_lsn));
    row.set("damaged_pages", count_text(backup.damaged_pages));
    backups << row;
  }
  for (const auto& disaster : report.disasters) {
    PageData row;
    row.set("kind", value(disaster.kind));
    row.set("at", value(time_text(disaster.at)));
    row.set("detail", value(disaster.detail));
    disasters << row;
  }
  for (const auto& restore : report.restores) restores << restore_row(restore);
  page.set("has_backups", !report.backups.empty());
  page.set("several_restores", report.restores.size() > 1);
  page.set("backups", backups);
  page.set("disasters", disasters);
  page.set("restores", restores);
}

void set_facts(PageData& page, const Report& report) {
  const auto& environment = report.environment;
  const auto& initiator = report.initiated_by;
  std::string settings;
  for (const auto& [name, text] : environment.settings) {
    settings += fmt::format("{}{} = {}", settings.empty() ? "" : ", ", name, text);
  }
  auto facts = list();
  add_fact(facts, "Drill", text_or_dash(report.drill_id));
  add_fact(facts, "Seed", std::to_string(report.seed));
  add_fact(facts, "Started, finished",
           fmt::format("{}, {}", time_text(report.started_at), time_text(report.finished_at)));
  add_fact(facts, "Initiated by", fmt::format("{} on {}", text_or_dash(initiator.user), text_or_dash(initiator.host)));
  add_fact(facts, "Reason", text_or_dash(initiator.reason));
  if (!initiator.cadence.empty()) add_fact(facts, "Cadence", initiator.cadence);
  add_fact(facts, "PostgreSQL", text_or_dash(environment.postgres_version));
  add_fact(facts, "Settings", text_or_dash(settings));
  add_fact(facts, "System", fmt::format("{}, {}", text_or_dash(environment.os), text_or_dash(environment.kernel)));
  add_fact(facts, "Processor",
           fmt::format("{}, {}", text_or_dash(environment.cpu), count_text(environment.cores, "core")));
  add_fact(facts, "Memory", environment.memory_bytes == 0 ? "–" : bytes_text(environment.memory_bytes));
  add_fact(facts, "File system", text_or_dash(environment.filesystem));
  add_fact(facts, "Drills at the same time", std::to_string(environment.concurrent_drills));
  add_fact(facts, "Scenario's SHA-256", text_or_dash(report.scenario.digest));
  page.set("facts", facts);
}

}  // namespace reports::render
