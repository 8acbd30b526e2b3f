#include "harness/extract/schema_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "backup_engine/base/error.hpp"

namespace harness::extract {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

namespace {

// Not the C library's, which ask the locale. Bytes of letters outside ASCII are negative where char is signed.
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

bool is_inside(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '$';
}

char folded(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::optional<std::string> unquoted(std::string_view text) {
  if (text.empty() || !is_letter(text.front()) || !std::all_of(text.begin(), text.end(), is_inside)) return {};
  std::string name(text);
  std::transform(name.begin(), name.end(), name.begin(), folded);
  return name;
}

std::optional<std::string> quoted(std::string_view text) {
  if (text.size() < 3 || text.front() != '"' || text.back() != '"') return {};
  text = text.substr(1, text.size() - 2);
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' && (++i == text.size() || text[i] != '"')) return {};
    name += text[i];
  }
  return name;
}

}  // namespace

std::string parse_schema_name(const std::string& text) {
  constexpr auto blanks = " \t\r\n";
  const auto begin = text.find_first_not_of(blanks);
  const auto word = begin == std::string::npos
                        ? std::string_view()
                        : std::string_view(text).substr(begin, text.find_last_not_of(blanks) - begin + 1);
  const auto name = word.starts_with('"') ? quoted(word) : unquoted(word);
  if (name) return *name;
  throw Error(ErrorKind::usage, fmt::format("--schema {}: this is no schema's name", text))
      .with_remedy(
          "write one name as in SQL: without quotes it is read in lower case, within double quotes (inside the "
          "shell's own: '\"My Shop\"') as it is");
}

}  // namespace harness::extract
