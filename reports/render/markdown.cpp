#include "reports/render/markdown.hpp"

#include "reports/render/markdown_text.hpp"
#include "reports/render/page.hpp"
#include "reports/render/report_view.hpp"
#include "reports/render/templates.hpp"

namespace reports::render {

namespace {

// The template's sections leave blank lines, which mean nothing in Markdown when they come in a row.
std::string without_repeated_blank_lines(const std::string& text) {
  std::string kept;
  for (const char c : text) {
    if (c != '\n' || !kept.ends_with("\n\n")) kept += c;
  }
  return kept;
}

}  // namespace

std::string markdown(const record::Report& report, const std::vector<record::JournalEvent>& journal) {
  constexpr std::size_t shown_findings = 10;
  return without_repeated_blank_lines(
      render_template(templates::markdown, report_view(report, journal, shown_findings), markdown_escaped));
}

}  // namespace reports::render
