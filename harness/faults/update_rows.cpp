#include "harness/faults/update_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "backup_engine/base/error.hpp"
#include "harness/faults/victim_names.hpp"

namespace harness::faults {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

namespace {

struct Update {
  std::string table, assignments;
};

Error malformed(const std::string& update, const std::string& what) {
  return Error(ErrorKind::usage, fmt::format("update_rows cannot run '{}': {}", update, what))
      .with_remedy("write it as TABLE SET ASSIGNMENTS, without a WHERE: shop.products SET price = 0");
}

// What stands outside of quotes and parentheses, in capitals; everything else as blanks, so that places stay the same.
std::string outline(std::string_view text) {
  std::string seen;
  char quote = 0;
  int depth = 0;
  for (const char c : text) {
    const bool plain = quote == 0;
    if (plain && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    }
    if (plain && c == '(') ++depth;
    if (plain && c == ')') --depth;
    const bool blank = !plain || quote != 0 || depth > 0 || std::isspace(static_cast<unsigned char>(c)) != 0;
    seen += blank ? ' ' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return seen;
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\n"), last = text.find_last_not_of(" \t\n");
  return first == std::string::npos ? std::string() : text.substr(first, last - first + 1);
}

Update read_update(const std::string& update) {
  const auto seen = outline(update) + " ";
  const auto at = seen.find(" SET ");
  if (at == std::string::npos) throw malformed(update, "it has no SET");
  const auto where = seen.find(" WHERE ", at);
  if (where != std::string::npos) throw malformed(update, "it has a WHERE, so it is not the mistake that is drilled");
  if (seen.find(';') != std::string::npos) throw malformed(update, "it is more than one statement");
  Update parts{trimmed(update.substr(0, at)), trimmed(update.substr(at + 5))};
  if (parts.assignments.empty()) throw malformed(update, "nothing is set");
  return parts;
}

}  // namespace

Harm update_rows(backup_engine::postgres::Connection& connection, const std::string& update, const Patience& patience) {
  const auto parts = read_update(update);
  const auto statement = fmt::format("UPDATE {} SET {}", find_table(connection, parts.table).name, parts.assignments);
  return harm_in_one_transaction(connection, statement, patience, [&] {
    return fmt::format("{} without a WHERE: {} rows", statement, rows_changed_by(connection, statement));
  });
}

}  // namespace harness::faults
