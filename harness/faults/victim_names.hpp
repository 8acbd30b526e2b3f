// The names that harm is aimed at, looked up before any harm: they must exist, be of the right kind, and be no part of
// PostgreSQL's own or of the ledger that the drill is judged by.
#pragma once

#include <string>

#include "backup_engine/postgres/connection.hpp"

namespace harness::faults {

struct Table {
  std::string oid;
  std::string name;  // schema.table, quoted where needed
  bool is_partition = false;
};

// `name` as SQL reads it: schema.table, "Quoted.Name", or found by the search path. Ordinary and partitioned tables.
// Throws base::Error: not_found; usage for what is no table, or may not be harmed.
[[nodiscard]] Table find_table(backup_engine::postgres::Connection& connection, const std::string& name);

// Returns the name, quoted where needed. Throws as find_table().
[[nodiscard]] std::string find_schema(backup_engine::postgres::Connection& connection, const std::string& name);

// `name` exactly as it is stored. Returns it quoted where needed. Throws as find_table(): templates and postgres, which
// the harness itself works in, may not be harmed.
[[nodiscard]] std::string find_database(backup_engine::postgres::Connection& connection, const std::string& name);

}  // namespace harness::faults
