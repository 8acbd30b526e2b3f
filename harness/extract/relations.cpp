#include "harness/extract/relations.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"

namespace harness::extract {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::Connection;
using backup_engine::postgres::quote_identifier;
using backup_engine::postgres::Rows;

namespace {

constexpr auto columns =
    "c.oid, n.nspname, c.relname, format('%I.%I', n.nspname, c.relname), c.relkind, c.relpersistence = 'p'";

// Of a partition whose parent is not in the set: the parent.
constexpr auto parent =
    "(SELECT format('%I.%I', pn.nspname, p.relname) FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent "
    "JOIN pg_namespace pn ON pn.oid = p.relnamespace WHERE i.inhrelid = c.oid AND c.relispartition)";

std::vector<Relation> relations_of(const Rows& rows) {
  std::vector<Relation> found;
  for (const auto& row : rows) {
    Relation relation;
    relation.oid = *row[0];
    relation.name = {*row[1], *row[2]};
    relation.text = *row[3];
    relation.kind = row[4]->front();
    relation.logged = row[5] == "t";
    relation.parent_outside = row[6].value_or("");
    found.push_back(std::move(relation));
  }
  return found;
}

Error no_table(const Relation& relation) {
  const auto* const what = relation.kind == 'v'   ? "a view"
                           : relation.kind == 'm' ? "a materialized view"
                           : relation.kind == 'S' ? "a sequence"
                                                  : "no table";
  return Error(ErrorKind::usage, fmt::format("{} is {}, and only tables can be taken", relation.text, what))
      .with_remedy("name the tables that it is made of; views that stand on a table come back with it");
}

void add(std::vector<Relation>& all, std::vector<Relation> more) {
  for (auto& relation : more) {
    const auto known = std::find_if(all.begin(), all.end(), [&](const auto& r) { return r.oid == relation.oid; });
    if (known == all.end()) {
      all.push_back(std::move(relation));
    } else {
      known->named = known->named || relation.named;
    }
  }
}

void forget_parents_inside(std::vector<Relation>& tables) {
  for (auto& table : tables) {
    if (std::any_of(tables.begin(), tables.end(), [&](const auto& t) { return t.text == table.parent_outside; })) {
      table.parent_outside.clear();
    }
  }
}

}  // namespace

Name parse_name(Connection& connection, const std::string& text) {
  std::vector<std::string> parts;
  try {
    for (const auto& row : connection.query("SELECT unnest(parse_ident($1))", {text})) parts.push_back(*row[0]);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::server) throw;
    throw Error(ErrorKind::usage, fmt::format("this is no table's name: {}: {}", text, error.what()))
        .with_remedy("write SCHEMA.TABLE, with double quotes where SQL wants them");
  }
  if (parts.size() == 2) return {parts[0], parts[1]};
  throw Error(ErrorKind::usage, fmt::format("the table {} is named without its schema, or with more than that", text))
      .with_remedy("write SCHEMA.TABLE, with double quotes where SQL wants them");
}

std::string quoted(const Name& name) {
  return quote_identifier(name.schema) + "." + quote_identifier(name.object);
}

std::vector<Relation> find_tables(Connection& connection, const std::vector<Name>& names) {
  std::vector<Relation> all;
  for (const auto& name : names) {
    auto found = relations_of(connection.query(
        fmt::format("WITH RECURSIVE tree (oid, depth) AS ("
                    "  SELECT c.oid, 0 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                    "   WHERE n.nspname = $1 AND c.relname = $2"
                    "  UNION ALL SELECT c.oid, depth + 1 FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid"
                    "   JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition) "
                    "SELECT {}, {} FROM tree JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace "
                    "ORDER BY depth, 4",
                    columns, parent),
        {name.schema, name.object}));
    if (found.empty()) continue;
    found.front().named = true;
    const auto kind = found.front().kind;
    if (kind != 'r' && kind != 'p' && kind != 'f') throw no_table(found.front());
    add(all, std::move(found));
  }
  forget_parents_inside(all);
  return all;
}

std::vector<Relation> tables_of_schema(Connection& connection, const std::string& schema) {
  auto found = relations_of(
      connection.query(fmt::format("SELECT {}, {} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                                   "WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'f') ORDER BY 4",
                                   columns, parent),
                       {schema}));
  forget_parents_inside(found);
  return found;
}

std::vector<Attachment> attachments_of(Connection& connection, const std::string& oids) {
  const auto rows = connection.query(
      "SELECT 'INDEX', n.nspname, c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
      "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.indrelid = ANY ($1::oid[]) "
      "UNION ALL SELECT 'SEQUENCE', n.nspname, c.relname FROM pg_depend d "
      "JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S' JOIN pg_namespace n ON n.oid = c.relnamespace "
      "WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass "
      "AND d.refobjid = ANY ($1::oid[]) AND d.deptype IN ('a', 'i') "
      "UNION ALL SELECT 'STATISTICS', n.nspname, s.stxname FROM pg_statistic_ext s "
      "JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE s.stxrelid = ANY ($1::oid[]) ORDER BY 1, 2, 3",
      {oids});
  std::vector<Attachment> found;
  for (const auto& row : rows) found.push_back({*row[0], {*row[1], *row[2]}});
  return found;
}

std::string oids_of(const std::vector<Relation>& tables) {
  std::string text;
  for (const auto& table : tables) text += (text.empty() ? "" : ",") + table.oid;
  return "{" + text + "}";
}

bool contains(const std::vector<Relation>& tables, const Name& name) {
  return std::any_of(tables.begin(), tables.end(), [&](const auto& table) { return table.name == name; });
}

bool exists(Connection& connection, const Name& name) {
  return !connection
              .query(
                  "SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                  "WHERE n.nspname = $1 AND c.relname = $2",
                  {name.schema, name.object})
              .empty();
}

bool schema_exists(Connection& connection, const std::string& schema) {
  return !connection.query("SELECT FROM pg_namespace WHERE nspname = $1", {schema}).empty();
}

}  // namespace harness::extract
