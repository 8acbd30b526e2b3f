// Names that a scenario gives or uses: of scenarios, marks and restore points by our own rule, of schemas and tables by
// PostgreSQL's. Internal to harness/scenario.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace harness::scenario {

// 1 to 48 lower-case letters, digits, - and _, a letter or digit first: it becomes a file's and a restore point's name.
[[nodiscard]] bool is_name(std::string_view text);
inline constexpr std::string_view name_rule =
    "use up to 48 lower-case letters, digits, - and _, a letter or digit first";

// Lower-case letters, digits and _, at most 16: what a restored table's name may get behind an underscore.
[[nodiscard]] bool is_suffix(std::string_view text);

// As PostgreSQL stores them: folded to lower case unless they were quoted.
struct TableName {
  std::string schema, name;
};
// One identifier, or schema.name; nullopt when the text is anything else.
[[nodiscard]] std::optional<std::string> read_identifier(std::string_view text);
[[nodiscard]] std::optional<TableName> read_table_name(std::string_view text);

// TABLE SET ASSIGNMENTS, without WHERE or a second statement.
struct Assignment {
  TableName table;
  std::string table_text, assignments;  // as written
};
[[nodiscard]] std::optional<Assignment> read_assignment(std::string_view text);

// Why this schema, named as PostgreSQL stores it, may neither be harmed nor restored; one clause; nullopt when it may.
[[nodiscard]] std::optional<std::string> refusal_of_schema(std::string_view schema);

}  // namespace harness::scenario
