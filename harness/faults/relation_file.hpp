// Where a table's rows lie on disk: what the faults that harm a relation's file are given.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "backup_engine/postgres/connection.hpp"

namespace harness::faults {

struct RelationFile {
  std::string table;           // schema.name, quoted where needed: of a partitioned table its largest partition
  std::filesystem::path path;  // below the data directory, of the first segment
  std::uint32_t block = 0;     // where a row lies
};

// `table` as find_table() reads it. A checkpoint was made: the file holds the rows. Throws as find_table(), and
// Error(usage) for a table without a row, whose file has nothing to lose.
[[nodiscard]] RelationFile find_relation_file(backup_engine::postgres::Connection& connection,
                                              const std::string& table);

}  // namespace harness::faults
