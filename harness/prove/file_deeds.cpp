// What disks, memory and careless hands do to files: harm of which SQL knows nothing.
#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>

#include "harness/faults/change_file.hpp"
#include "harness/faults/damage_page.hpp"
#include "harness/faults/erase_row.hpp"
#include "harness/faults/page_file.hpp"
#include "harness/prove/deeds.hpp"
#include "harness/prove/victims.hpp"

namespace harness::prove {

namespace fs = std::filesystem;

namespace {

std::string block_of(const RowPlace& place) {
  return fmt::format("block {}", place.block);
}

struct Flippable {
  Victim table;
  RowPlace place;
  std::uint32_t bytes_before_end = 0;
};

// What lies that far before the end of a row is the lowest byte of its last column, or a letter of it: with a bit
// flipped it is another value, and still one. By the oid of the column's type.
const std::map<std::string, std::uint32_t>& plain_types() {
  static const std::map<std::string, std::uint32_t> types = {{"20", 7},   {"21", 1},   {"23", 3},   {"1700", 1},
                                                             {"1082", 3}, {"1114", 7}, {"1184", 7}, {"25", 0},
                                                             {"1042", 0}, {"1043", 0}, {"2950", 0}};
  return types;
}

// A table whose every row ends in its last column, of a plain type. An added column that old rows do not have, or a
// dropped one that they still do, would be met instead.
std::optional<Flippable> find_flippable(Surroundings& surroundings) {
  for (auto& table : tables_to_harm(surroundings)) {
    const auto rows = surroundings.connection.query(
        "SELECT quote_ident(attname), atttypid, attname FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT "
        "EXISTS "
        "(SELECT FROM pg_attribute AS o WHERE o.attrelid = $1 AND o.attnum > 0 AND (o.attisdropped OR "
        "o.atthasmissing)) "
        "ORDER BY attnum DESC LIMIT 1",
        {table.oid});
    if (rows.empty()) continue;
    const auto type = plain_types().find(rows[0][1].value_or(""));
    if (type == plain_types().end()) continue;
    const auto& column = rows[0][0].value_or("");
    const auto place = place_of_a_row(surroundings, table,
                                      fmt::format("{0} IS NOT NULL AND pg_column_size({0}) BETWEEN 2 AND 100", column));
    if (!place) continue;
    claim(surroundings, table.oid);
    return Flippable{std::move(table), *place, type->second};
  }
  return std::nullopt;
}

}  // namespace

Deed change_a_file() {
  Deed deed;
  // Which one is known once the directory is there; every cluster has this one.
  const std::string file = "base/1/PG_VERSION";
  deed.traces["verifybackup"] = {file, "checksum mismatch"};
  const auto change = [file](const fs::path& directory) { faults::change_file(directory / file); };
  deed.on_disk = change;
  deed.put_back = change;  // inverted twice
  return deed;
}

// In a catalog, which no other deed damages: a page that a second one gave a new checksum would show nothing.
Deed flip_a_bit(Surroundings& surroundings) {
  const auto place = place_of_a_row(surroundings, {"", "pg_catalog.pg_proc", "pg_catalog.pg_proc"});
  if (!place) return impossible("pg_proc holds no row");
  Deed deed;
  deed.traces["page_checksums"] = {place->file, block_of(*place)};
  auto saved = std::make_shared<std::optional<faults::PageFile>>();
  deed.on_disk = [place = *place, saved](const fs::path& directory) {
    const auto file = directory / place.file;
    saved->emplace(file, place.block);
    faults::flip_bit(file, place.block, faults::last_byte_of_tuple(file, place.block, place.line_pointer),
                     faults::Checksum::stale);
  };
  deed.put_back = [saved](const fs::path&) {
    if (*saved) (*saved)->write();
  };
  return deed;
}

Deed flip_a_bit_behind_its_checksum(Surroundings& surroundings) {
  const auto found = find_flippable(surroundings);
  if (!found) return impossible("no table that is left ends in a column of a plain type");
  Deed deed;
  deed.traces["content"] = {found->table.name, "rows differ"};
  deed.traces["page_checksums"] = {found->place.file};
  deed.on_disk = [place = found->place, back = found->bytes_before_end](const fs::path& directory) {
    const auto file = directory / place.file;
    const auto byte = faults::last_byte_of_tuple(file, place.block, place.line_pointer) - back;
    faults::flip_bit(file, place.block, byte, faults::Checksum::recomputed);
  };
  return deed;
}

Deed erase_a_row(Surroundings& surroundings) {
  for (const auto& table : tables_to_harm(surroundings)) {
    const auto place = place_of_a_row(surroundings, table);
    if (!place) continue;
    claim(surroundings, table.oid);
    Deed deed;
    deed.traces["content"] = {table.name, "rows differ"};
    deed.traces["page_checksums"] = {place->file};
    deed.traces["amcheck"] = {"." + table.name};
    deed.on_disk = [place = *place](const fs::path& directory) {
      faults::erase_row(directory / place.file, place.block, place.line_pointer);
    };
    return deed;
  }
  return impossible("no table that is left holds a row");
}

}  // namespace harness::prove
