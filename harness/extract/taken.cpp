#include "harness/extract/taken.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "backup_engine/base/error.hpp"
#include "harness/extract/condition.hpp"
#include "harness/extract/finding.hpp"
#include "harness/extract/trigger_states.hpp"

namespace harness::extract {

namespace fs = std::filesystem;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::Connection;
using backup_engine::postgres::quote_identifier;
using backup_engine::postgres::quote_literal;

namespace {

// What an archive says of objects that are put back in another way, or at another moment.
class LeftOut {
 public:
  LeftOut(const std::vector<ForeignKey>& keys, const std::vector<std::string>& attached) : attached_(attached) {
    for (const auto& key : keys) comments_.push_back(fmt::format(" {} ", key.comment_tag));
  }
  [[nodiscard]] bool operator()(const Programs::Entry& entry) const {
    if (entry.is("FK CONSTRAINT")) return true;
    if (entry.is("COMMENT")) {
      return std::any_of(comments_.begin(), comments_.end(),
                         [&](const auto& tag) { return entry.text.find(tag) != std::string::npos; });
    }
    return std::any_of(attached_.begin(), attached_.end(),
                       [&](const auto& start) { return entry.text.starts_with(start); });
  }

 private:
  std::vector<std::string> comments_;
  const std::vector<std::string>& attached_;
};

bool is_index(const Programs::Entry& entry) {
  return entry.is("CONSTRAINT") || entry.is("INDEX") || entry.is("INDEX ATTACH") || entry.is("STATISTICS");
}

Parts cut(const Programs& programs, const fs::path& archive, const LeftOut& left_out, const std::string& prefix) {
  using Section = Programs::Section;
  std::vector<Programs::Entry> definitions, indexes, rest, privileges;
  for (const auto section : {Section::before_data, Section::after_data}) {
    for (const auto& entry : programs.list(archive, section)) {
      if (left_out(entry)) continue;
      if (entry.is("ACL")) {
        privileges.push_back(entry);
      } else if (section == Section::before_data) {
        definitions.push_back(entry);
      } else {
        (is_index(entry) ? indexes : rest).push_back(entry);
      }
    }
  }
  return {programs.write(archive, definitions, prefix + "-definitions.sql"),
          programs.write(archive, indexes, prefix + "-indexes.sql"),
          programs.write(archive, rest, prefix + "-rest.sql"),
          programs.write(archive, privileges, prefix + "-privileges.sql")};
}

// pg_dump attaches a partition to its parent before the indexes are there, and the parent then makes some of its own.
std::vector<std::string> attached_entries(Connection& scratch, const std::vector<Relation>& tables) {
  std::vector<std::string> entries;
  std::vector<Relation> partitions;
  for (const auto& table : tables) {
    if (table.parent_outside.empty()) continue;
    entries.push_back(fmt::format("TABLE ATTACH {} {} ", table.name.schema, table.name.object));
    partitions.push_back(table);
  }
  if (partitions.empty()) return entries;
  for (const auto& index : attachments_of(scratch, oids_of(partitions))) {
    if (index.what != "INDEX") continue;
    entries.push_back(fmt::format("INDEX ATTACH {} {} ", index.name.schema, index.name.object));
  }
  return entries;
}

// A copy that inherited from what is there would show its rows there as well.
void leave_parents(Connection& scratch, const std::vector<Relation>& tables) {
  for (const auto& place : places_of(scratch, tables)) {
    if (!place.bound.empty()) continue;
    scratch.execute(fmt::format("ALTER TABLE {} NO INHERIT {}", place.table_text, place.parent_text));
  }
}

std::vector<std::string> chosen_objects(const Taken& taken) {
  if (!taken.schema.empty()) return {"--schema", quote_identifier(taken.schema)};
  std::vector<std::string> arguments;
  for (const auto& table : taken.tables) arguments.insert(arguments.end(), {"--table", quoted(table.name)});
  return arguments;
}

std::vector<std::string> with(std::vector<std::string> arguments, std::initializer_list<std::string> more) {
  arguments.insert(arguments.begin(), more);
  return arguments;
}

constexpr std::size_t longest_name_bytes = 63;

std::string suffixed(const std::string& name, const std::string& suffix) {
  auto longer = name + "_" + suffix;
  if (longer.size() <= longest_name_bytes) return longer;
  throw Error(ErrorKind::usage, fmt::format("{} would have {} bytes, and a name has at most {}", longer, longer.size(),
                                            longest_name_bytes))
      .with_remedy("choose a shorter suffix");
}

// The scratch server is ours: what is to have another name gets it there, and all that refers to it follows.
void rename_tables(Connection& scratch, const std::string& suffix, Taken& taken) {
  std::vector<Name> renamed;
  for (const auto& table : taken.tables) {
    if (table.named) renamed.push_back({table.name.schema, suffixed(table.name.object, suffix)});
    scratch.execute(
        fmt::format("ALTER TABLE {} RENAME TO {}", table.text, quote_identifier(suffixed(table.name.object, suffix))));
  }
  for (const auto& attachment : taken.attachments) {
    scratch.execute(fmt::format("ALTER {} {} RENAME TO {}", attachment.what, quoted(attachment.name),
                                quote_identifier(suffixed(attachment.name.object, suffix))));
  }
  taken.tables = find_tables(scratch, renamed);
  taken.attachments = attachments_of(scratch, oids_of(taken.tables));
}

void find_selection(const Selection& selection, Connection& scratch, Taken& taken) {
  if (!selection.schema.empty()) {
    if (!schema_exists(scratch, selection.schema)) {
      throw Error(ErrorKind::not_found, fmt::format("there was no schema {} at the target", selection.schema))
          .with_remedy(
              "choose a target at which it existed, or look at its name (one with capitals wants double quotes)");
    }
    taken.schema = selection.schema;
    taken.tables = tables_of_schema(scratch, selection.schema);
  } else {
    std::vector<Name> names;
    for (const auto& text : selection.tables) {
      names.push_back(parse_name(scratch, text));
      if (exists(scratch, names.back())) continue;
      throw Error(ErrorKind::not_found, fmt::format("there was no table {} at the target", text))
          .with_remedy(
              "choose a target at which it existed: a later one when it was made later, an earlier one when "
              "it was dropped before; or look at its name");
    }
    taken.tables = find_tables(scratch, names);
  }
  taken.attachments = attachments_of(scratch, oids_of(taken.tables));
}

void note_what_rows_lack(Connection& scratch, Taken& taken) {
  for (const auto& table : taken.tables) {
    if (!table.logged) {
      taken.findings.push_back(finding(table.text, "unlogged: no recovery brings its rows back, so it is empty"));
    }
  }
  const auto rows = scratch.query(
      "SELECT format('%I.%I', n.nspname, c.relname), a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = "
      "a.attrelid "
      "JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid "
      "WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped AND NOT c.relispartition "
      "AND (a.atttypid = 'oid'::regtype OR t.typname = 'lo') ORDER BY 1, 2",
      {oids_of(taken.tables)});
  for (const auto& row : rows) {
    taken.findings.push_back(finding(
        *row[0],
        fmt::format("column {}: numbers of large objects come back, the large objects themselves do not", *row[1])));
  }
}

// A view holds the condition, so that it never passes through a program that could read it in another way.
void choose_rows(const Order& order, const std::string& scratch_conninfo, const std::string& original, Taken& taken) {
  Connection connection(scratch_conninfo, "lifeboat extract");
  const auto& table = taken.tables.front();
  std::string columns;
  for (const auto& row : connection.query("SELECT attname FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 "
                                          "AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
                                          {table.oid})) {
    taken.row_columns.push_back(quote_identifier(*row[0]));
    columns += (columns.empty() ? "" : ", ") + taken.row_columns.back();
  }
  const auto from =
      fmt::format("FROM {}{} AS {}", table.kind == 'p' ? "" : "ONLY ", quoted(table.name), quote_identifier(original));
  try {
    for (const auto& check : condition_checks(from, order.selection.where)) connection.query(check, {""});
    connection.execute("CREATE SCHEMA lifeboat_extract");
    connection.execute(fmt::format("CREATE VIEW lifeboat_extract.chosen AS SELECT {} {} WHERE (\n{}\n)", columns, from,
                                   order.selection.where));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::server) throw;
    throw Error(ErrorKind::usage, fmt::format("--where {}: {}", order.selection.where, error.what()))
        .with_remedy(fmt::format("write one SQL condition on the rows of {}", table.text));
  }
}

std::string sequence_positions(Connection& scratch, const std::vector<Attachment>& attachments) {
  std::string statements;
  for (const auto& sequence : attachments) {
    if (sequence.what != "SEQUENCE") continue;
    const auto row = scratch.query(fmt::format("SELECT last_value, is_called FROM {}", quoted(sequence.name)))[0];
    statements += fmt::format("SELECT pg_catalog.setval({}, {}, {});\n", quote_literal(quoted(sequence.name)), *row[0],
                              row[1] == "t");
  }
  return statements;
}

// pg_dump leaves a name out that PostgreSQL would choose anyway; it chooses another where a child has that one.
std::string not_null_names(Connection& scratch, const std::vector<Relation>& tables) {
  constexpr int first_major_with_names = 18;
  if (scratch.server_version().major() < first_major_with_names) return {};
  std::string wanted;
  for (const auto& row : scratch.query("SELECT format('(%L, %L, %L, %L)', n.nspname, c.relname, a.attname, k.conname) "
                                       "FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid "
                                       "JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a "
                                       "ON a.attrelid = c.oid AND a.attnum = k.conkey[1] "
                                       "WHERE k.contype = 'n' AND k.coninhcount = 0 AND k.conrelid = ANY ($1::oid[])",
                                       {oids_of(tables)})) {
    wanted += (wanted.empty() ? "" : ", ") + *row[0];
  }
  if (wanted.empty()) return {};
  return do_block(fmt::format(
      "DECLARE r record; BEGIN FOR r IN SELECT w.*, k.conname FROM (VALUES {}) AS w (nsp, rel, att, name)\n"
      "  JOIN pg_namespace n ON n.nspname = w.nsp JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.rel\n"
      "  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = w.att\n"
      "  JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'n' AND k.conkey[1] = a.attnum\n"
      "  WHERE k.conname <> w.name AND k.coninhcount = 0 LOOP\n"
      "  EXECUTE format('ALTER TABLE %I.%I RENAME CONSTRAINT %I TO %I', r.nsp, r.rel, r.conname, r.name);\n"
      "END LOOP; END",
      wanted));
}

std::vector<View> materialized_views_of(Connection& scratch, const std::string& schema) {
  std::vector<std::string> oids;
  for (const auto& row : scratch.query("SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                                       "WHERE n.nspname = $1 AND c.relkind IN ('v', 'm')",
                                       {schema})) {
    oids.push_back(*row[0]);
  }
  auto views = views_of(scratch, oids);
  std::erase_if(views, [](const View& view) { return !view.materialized || !view.populated; });
  return views;
}

}  // namespace

