// Partial restore: tables, a schema or rows as a scratch server holds them, put into a live server beside or in place
// of what is there (docs/extract.md). The scratch server was recovered to the wanted point by somebody else and is
// thrown away afterwards, so it may be changed; the live one changes in a single transaction or not at all.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "backup_engine/base/progress.hpp"
#include "harness/server/installation.hpp"
#include "reports/record/check.hpp"

namespace harness::extract {

enum class Placement {
  beside,   // under their names with a suffix; nothing that exists is touched
  replace,  // in place of what exists under their names, or where it existed
};

// Either tables (with `where` exactly one) or a schema.
struct Selection {
  std::vector<std::string> tables;  // schema.name, quoted where SQL wants it
  std::string schema;               // as the catalog has it
  std::string where;                // an SQL condition; empty: all rows
};

struct Order {
  Selection selection;
  Placement placement = Placement::beside;
  std::string suffix;                    // beside: orders_SUFFIX
  std::string live_conninfo;             // names the database; may not hold a password
  std::string scratch_conninfo;          // a superuser's, to the database of the same name on the scratch server
  server::Installation installation;     // whose pg_dump, pg_restore and psql run
  std::filesystem::path work_directory;  // private, for scripts and dumps; the caller removes it
  std::chrono::milliseconds lock_timeout{5000};  // for the live tables
};

struct Extracted {
  std::vector<std::string> objects;  // what was put in place, by the names it has now
  std::uint64_t rows = 0;
  double dump_seconds = 0, load_seconds = 0;
  // Rows of others that no longer have what they refer to, dependents that could not be kept valid; never values.
  std::vector<reports::record::Finding> findings;
};

// Throws base::Error(usage) for an order that contradicts itself or holds a password; looks at nothing else.
void require_sound(const Order& order);

// What the scratch server has to have to serve the order.
struct LiveServer {
  std::string database;         // that the conninfo leads to
  std::string first_superuser;  // that initdb made
  backup_engine::postgres::Version version;
};

// All that can be known before a scratch server is made: the order itself, version, privileges, what depends on the
// tables, whether they are in use. Only reads the live server; looks neither at scratch_conninfo nor at work_directory.
// Throws base::Error: usage, permission, unsupported, not_found, already_exists, timed_out (in use), server,
// connection.
LiveServer require_possible(const Order& order);

// Throws base::Error as above, also not_found for a table that the scratch server does not have (it did not exist at
// the target) and server, with PostgreSQL's own words, when the one transaction failed: then the live server is as it
// was.
[[nodiscard]] Extracted extract(const Order& order, backup_engine::base::Progress& progress,
                                const std::stop_token& stop = {});

}  // namespace harness::extract
