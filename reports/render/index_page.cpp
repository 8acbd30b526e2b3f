#include "reports/render/index_page.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "reports/record/summary.hpp"
#include "reports/render/page.hpp"
#include "reports/render/templates.hpp"
#include "reports/render/text.hpp"

namespace reports::render {

using record::Verdict;

namespace {

// A relative path as a URL: "./" keeps a first segment with a colon from being a scheme.
std::string link_to(const std::string& path) {
  constexpr std::string_view unreserved = "-._~/";
  std::string link = "./";
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       unreserved.find(c) != std::string_view::npos;
    link += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return link;
}

PageData row_of(const IndexEntry& entry) {
  const auto& report = entry.report;
  const auto name = record::drill_name(report);
  const auto passed = std::count_if(report.checks.begin(), report.checks.end(),
                                    [](const auto& check) { return check.verdict == Verdict::pass; });
  const auto fast = how_fast(report), loss = what_would_we_lose(report);
  PageData row;
  set_badge(row, report.verdict);
  row.set("link", link_to(entry.page));
  row.set("name", value(name.empty() ? entry.page : name));
  row.set("claim", value(report.scenario.claim));
  row.set("rto", fast.headline);
  row.set("lost", loss.headline);
  row.set("checks", fmt::format("{}/{}", passed, report.checks.size()));
  row.set("started_at", value(time_text(report.started_at)));
  return row;
}

}  // namespace

std::string index_html(const std::vector<IndexEntry>& entries) {
  // No drill proves nothing.
  auto verdict = entries.empty() ? Verdict::unknown : Verdict::pass;
  std::size_t passed = 0;
  auto drills = PageData(PageData::type::list);
  for (const auto& entry : entries) {
    verdict = worst(verdict, entry.report.verdict);
    passed += entry.report.verdict == Verdict::pass ? 1 : 0;
    drills << row_of(entry);
  }
  PageData page;
  page.set("verdict", badge(verdict));
  page.set("passed", std::to_string(passed));
  page.set("drill_count", count_text(entries.size(), "drill"));
  page.set("drills", drills);
  return render_page(templates::index, std::move(page));
}

}  // namespace reports::render