Parts take_views(const Programs& programs, const std::string& conninfo, const std::vector<View>& views,
                 const std::string& prefix) {
  std::vector<std::string> arguments = {"--format=custom", "--schema-only"};
  for (const auto& view : views) arguments.insert(arguments.end(), {"--table", quoted(view.name)});
  return cut(programs, programs.dump(conninfo, arguments, prefix + ".dump"), LeftOut({}, {}), prefix);
}

std::string statistics_of(Connection& connection, const std::string& oids) {
  std::string statements;
  for (const auto& row : connection.query(
           "SELECT pg_get_statisticsobjdef(s.oid) || ';' || format(' ALTER STATISTICS %1$I.%2$I OWNER TO %3$I;', "
           "n.nspname, s.stxname, pg_get_userbyid(s.stxowner)) || CASE WHEN s.stxstattarget >= 0 THEN "
           "format(' ALTER STATISTICS %I.%I SET STATISTICS %s;', n.nspname, s.stxname, s.stxstattarget) ELSE '' END || "
           "coalesce(format(' COMMENT ON STATISTICS %I.%I IS %L;', n.nspname, s.stxname, "
           "obj_description(s.oid, 'pg_statistic_ext')), '') FROM pg_statistic_ext s "
           "JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE s.stxrelid = ANY ($1::oid[]) ORDER BY 1",
           {oids})) {
    statements += *row[0] + "\n";
  }
  return statements;
}

