#include "reports/render/html.hpp"

#include <fmt/format.h>

#include "reports/render/page.hpp"
#include "reports/render/report_view.hpp"
#include "reports/render/templates.hpp"
#include "reports/render/text.hpp"
#include "reports/render/timeline_view.hpp"

namespace reports::render {

namespace {

constexpr std::size_t shown_findings = 50;

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

std::string html(const record::Report& report, const std::vector<record::JournalEvent>& journal) {
  auto page = report_view(report, journal, shown_findings);
  set_timeline(page, report, journal);
  set_journal(page, journal);
  return render_page(templates::report, std::move(page));
}

}  // namespace reports::render
