// Private to reports/render: fills a page template with data, escaped by default, and adds the style and its hash.
#pragma once

#include <kainjow/mustache.hpp>
#include <string>
#include <string_view>

#include "reports/record/verdict.hpp"

namespace reports::render {

using PageData = kainjow::mustache::data;

// An empty one.
[[nodiscard]] inline PageData list() {
  return PageData(PageData::type::list);
}

// Any bytes as a value of a template.
[[nodiscard]] PageData value(std::string_view bytes);

// class, sign and word of a badge.
void set_badge(PageData& data, record::Verdict verdict);
[[nodiscard]] PageData badge(record::Verdict verdict);

// "2026-11-20 02:15:00 UTC" from RFC 3339; anything else as it is, "–" for nothing.
[[nodiscard]] std::string time_text(const std::string& rfc3339);
[[nodiscard]] std::string text_or_dash(const std::string& text);

// The data in its template, each value made harmless by `escape`. Throws base::Error(internal) when the template is not
// well-formed.
using Escape = std::string (*)(std::string_view text);
[[nodiscard]] std::string render_template(std::string_view text, PageData data, Escape escape);

// An HTML page: as above, with its style and the style's hash.
[[nodiscard]] std::string render_page(std::string_view page_template, PageData data);

}  // namespace reports::render
