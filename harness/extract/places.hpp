// The places of tables below tables that are not selected with them: partitions of a parent, children by inheritance.
#pragma once

#include <string>
#include <vector>

#include "backup_engine/postgres/connection.hpp"
#include "harness/extract/relations.hpp"

namespace harness::extract {

struct Place {
  Name table, parent;
  std::string table_text, parent_text;
  std::string bound;  // of a partition: FOR VALUES …; empty for a child, whose definition names its parents
};

[[nodiscard]] std::vector<Place> places_of(backup_engine::postgres::Connection& connection,
                                           const std::vector<Relation>& tables);

// The places that the tables are to get: a partition that the live server has goes where that one is now, however its
// parent is called meanwhile; all else goes where it was at the target. Throws base::Error(usage) when that is not
// there, or when a child stands below other parents now.
[[nodiscard]] std::vector<Place> places_on(backup_engine::postgres::Connection& live,
                                           const std::vector<Relation>& live_tables,
                                           const std::vector<Place>& at_target);

// SQL that attaches the partitions; with notes for the comparison about places that were empty before.
[[nodiscard]] std::string put_in_places(const std::vector<Place>& places);

}  // namespace harness::extract
