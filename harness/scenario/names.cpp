#include "harness/scenario/names.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace harness::scenario {
namespace {

bool is_lower_or_digit(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
}

bool starts_identifier(char letter) {
  const auto byte = static_cast<unsigned char>(letter);
  return std::isalpha(byte) != 0 || letter == '_' || byte >= 0x80;
}

bool continues_identifier(char letter) {
  return starts_identifier(letter) || std::isdigit(static_cast<unsigned char>(letter)) != 0 || letter == '$';
}

bool is_space(char letter) {
  return std::isspace(static_cast<unsigned char>(letter)) != 0;
}

char lower(char letter) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
}

// Both take what they read away from the front of `text`.
std::optional<std::string> take_quoted(std::string_view& text) {
  std::string name;
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '"') {
      if (at + 1 == text.size() || text[at + 1] != '"') {
        text.remove_prefix(at + 1);
        return name.empty() ? std::nullopt : std::optional(name);
      }
      ++at;  // a doubled quote stands for one
    }
    name += text[at];
  }
  return std::nullopt;
}

std::optional<std::string> take_identifier(std::string_view& text) {
  if (text.empty()) return std::nullopt;
  if (text.front() == '"') return take_quoted(text);
  if (!starts_identifier(text.front())) return std::nullopt;
  const auto end = std::find_if_not(text.begin(), text.end(), continues_identifier);
  std::string name(text.begin(), end);
  std::transform(name.begin(), name.end(), name.begin(), lower);
  text.remove_prefix(name.size());
  return name;
}

std::optional<TableName> take_table_name(std::string_view& text) {
  auto schema = take_identifier(text);
  if (!schema || !text.starts_with('.')) return std::nullopt;
  text.remove_prefix(1);
  auto name = take_identifier(text);
  if (!name) return std::nullopt;
  return TableName{std::move(*schema), std::move(*name)};
}

// The words outside quotes, in lower case; a statement's end as the word ";".
bool holds_where_or_end(std::string_view sql) {
  char quote = 0;
  std::string word;
  for (const char letter : std::string(sql) + " ") {
    if (quote != 0) {
      if (letter == quote) quote = 0;
      continue;
    }
    if (continues_identifier(letter)) {
      word += lower(letter);
      continue;
    }
    if (word == "where" || letter == ';') return true;
    word.clear();
    if (letter == '\'' || letter == '"') quote = letter;
  }
  return false;
}

}  // namespace

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 48 && is_lower_or_digit(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char letter) { return is_lower_or_digit(letter) || letter == '-' || letter == '_'; });
}

bool is_suffix(std::string_view text) {
  return !text.empty() && text.size() <= 16 &&
         std::all_of(text.begin(), text.end(), [](char letter) { return is_lower_or_digit(letter) || letter == '_'; });
}

std::optional<std::string> read_identifier(std::string_view text) {
  auto name = take_identifier(text);
  return text.empty() ? name : std::nullopt;
}

std::optional<TableName> read_table_name(std::string_view text) {
  auto name = take_table_name(text);
  return text.empty() ? name : std::nullopt;
}

std::optional<Assignment> read_assignment(std::string_view text) {
  const auto whole = text;
  auto table = take_table_name(text);
  if (!table) return std::nullopt;
  const auto table_size = whole.size() - text.size();
  const auto skip_spaces = [&text] {
    const auto before = text.size();
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    return text.size() < before;
  };
  if (!skip_spaces()) return std::nullopt;
  if (take_identifier(text) != "set" || !skip_spaces()) return std::nullopt;
  if (text.find('=') == std::string_view::npos || holds_where_or_end(text)) return std::nullopt;
  return Assignment{std::move(*table), std::string(whole.substr(0, table_size)), std::string(text)};
}

std::optional<std::string> refusal_of_schema(std::string_view schema) {
  if (schema == "lifeboat") return "it holds the ledger, which judges what came back";
  if (schema == "information_schema" || schema.starts_with("pg_")) return "it is PostgreSQL's own";
  return std::nullopt;
}

}  // namespace harness::scenario