Taken take(const Order& order, Connection& scratch, const Programs& programs, backup_engine::base::Progress& progress) {
  // Rules and triggers of the source, also those on changes of its schema, are not asked.
  scratch.execute("SET search_path = ''; SET session_replication_role = replica; SET statement_timeout = 0");
  Taken taken;
  find_selection(order.selection, scratch, taken);
  note_what_rows_lack(scratch, taken);
  const auto original = taken.tables.empty() ? std::string() : taken.tables.front().name.object;
  if (order.placement == Placement::replace) {
    taken.dependents = dependents_of(scratch, taken.tables, taken.schema);
    taken.places = places_of(scratch, taken.tables);
  } else if (!taken.schema.empty()) {
    leave_parents(scratch, taken.tables);
    const auto renamed = suffixed(taken.schema, order.suffix);
    scratch.execute(
        fmt::format("ALTER SCHEMA {} RENAME TO {}", quote_identifier(taken.schema), quote_identifier(renamed)));
    taken.schema = renamed;
    taken.tables = tables_of_schema(scratch, renamed);
    taken.attachments = attachments_of(scratch, oids_of(taken.tables));
  } else {
    leave_parents(scratch, taken.tables);
    rename_tables(scratch, order.suffix, taken);
  }
  taken.foreign_keys = foreign_keys_of(scratch, taken.tables);
  taken.trigger_states = trigger_states_of(scratch, taken.tables);
  taken.not_null_names = not_null_names(scratch, taken.tables);
  if (taken.schema.empty()) {
    taken.statistics = statistics_of(scratch, oids_of(taken.tables));
  } else {
    taken.materialized_views = materialized_views_of(scratch, taken.schema);
  }

  const auto& conninfo = order.scratch_conninfo;
  const auto objects = chosen_objects(taken);
  if (order.selection.where.empty()) {
    taken.rows = programs.dump(conninfo, with(objects, {"--data-only"}), "rows.sql", &progress);
  } else {
    choose_rows(order, conninfo, original, taken);
    taken.rows = programs.copy_out(conninfo, "lifeboat_extract.chosen", "rows.copy");
    taken.sequence_positions = sequence_positions(scratch, taken.attachments);
  }
  const auto archive = programs.dump(conninfo, with(objects, {"--format=custom", "--schema-only"}), "selection.dump");
  const auto attached = attached_entries(scratch, taken.tables);
  taken.parts = cut(programs, archive, LeftOut(taken.foreign_keys, attached), "selection");
  return taken;
}

}  // namespace harness::extract
