#include "reports/render/page.hpp"

#include <fmt/format.h>

#include <span>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/sha256.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "reports/render/templates.hpp"
#include "reports/render/text.hpp"

namespace reports::render {

namespace {

// RFC 4648, section 4.
std::string base64(std::span<const std::byte> bytes) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8 | (at + i < bytes.size() ? std::to_integer<std::uint32_t>(bytes[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      text += at + i <= bytes.size() ? alphabet[group >> (18 - 6 * i) & 63U] : '=';
    }
  }
  return text;
}

// What a content-security-policy calls the only style that the page may have.
std::string source_hash(std::string_view style) {
  backup_engine::base::Sha256 hash;
  hash.update(std::as_bytes(std::span(style)));
  return "sha256-" + base64(hash.finish());
}

}  // namespace

PageData value(std::string_view bytes) {
  return PageData(printable(bytes));
}

void set_badge(PageData& data, record::Verdict verdict) {
  data.set("class", std::string(to_string(verdict)));
  data.set("sign", std::string(verdict_sign(verdict)));
  data.set("word", std::string(verdict_word(verdict)));
}

PageData badge(record::Verdict verdict) {
  PageData data;
  set_badge(data, verdict);
  return data;
}

std::string time_text(const std::string& rfc3339) {
  if (!backup_engine::base::parse_rfc3339(rfc3339)) return text_or_dash(rfc3339);
  return fmt::format("{} {} UTC", rfc3339.substr(0, 10), rfc3339.substr(11, 8));
}

std::string text_or_dash(const std::string& text) {
  return text.empty() ? "–" : text;
}

std::string render_template(std::string_view text, PageData data, Escape escape) {
  kainjow::mustache::mustache page{std::string(text)};
  page.set_custom_escape([escape](const std::string& given) { return escape(given); });
  auto rendered = page.render(data);
  if (!page.is_valid()) {
    throw backup_engine::base::Error(backup_engine::base::ErrorKind::internal,
                                     "a page template is not well-formed: " + page.error_message());
  }
  return rendered;
}

std::string render_page(std::string_view page_template, PageData data) {
  data.set("style", std::string(templates::style));
  data.set("style_hash", source_hash(templates::style));
  return render_template(page_template, std::move(data), xml_escaped);
}

}  // namespace reports::render
