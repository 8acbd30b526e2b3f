#include "reports/render/html.hpp"

#include <fmt/format.h>

#include "reports/record/summary.hpp"
#include "reports/render/html_view.hpp"
#include "reports/render/page.hpp"
#include "reports/render/templates.hpp"
#include "reports/render/text.hpp"

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

void set_cleanup(PageData& page, const Report& report) {
  page.set("cleanup", badge(report.cleanup.verdict));
  auto left_behind = PageData(PageData::type::list), not_tested = PageData(PageData::type::list);
  for (const auto& path : report.cleanup.left_behind) left_behind << value(path);
  for (const auto& item : report.not_tested) not_tested << value(item);
  page.set("left_behind", left_behind);
  page.set("not_tested", not_tested);
}

void set_journal(PageData& page, const std::vector<record::JournalEvent>& journal) {
  auto events = PageData(PageData::type::list);
  for (const auto& entry : journal) {
    std::string details;
    for (const auto& [name, text] : entry.details) {
      details += fmt::format("{}{}: {}", details.empty() ? "" : ", ", name, text);
    }
    PageData event;
    event.set("time", value(entry.time));
    event.set("event", value(entry.event));
    event.set("details", value(details));
    events << event;
  }
  page.set("has_events", !journal.empty());
  page.set("event_count", count_text(journal.size(), "event"));
  page.set("events", events);
}

}  // namespace

std::string html(const Report& report, const std::vector<record::JournalEvent>& journal) {
  PageData page;
  page.set("name", value(report.scenario.name.empty() ? "A drill without a scenario" : report.scenario.name));
  page.set("claim", value(report.scenario.claim));
  page.set("started_at", value(time_text(report.started_at)));
  page.set("tool", value(fmt::format("{} {} {}", report.tool.name, report.tool.version, report.tool.revision)));
  page.set("verdict", badge(report.verdict));
  auto answers = PageData(PageData::type::list);
  answers << answer("Can we recover?", can_we_recover(report)) << answer("How fast?", how_fast(report))
          << answer("What would we lose?", what_would_we_lose(report));
  page.set("answers", answers);
  set_reasons(page, report);
  set_recovery_time(page, report);
  set_loss(page, report);
  set_checks(page, report);
  set_course(page, report);
  set_facts(page, report);
  set_cleanup(page, report);
  set_journal(page, journal);
  return render_page(templates::report, std::move(page));
}

}  // namespace reports::render
