// Whom a deed can harm: tables, and places of rows in their files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/prove/deed.hpp"

namespace harness::prove {

struct Victim {
  std::string oid;
  std::string name;    // schema.table, as content and catalog call it
  std::string quoted;  // for SQL; as constraints call it under search_path = pg_catalog
  bool partition = false;
};

// Permanent ordinary tables with pages that somebody made, larger ones first, but no part of the ledger, of an
// extension, and none that is claimed.
[[nodiscard]] std::vector<Victim> tables_to_harm(Surroundings& surroundings);
// With its partitions.
void claim(Surroundings& surroundings, const std::string& oid);

// Those that the rules' own sabotage speaks of.
void claim_what_rules_harm(Surroundings& surroundings);
// Does the text hold the table's name as a whole word, in whatever case, with or without its schema?
[[nodiscard]] bool is_spoken_of(const std::string& text, const Victim& table);
// All that are claimed, as an array of oid in SQL's text form.
[[nodiscard]] std::string claimed_list(const Surroundings& surroundings);

// Of that table, comma-separated: those that are not computed.
[[nodiscard]] std::string columns_to_copy(Surroundings& surroundings, const std::string& oid);

struct RowPlace {
  std::string file;  // below the data directory
  std::uint32_t block = 0;
  std::uint16_t line_pointer = 0;
};
// Of some row for which the condition holds; nullopt where there is none.
[[nodiscard]] std::optional<RowPlace> place_of_a_row(Surroundings& surroundings, const Victim& table,
                                                     const std::string& condition = "true");

// SQL: of the relation with that oid column, is it somebody's business?
[[nodiscard]] std::string made_by_somebody(const std::string& oid);

}  // namespace harness::prove
