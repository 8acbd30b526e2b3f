#include "harness/extract/places.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"

namespace harness::extract {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::Connection;
using backup_engine::postgres::quote_literal;

namespace {

constexpr auto former_name = "if it was renamed, give it its former name for the while; else use --beside";

void require_parent(Connection& live, const Place& place) {
  const auto* const kinds = place.bound.empty() ? "{r,f}" : "{p}";
  const auto found = live.query(
      "SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
      "WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind = ANY ($3::\"char\"[])",
      {place.parent.schema, place.parent.object, kinds});
  if (!found.empty()) return;
  throw Error(ErrorKind::usage,
              fmt::format("{} was {} {} at the target, and the live database has no such table", place.table_text,
                          place.bound.empty() ? "a child of" : "a partition of", place.parent_text))
      .with_remedy(former_name);
}

// Its definition would put it below parents that it has no more, and leave those that it has without it.
void refuse_other_parents(const std::vector<Place>& now, const std::vector<Place>& at_target, const Place& wanted) {
  for (const auto& place : now) {
    if (!(place.table == wanted.table) || !place.bound.empty()) continue;
    const bool known = std::any_of(at_target.begin(), at_target.end(), [&](const Place& then) {
      return then.table == place.table && then.parent == place.parent;
    });
    if (known) continue;
    throw Error(ErrorKind::usage, fmt::format("{} inherits from {} now, and inherited from {} at the target",
                                              wanted.table_text, place.parent_text, wanted.parent_text))
        .with_remedy(former_name);
  }
}

}  // namespace

std::vector<Place> places_of(Connection& connection, const std::vector<Relation>& tables) {
  std::vector<Place> places;
  for (const auto& row : connection.query(
           "SELECT cn.nspname, c.relname, pn.nspname, p.relname, format('%I.%I', cn.nspname, c.relname), "
           "format('%I.%I', pn.nspname, p.relname), CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) "
           "END FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace cn ON cn.oid = "
           "c.relnamespace JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace "
           "WHERE i.inhrelid = ANY ($1::oid[]) AND i.inhparent <> ALL ($1::oid[]) ORDER BY 5, i.inhseqno",
           {oids_of(tables)})) {
    places.push_back({{*row[0], *row[1]}, {*row[2], *row[3]}, *row[4], *row[5], row[6].value_or("")});
  }
  return places;
}

std::vector<Place> places_on(Connection& live, const std::vector<Relation>& live_tables,
                             const std::vector<Place>& at_target) {
  const auto now = places_of(live, live_tables);
  std::vector<Place> places;
  for (auto place : at_target) {
    if (place.bound.empty()) {
      refuse_other_parents(now, at_target, place);
    } else {
      const auto there = std::find_if(now.begin(), now.end(), [&](const Place& other) {
        return other.table == place.table && !other.bound.empty();
      });
      if (there != now.end()) {
        place.parent = there->parent;
        place.parent_text = there->parent_text;
      }
    }
    require_parent(live, place);
    places.push_back(std::move(place));
  }
  return places;
}

std::string put_in_places(const std::vector<Place>& places) {
  std::string text;
  for (const auto& place : places) {
    if (!place.bound.empty()) {
      text += fmt::format("ALTER TABLE ONLY {} ATTACH PARTITION {} {};\n", place.parent_text, place.table_text,
                          place.bound);
    }
    text += fmt::format(
        "INSERT INTO pg_temp.lifeboat_allowed SELECT {0}, {1} WHERE NOT EXISTS (SELECT FROM pg_temp.lifeboat_before "
        "WHERE object = {0} AND part = {1});\n",
        quote_literal(place.table_text), quote_literal("inherits " + place.parent_text));
  }
  return text;
}

}  // namespace harness::extract
