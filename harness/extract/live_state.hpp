// The live server before anything happens to it: what it has of the selection and what stands on that, and the reasons
// why an order cannot be carried out there. Only reads.
#pragma once

#include <string>
#include <vector>

#include "backup_engine/postgres/connection.hpp"
#include "harness/extract/dependents.hpp"
#include "harness/extract/extract.hpp"
#include "harness/extract/relations.hpp"

namespace harness::extract {

struct LiveState {
  int major = 0;
  bool superuser = false;
  std::vector<Name> named;              // the tables of the order; empty for a schema
  std::vector<Relation> tables;         // those of them that exist, with partitions; of a schema, all of it
  std::vector<Attachment> attachments;  // of these tables
  bool schema_exists = false;           // of an order for a schema
  Dependents dependents;                // for --replace of what exists
};

// An empty search_path and a reader's patience; nothing else is set.
[[nodiscard]] backup_engine::postgres::Connection connect_live(const Order& order);

[[nodiscard]] LiveState read_live(const Order& order, backup_engine::postgres::Connection& live);

// What stands in the way there, in the order in which a person would look. Throws as require_possible.
void require_room_for(const Order& order, const LiveState& state, backup_engine::postgres::Connection& live);

}  // namespace harness::extract
