// What of other objects stands on the selected ones, and how it is taken away and put back when these are replaced.
// Found as DROP CASCADE finds it, in pg_depend; what is no kind that can be put back is named, so that the order can be
// refused before anything happens. docs/extract.md, "What depends on them", has the table.
#pragma once

#include <string>
#include <vector>

#include "backup_engine/postgres/connection.hpp"
#include "harness/extract/foreign_keys.hpp"
#include "harness/extract/relations.hpp"

namespace harness::extract {

struct View {
  std::string oid;
  Name name;
  std::string text;
  bool materialized = false, populated = true;
  int depth = 0;  // views that it stands on, at most, one upon the other
};

// A policy, rule, default, trigger, inheritance or publication: what takes it away and what puts it back.
struct Dependent {
  std::string object, part;  // "shop.orders", "policy orders_own": as the fingerprint names it
  std::string drop, create;  // SQL; drop is empty for what goes with the table
};

struct Dependents {
  std::vector<View> views;  // those that others stand on first
  std::vector<ForeignKey> foreign_keys;
  std::vector<Dependent> others;
  std::vector<std::string> hopeless;  // described by PostgreSQL: they cannot be kept
  std::vector<Relation> relations;    // tables of others that are touched: to be locked
};

[[nodiscard]] std::vector<View> views_of(backup_engine::postgres::Connection& connection,
                                         const std::vector<std::string>& oids);

// Of `tables`, or of all that is in `schema` when that is not empty. search_path must be empty.
[[nodiscard]] Dependents dependents_of(backup_engine::postgres::Connection& connection,
                                       const std::vector<Relation>& tables, const std::string& schema);

}  // namespace harness::extract
