#include "harness/prove/victims.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

namespace harness::prove {

namespace {

// As PostgreSQL folds names that are not quoted; whether one is in quotes does not matter here.
std::string in_lower_case(std::string text) {
  for (auto& letter : text) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return text;
}

// Of SQL's names; every byte of a letter beyond ASCII is one of them.
bool goes_on_in_a_name(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_' || letter == '$' ||
         static_cast<unsigned char>(letter) >= 0x80;
}

}  // namespace

std::string made_by_somebody(const std::string& oid) {
  return fmt::format(
      "EXISTS (SELECT FROM pg_class AS k JOIN pg_namespace AS s ON s.oid = k.relnamespace WHERE k.oid = {0} AND "
      "k.relpersistence = 'p' AND s.nspname !~ '^(pg_|information_schema$|lifeboat$)' AND NOT EXISTS (SELECT FROM "
      "pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = k.oid AND d.deptype = 'e'))",
      oid);
}

std::vector<Victim> tables_to_harm(Surroundings& surroundings) {
  std::vector<Victim> tables;
  for (const auto& row : surroundings.connection.query(
           fmt::format("SELECT c.oid, n.nspname || '.' || c.relname, c.oid::regclass::text, c.relispartition "
                       "FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
                       "WHERE c.relkind = 'r' AND pg_relation_size(c.oid) > 0 AND {} "
                       "ORDER BY pg_relation_size(c.oid) DESC, 2",
                       made_by_somebody("c.oid")))) {
    if (surroundings.claimed.contains(row[0].value_or(""))) continue;
    tables.push_back({row[0].value_or(""), row[1].value_or(""), row[2].value_or(""), row[3] == "t"});
  }
  return tables;
}

void claim(Surroundings& surroundings, const std::string& oid) {
  surroundings.claimed.insert(oid);
  for (const auto& row :
       surroundings.connection.query("SELECT relid::oid FROM pg_partition_tree($1::oid::regclass)", {oid})) {
    surroundings.claimed.insert(row[0].value_or(""));
  }
}

bool is_spoken_of(const std::string& text, const Victim& table) {
  const auto spoken = in_lower_case(text), name = in_lower_case(table.name.substr(table.name.find('.') + 1));
  for (auto at = spoken.find(name); at != std::string::npos; at = spoken.find(name, at + 1)) {
    const auto end = at + name.size();
    const bool begins = at == 0 || !goes_on_in_a_name(spoken[at - 1]);
    if (begins && (end == spoken.size() || !goes_on_in_a_name(spoken[end]))) return true;
  }
  return false;
}

void claim_what_rules_harm(Surroundings& surroundings) {
  for (const auto& table : tables_to_harm(surroundings)) {
    const bool harmed = std::any_of(surroundings.rules.begin(), surroundings.rules.end(),
                                    [&](const auto& rule) { return is_spoken_of(rule.sabotage, table); });
    if (harmed) claim(surroundings, table.oid);
  }
}

std::string claimed_list(const Surroundings& surroundings) {
  return fmt::format("{{{}}}", fmt::join(surroundings.claimed, ","));
}

std::string columns_to_copy(Surroundings& surroundings, const std::string& oid) {
  return surroundings.connection
      .query(
          "SELECT coalesce(string_agg(quote_ident(attname), ', ' ORDER BY attnum), '') FROM pg_attribute WHERE "
          "attrelid = $1 AND "
          "attnum > 0 AND NOT attisdropped AND attgenerated = ''",
          {oid})
      .single();
}

// A plain scan begins at the first page, so the place lies in the first segment of the file.
std::optional<RowPlace> place_of_a_row(Surroundings& surroundings, const Victim& table, const std::string& condition) {
  const auto rows = surroundings.connection.query(
      fmt::format("SELECT pg_relation_filepath(r.tableoid), (r.ctid::text::point)[0]::int, "
                  "(r.ctid::text::point)[1]::int FROM ONLY {} AS r WHERE {} ORDER BY r.ctid LIMIT 1",
                  table.quoted, condition));
  if (rows.empty()) return std::nullopt;
  const auto& row = rows[0];
  return RowPlace{row[0].value_or(""), static_cast<std::uint32_t>(std::stoul(row[1].value_or("0"))),
                  static_cast<std::uint16_t>(std::stoul(row[2].value_or("0")))};
}

}  // namespace harness::prove
