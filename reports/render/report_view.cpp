#include "reports/render/report_view.hpp"

#include <fmt/format.h>

#include <set>

#include "reports/record/summary.hpp"
#include "reports/render/proof_view.hpp"
#include "reports/render/recovery_point.hpp"
#include "reports/render/statistics_view.hpp"
#include "reports/render/sweep_view.hpp"
#include "reports/render/text.hpp"
#include "reports/render/view_parts.hpp"

namespace reports::render {

using record::Report;
using record::Verdict;

namespace {

PageData answer(const char* question, const Answer& given) {
  PageData data;
  data.set("class", std::string(to_string(given.verdict)));
  data.set("question", question);
  data.set("headline", value(given.headline));
  data.set("detail", value(given.detail));
  return data;
}

PageData answers(const Report& report) {
  auto list = PageData(PageData::type::list);
  list << answer("Can we recover?", can_we_recover(report)) << answer("How fast?", how_fast(report))
       << answer("What would we lose?", what_would_we_lose(report));
  return list;
}

void set_reasons(PageData& page, const Report& report) {
  auto reasons = recovery_reasons(report);
  if (report.cleanup.verdict != Verdict::pass) {
    reasons.push_back({Verdict::unknown, "cleanup",
                       report.cleanup.left_behind.empty() ? "It is not known whether everything was removed."
                                                          : "Something was left behind; it is listed below."});
  }
  auto list = PageData(PageData::type::list);
  for (const auto& reason : reasons) {
    PageData item;
    set_badge(item, reason.verdict);
    item.set("subject", value(reason.subject));
    item.set("text", value(reason.text));
    list << item;
  }
  page.set("has_reasons", !reasons.empty());
  page.set("reasons", list);
}

PageData promise(const std::string& name, const std::string& achieved, const std::string& objective, Verdict verdict) {
  PageData row;
  set_badge(row, verdict);
  row.set("name", name);
  row.set("achieved", value(achieved));
  row.set("objective", value(objective));
  return row;
}

// RTO, RPO and exactness, each against what was promised.
PageData promises(const Report& report) {
  const auto restore = report.restores.empty() ? record::RestoreRecord() : report.restores.back();
  const auto fast = how_fast(report), loss = what_would_we_lose(report);
  const auto promised = [](const std::optional<double>& objective) {
    if (!objective) return std::string("none promised");
    return *objective == 0 ? "none" : "at most " + duration_text(*objective);
  };
  auto lost = loss.headline;
  if (restore.rpo.lost.value_or(0) != 0 && restore.rpo.loss_seconds) {
    lost += ", " + duration_text(*restore.rpo.loss_seconds);
  }
  const auto exact = refused_as_expected(report) ? Verdict::pass
                     : !restore.exact.met        ? Verdict::unknown
                     : *restore.exact.met        ? Verdict::pass
                                                 : Verdict::fail;
  auto list = PageData(PageData::type::list);
  list << promise("RTO, from the disaster to " + end_of_rto(restore), fast.headline,
                  promised(restore.rto.objective_seconds), fast.verdict)
       << promise("RPO, acknowledged work that is lost", lost, promised(restore.rpo.objective_seconds), loss.verdict)
       << promise("Exactness, the commits of the target", exactness_text(restore.exact), "none missing, none extra",
                  exact);
  return list;
}

// What a partial restore put where; only the journal knows. A schema has many objects: as many as a glance takes.
std::string brought_back(const std::vector<record::JournalEvent>& journal) {
  std::string objects;
  for (const auto& event : journal) {
    const auto named = event.details.find("objects");
    if (event.event == "extract.done" && named != event.details.end()) objects = named->second;
  }
  return cut_to_width(printable_line(objects), 300, "…");
}

void set_point(PageData& page, const Report& report, const std::vector<record::JournalEvent>& journal) {
  auto facts = PageData(PageData::type::list);
  const auto add = [&facts](const char* name, const std::string& text) {
    PageData fact;
    fact.set("name", name);
    fact.set("value", value(text_or_dash(text)));
    facts << fact;
  };
  for (const auto& disaster : report.disasters) {
    add("Disaster", fmt::format("{}, {}", disaster.kind, precise_time_text(disaster.at)) +
                        (disaster.detail.empty() ? "" : ": " + disaster.detail));
  }
  if (report.disasters.empty()) add("Disaster", "none struck");
  if (report.restores.empty()) {
    add("Restore", "nothing was restored");
  } else {
    const auto& restore = report.restores.back();
    add("Restore", restore.kind.empty() ? restore.outcome : fmt::format("{}, {}", restore.kind, outcome_text(restore)));
    if (const auto objects = brought_back(journal); !objects.empty()) add("Brought back", objects);
    add("Target", target_text(restore.target));
    add("Reached", reached_text(restore.reached));
    add("Exactly what the target asks for", exactness_text(restore.exact));
    add("Given up past the target", discarded_text(restore.rpo));
  }
  std::set<std::string> told;
  for (const auto& restore : report.restores) {
    for (const auto& note : restore.notes) {
      if (told.insert(note).second) add("Note", note);  // repeats of one restore have the same
    }
  }
  page.set("point", facts);
}

void set_cleanup(PageData& page, const Report& report) {
  page.set("cleanup", badge(report.cleanup.verdict));
  auto left_behind = PageData(PageData::type::list), not_tested = PageData(PageData::type::list);
  for (const auto& path : report.cleanup.left_behind) left_behind << value(path);
  for (const auto& item : report.not_tested) not_tested << value(item);
  page.set("left_behind", left_behind);
  page.set("not_tested", not_tested);
}

}  // namespace

PageData report_view(const Report& report, const std::vector<record::JournalEvent>& journal,
                     std::size_t shown_findings) {
  PageData page;
  const auto name = record::drill_name(report);
  page.set("name", value(name.empty() ? "A drill without a scenario" : name));
  page.set("has_claim", !report.scenario.claim.empty());
  page.set("claim", value(report.scenario.claim));
  page.set("started_at", value(time_text(report.started_at)));
  page.set("tool", value(fmt::format("{} {} {}", report.tool.name, report.tool.version, report.tool.revision)));
  page.set("verdict", badge(report.verdict));
  page.set("answers", answers(report));
  page.set("promises", promises(report));
  set_reasons(page, report);
  set_point(page, report, journal);
  set_recovery_time(page, report);
  set_statistics(page, report);
  set_loss(page, report);
  set_checks(page, report, shown_findings);
  set_sweep(page, report);
  set_proof(page, report);
  set_course(page, report);
  set_facts(page, report);
  set_cleanup(page, report);
  return page;
}

}  // namespace reports::render
