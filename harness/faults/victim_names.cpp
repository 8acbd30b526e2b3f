#include "harness/faults/victim_names.hpp"

#include <fmt/format.h>

#include <map>

#include "backup_engine/base/error.hpp"

namespace harness::faults {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::Connection;
using backup_engine::postgres::Rows;

namespace {

const std::map<std::string, std::string>& words_for_kinds() {
  static const std::map<std::string, std::string> words{{"i", "an index"},
                                                        {"I", "an index"},
                                                        {"S", "a sequence"},
                                                        {"v", "a view"},
                                                        {"m", "a materialized view"},
                                                        {"c", "a composite type"},
                                                        {"f", "a foreign table"},
                                                        {"t", "a TOAST table"}};
  return words;
}

// A name that is none at all ("a..b") is an ERROR of the look-up before PostgreSQL 16, and not found from then on.
Rows look_up(Connection& connection, const std::string& kind, const std::string& name, const std::string& sql) {
  if (name.empty()) {
    throw Error(ErrorKind::usage, fmt::format("the disaster needs the name of a {}", kind))
        .with_remedy(fmt::format("write the {} behind the disaster's word", kind));
  }
  try {
    return connection.query(sql, {name});
  } catch (const Error& error) {
    const bool about_the_name = error.sqlstate().starts_with("42") || error.sqlstate().starts_with("0A");
    if (!about_the_name) throw;
    return {{}, {}};
  }
}

Error absent(Connection& connection, const std::string& kind, const std::string& name, const std::string& there) {
  const auto database = connection.query("SELECT current_database()").single();
  const auto known = connection.query(there).single();
  return Error(ErrorKind::not_found, fmt::format("there is no {} '{}' to harm: database {}", kind, name, database))
      .with_remedy(fmt::format("name one of: {}; with double quotes where SQL needs them",
                               known.empty() ? "(there is none)" : known));
}

void refuse_what_is_not_business(const std::string& schema, const std::string& name) {
  if (schema == "lifeboat") {
    throw Error(ErrorKind::usage, fmt::format("{} will not be harmed: it holds the ledger", name))
        .with_remedy("the ledger is what the drill is judged by; harm a business table or schema");
  }
  if (schema.starts_with("pg_") || schema == "information_schema") {
    throw Error(ErrorKind::usage, fmt::format("{} will not be harmed: it is PostgreSQL's own", name))
        .with_remedy("harm a business table or schema");
  }
}

}  // namespace

Table find_table(Connection& connection, const std::string& name) {
  const auto found = look_up(connection, "table", name,
                             "SELECT c.oid, c.relkind, format('%I.%I', n.nspname, c.relname), n.nspname, "
                             "c.relispartition FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
                             "WHERE c.oid = to_regclass($1)");
  if (found.empty()) {
    throw absent(connection, "table", name,
                 "SELECT coalesce(string_agg(oid::regclass::text, ', ' ORDER BY oid::regclass::text), '') "
                 "FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace IN "
                 "(SELECT oid FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$|lifeboat$)')");
  }
  const auto& row = found[0];
  const auto kind = row[1].value_or("");
  if (kind != "r" && kind != "p") {
    const auto word = words_for_kinds().find(kind);
    throw Error(ErrorKind::usage, fmt::format("{} is {}, not a table", row[2].value_or(name),
                                              word == words_for_kinds().end() ? "something else" : word->second))
        .with_remedy("name a table");
  }
  refuse_what_is_not_business(row[3].value_or(""), row[2].value_or(""));
  return {row[0].value_or(""), row[2].value_or(""), row[4] == "t"};
}

std::string find_schema(Connection& connection, const std::string& name) {
  const auto found = look_up(connection, "schema", name,
                             "SELECT nspname, quote_ident(nspname) FROM pg_namespace WHERE oid = to_regnamespace($1)");
  if (found.empty()) {
    throw absent(connection, "schema", name,
                 "SELECT coalesce(string_agg(quote_ident(nspname), ', ' ORDER BY nspname), '') FROM pg_namespace "
                 "WHERE nspname !~ '^(pg_|information_schema$|lifeboat$)'");
  }
  refuse_what_is_not_business(found[0][0].value_or(""), "the schema " + found[0][1].value_or(""));
  return found[0][1].value_or("");
}

std::string find_database(Connection& connection, const std::string& name) {
  const auto found =
      look_up(connection, "database", name,
              "SELECT quote_ident(datname), datistemplate OR datname = 'postgres' FROM pg_database WHERE datname = $1");
  if (found.empty()) {
    throw absent(connection, "database", name,
                 "SELECT coalesce(string_agg(quote_ident(datname), ', ' ORDER BY datname), '') FROM pg_database "
                 "WHERE NOT datistemplate AND datname <> 'postgres'");
  }
  if (found[0][1] == "t") {
    throw Error(ErrorKind::usage, fmt::format("the database {} will not be harmed", name))
        .with_remedy("templates and postgres are what the drill itself works with; harm a database of the dataset");
  }
  return found[0][0].value_or("");
}

}  // namespace harness::faults
