// What was taken out of the scratch server: files with the SQL of each part, in the order in which a live server gets
// them, and what the live side has to know to make room and to check. Making it changes the scratch server (names).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "backup_engine/base/progress.hpp"
#include "backup_engine/postgres/connection.hpp"
#include "harness/extract/dependents.hpp"
#include "harness/extract/extract.hpp"
#include "harness/extract/foreign_keys.hpp"
#include "harness/extract/places.hpp"
#include "harness/extract/programs.hpp"
#include "harness/extract/relations.hpp"

namespace harness::extract {

// The SQL of an archive, cut where something else has to come between.
struct Parts {
  std::filesystem::path definitions, indexes, rest, privileges;
};

struct Taken {
  std::string schema;                   // as it is called now; empty when tables were ordered
  std::vector<Relation> tables;         // by their new names
  std::vector<Attachment> attachments;  // likewise
  Parts parts;
  std::filesystem::path rows;            // pg_dump's data, or COPY's when there is a condition
  std::vector<std::string> row_columns;  // quoted; with a condition
  std::string sequence_positions;        // SQL; pg_dump's data has them already
  std::vector<ForeignKey> foreign_keys;  // of the tables
  std::string trigger_states;            // SQL, see trigger_states.hpp
  std::vector<View> materialized_views;  // of the schema, to be refreshed
  std::string not_null_names;            // SQL that gives such constraints (PostgreSQL 18) the names they had
  std::string statistics;                // SQL that makes extended statistics, which pg_dump -t leaves out
  std::vector<Place> places;             // of those whose parent was not ordered; with --replace
  Dependents dependents;                 // as they were at the target
  std::vector<reports::record::Finding> findings;
};

// Throws base::Error: not_found for a table or schema that is not there, usage for a name that becomes too long or a
// condition that is no SQL, server.
[[nodiscard]] Taken take(const Order& order, backup_engine::postgres::Connection& scratch, const Programs& programs,
                         backup_engine::base::Progress& progress);

// pg_dump --schema-only of views, with what belongs to them, cut.
[[nodiscard]] Parts take_views(const Programs& programs, const std::string& conninfo, const std::vector<View>& views,
                               const std::string& prefix);
[[nodiscard]] std::string statistics_of(backup_engine::postgres::Connection& connection, const std::string& oids);

}  // namespace harness::extract
