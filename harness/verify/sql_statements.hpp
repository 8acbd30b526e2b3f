// A scenario's SQL file, cut into its named statements (docs/checks.md, "sql"). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace harness::verify {

struct SqlStatement {
  std::string name;  // from the last comment line "-- name: TEXT" before it, else "statement N"
  std::string text;  // without the semicolon
  // From comment lines "-- sabotage: SQL" before it, joined: what breaks the rule, for the proof that it can be seen.
  std::string sabotage{};
};

// Cuts at semicolons outside of quotes, dollar quotes and comments; what holds nothing but comments is left out.
[[nodiscard]] std::vector<SqlStatement> split_statements(std::string_view sql);

}  // namespace harness::verify
