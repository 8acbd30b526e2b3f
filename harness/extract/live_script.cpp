#include "harness/extract/live_script.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "harness/extract/fingerprint.hpp"
#include "harness/extract/trigger_states.hpp"

namespace harness::extract {

namespace fs = std::filesystem;
using backup_engine::postgres::quote_identifier;
using backup_engine::postgres::quote_literal;

namespace {

// psql's own quoting of a file's name.
std::string psql_quoted(const fs::path& path) {
  std::string text = "'";
  for (const char c : path.string()) {
    if (c == '\'' || c == '\\') text += '\\';
    text += c;
  }
  return text + "'";
}

// What pg_dump's scripts set for their session is set again after each of them.
std::string settings(const Order& order) {
  return fmt::format(
      "SET search_path = '';\nSET lock_timeout = '{}ms';\nSET statement_timeout = 0;\n"
      "SET idle_in_transaction_session_timeout = 0;\nSET client_min_messages = warning;\n"
      "SET row_security = off;\nSET check_function_bodies = false;\n",
      order.lock_timeout.count());
}

std::string include(const Order& order, const fs::path& file) {
  return fmt::format("\\i {}\n{}", psql_quoted(file), settings(order));
}

// The snapshot is taken after the locks, and then shows this transaction's own changes only. A client that vanished is
// noticed, and not just when it would be answered.
std::string opening(const Order& order, const std::string& locks, const ScriptFiles& files) {
  return fmt::format(
      "\\pset format unaligned\n\\pset tuples_only on\nSET client_encoding = 'UTF8';\n"
      "SET client_connection_check_interval = '1s';\n"
      "SELECT set_config('transaction_timeout', '0', false) "
      "WHERE current_setting('server_version_num')::int >= 170000;\n{}"
      "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE;\n{}"
      "SELECT pg_current_xact_id(), pg_backend_pid() \\g {}\n"
      "CREATE TEMPORARY TABLE lifeboat_named (nsp text NOT NULL, rel text) ON COMMIT DROP;\n"
      "CREATE TEMPORARY TABLE lifeboat_recreated (object text, part text) ON COMMIT DROP;\n"
      "CREATE TEMPORARY TABLE lifeboat_allowed (object text, part text) ON COMMIT DROP;\n"
      "CREATE TEMPORARY TABLE lifeboat_objects (object text) ON COMMIT DROP;\n"
      "CREATE TEMPORARY TABLE lifeboat_findings (n int GENERATED ALWAYS AS IDENTITY, object text, key text, text text) "
      "ON COMMIT DROP;\n",
      settings(order), locks, psql_quoted(files.transaction));
}

std::string snapshot(const std::string& name) {
  return fmt::format("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS {};\n", name, fingerprint_query());
}

std::string closing(const ScriptFiles& files) {
  return snapshot("lifeboat_after") +
         do_block(
             "DECLARE changed text; BEGIN\n"
             "SELECT string_agg(format('%s (%s)', object, part), ', ') INTO changed FROM (\n"
             "  SELECT DISTINCT object, part FROM (\n"
             "    (TABLE pg_temp.lifeboat_before EXCEPT TABLE pg_temp.lifeboat_after) UNION ALL\n"
             "    (TABLE pg_temp.lifeboat_after EXCEPT TABLE pg_temp.lifeboat_before)) AS d\n"
             "  WHERE (object, part) NOT IN (SELECT object, part FROM pg_temp.lifeboat_allowed)\n"
             "  ORDER BY 1, 2 LIMIT 10) AS c;\n"
             "IF changed IS NOT NULL THEN RAISE EXCEPTION '%', changed USING ERRCODE = 'LB001'; END IF;\nEND") +
         fmt::format(
             "COPY (SELECT object, key, text FROM pg_temp.lifeboat_findings ORDER BY n) TO STDOUT \\g {}\n"
             "COPY (TABLE pg_temp.lifeboat_objects) TO STDOUT \\g {}\nCOMMIT;\n",
             psql_quoted(files.findings), psql_quoted(files.objects));
}

std::string lock(const std::vector<Relation>& tables, const char* mode) {
  if (tables.empty()) return {};
  std::vector<std::string> names;
  names.reserve(tables.size());
  for (const auto& table : tables) names.push_back("ONLY " + table.text);
  return fmt::format("LOCK TABLE {} IN {} MODE;\n", fmt::join(names, ", "), mode);
}

std::string name_relation(const Name& name) {
  return fmt::format("INSERT INTO pg_temp.lifeboat_named VALUES ({}, {});\n", quote_literal(name.schema),
                     quote_literal(name.object));
}

std::string name_all(const Taken& taken, const LiveState& live, const Dependencies& dependencies) {
  std::string text;
  if (!taken.schema.empty()) {
    text += fmt::format("INSERT INTO pg_temp.lifeboat_named VALUES ({}, NULL);\n", quote_literal(taken.schema));
  }
  for (const auto& table : live.tables) text += name_relation(table.name);
  for (const auto& attachment : live.attachments) text += name_relation(attachment.name);
  for (const auto& table : taken.tables) text += name_relation(table.name);
  for (const auto& attachment : taken.attachments) text += name_relation(attachment.name);
  for (const auto& lost : dependencies.lost_views) {
    text += name_relation(lost.view.name);
    for (const auto& attachment : lost.attachments) text += name_relation(attachment.name);
  }
  return text;
}

std::string recreated(const LiveState& live) {
  std::string text;
  const auto add = [&](const std::string& object, const std::string& part) {
    text += fmt::format("INSERT INTO pg_temp.lifeboat_recreated VALUES ({}, {});\n", quote_literal(object),
                        quote_literal(part));
  };
  for (const auto& view : live.dependents.views) add(view.text, "");
  for (const auto& other : live.dependents.others) add(other.object, other.part);
  return text;
}

std::string drop_dependents(const Dependents& dependents) {
  std::string text;
  for (const auto& other : dependents.others) text += other.drop + "\n";
  for (const auto& key : dependents.foreign_keys) {
    text += fmt::format("ALTER TABLE {} DROP CONSTRAINT {};\n", key.table_text, quote_identifier(key.name));
  }
  for (auto view = dependents.views.rbegin(); view != dependents.views.rend(); ++view) {
    text += fmt::format("DROP {} {};\n", view->materialized ? "MATERIALIZED VIEW" : "VIEW", view->text);
  }
  return text;
}

// RESTRICT: what was not thought of ends it here.
std::string drop_selection(const Taken& taken, const LiveState& live) {
  if (live.schema_exists) return fmt::format("DROP SCHEMA {} CASCADE;\n", quote_identifier(taken.schema));
  std::vector<std::string> tables, foreign;
  for (const auto& table : live.tables) {
    if (table.named) (table.kind == 'f' ? foreign : tables).push_back(table.text);
  }
  std::string text;
  if (!tables.empty()) text += fmt::format("DROP TABLE {} RESTRICT;\n", fmt::join(tables, ", "));
  if (!foreign.empty()) text += fmt::format("DROP FOREIGN TABLE {} RESTRICT;\n", fmt::join(foreign, ", "));
  return text;
}

// A new object gets the default privileges of its schema first; an archive says what differs from PostgreSQL's own
// defaults, so these must hold when it speaks. `condition` chooses rows of (kind, acl, owner, what, schema, relation).
std::string reset_privileges(const std::string& condition) {
  return do_block(fmt::format(
      "DECLARE o record; a record; BEGIN FOR o IN SELECT * FROM (\n"
      "  SELECT CASE c.relkind WHEN 'S' THEN 's'::\"char\" ELSE 'r'::\"char\" END AS kind, c.relacl AS acl,\n"
      "         c.relowner AS owner, n.nspname AS nsp, c.relname AS rel,\n"
      "         format('%s %I.%I', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, n.nspname, c.relname) AS "
      "what\n"
      "    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace\n"
      "  UNION ALL SELECT 'f', p.proacl, p.proowner, n.nspname, NULL, format('ROUTINE %s', p.oid::regprocedure)\n"
      "    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace\n"
      "  UNION ALL SELECT 'T', t.typacl, t.typowner, n.nspname, NULL, format('TYPE %I.%I', n.nspname, t.typname)\n"
      "    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typrelid = 0 AND t.typelem = 0\n"
      "  UNION ALL SELECT 'n', n.nspacl, n.nspowner, n.nspname, NULL, format('SCHEMA %I', n.nspname) FROM pg_namespace "
      "n\n"
      ") AS objects WHERE acl IS NOT NULL AND {} LOOP\n"
      "  FOR a IN SELECT DISTINCT grantee FROM aclexplode(o.acl) LOOP EXECUTE format('REVOKE ALL ON %s FROM %s', "
      "o.what,\n"
      "    CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END); END LOOP;\n"
      "  FOR a IN SELECT grantee, privilege_type FROM aclexplode(acldefault(o.kind, o.owner)) LOOP\n"
      "    EXECUTE format('GRANT %s ON %s TO %s', a.privilege_type, o.what,\n"
      "      CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END); END LOOP;\n"
      "END LOOP; END",
      condition));
}

std::string one_of(const std::vector<Name>& names) {
  std::vector<std::string> pairs;
  pairs.reserve(names.size());
  for (const auto& name : names) {
    pairs.push_back(fmt::format("({}, {})", quote_literal(name.schema), quote_literal(name.object)));
  }
  return pairs.empty() ? "false" : fmt::format("(nsp, rel) IN ({})", fmt::join(pairs, ", "));
}

std::string selected(const Taken& taken) {
  if (!taken.schema.empty()) return fmt::format("nsp = {}", quote_literal(taken.schema));
  std::vector<Name> names;
  for (const auto& table : taken.tables) names.push_back(table.name);
  for (const auto& attachment : taken.attachments) {
    if (attachment.what == "SEQUENCE") names.push_back(attachment.name);
  }
  return one_of(names);
}

std::string refresh(const View& view) {
  if (!view.materialized || !view.populated) return {};
  return fmt::format("REFRESH MATERIALIZED VIEW {};\n", view.text);
}

std::string load_rows(const Order& order, const Taken& taken) {
  if (taken.row_columns.empty()) return include(order, taken.rows);
  return fmt::format("\\copy {} ({}) from {}\n{}", quoted(taken.tables.front().name),
                     fmt::join(taken.row_columns, ", "), psql_quoted(taken.rows), taken.sequence_positions);
}

std::string put_selection(const Order& order, const Taken& taken, const std::vector<Place>& places) {
  std::string text = include(order, taken.parts.definitions) + taken.not_null_names +
                     reset_privileges(selected(taken)) + include(order, taken.parts.privileges) +
                     "\\echo lifeboat rows begin\n" + load_rows(order, taken) + "\\echo lifeboat rows end\n";
  for (const auto& view : taken.materialized_views) text += refresh(view);
  text += include(order, taken.parts.indexes) + taken.statistics + put_in_places(places);
  for (const auto& key : taken.foreign_keys) text += add_statements(key, WhenImpossible::note_finding);
  return text + include(order, taken.parts.rest);
}

std::string put_views(const Order& order, const std::vector<View>& views, const Parts& parts,
                      const std::string& statistics) {
  if (views.empty()) return {};
  std::vector<Name> names;
  names.reserve(views.size());
  for (const auto& view : views) names.push_back(view.name);
  auto text = include(order, parts.definitions) + reset_privileges(one_of(names)) + include(order, parts.privileges);
  for (const auto& view : views) text += refresh(view);
  return text + include(order, parts.indexes) + statistics + include(order, parts.rest);
}

// A view that was dropped with a table may stand on what is gone as well: then it is a finding, and no more.
std::string put_lost_view(const Order& order, const LostView& lost) {
  const auto object = fmt::format("view {}", lost.view.text);
  return "SAVEPOINT lifeboat_view;\n\\set ON_ERROR_STOP off\n" +
         put_views(order, {lost.view}, lost.parts, lost.statistics) +
         fmt::format(
             "SELECT WHERE false;\n\\if :ERROR\nROLLBACK TO SAVEPOINT lifeboat_view;\n"
             "\\set ON_ERROR_STOP on\n{}"
             "INSERT INTO pg_temp.lifeboat_findings (object, key, text) VALUES ({}, '', 'it was there at the "
             "target, is missing, and cannot be made: what it stands on is not there as it was');\n\\else\n"
             "\\set ON_ERROR_STOP on\nINSERT INTO pg_temp.lifeboat_objects VALUES ({});\n\\endif\n"
             "RELEASE SAVEPOINT lifeboat_view;\n",
             settings(order), quote_literal(lost.view.text), quote_literal(object));
}

std::string if_missing(const std::string& object, const std::string& part, const std::string& body) {
  return do_block(
      fmt::format("BEGIN IF NOT EXISTS (SELECT FROM pg_temp.lifeboat_before WHERE object = {0} AND part = {1}) AND (\n"
                  "  EXISTS (SELECT FROM pg_temp.lifeboat_before WHERE object = {0} AND part = 'relation')\n"
                  "  OR {1} LIKE 'publication %') THEN\n"
                  "  INSERT INTO pg_temp.lifeboat_allowed VALUES ({0}, {1});\n{2}\n"
                  "  INSERT INTO pg_temp.lifeboat_objects VALUES ({3});\n"
                  "END IF; EXCEPTION WHEN OTHERS THEN\n"
                  "  INSERT INTO pg_temp.lifeboat_findings (object, key, text) VALUES ({0}, '', {4} || SQLERRM);\nEND",
                  quote_literal(object), quote_literal(part), body, quote_literal(part + " of " + object),
                  quote_literal(fmt::format("{} was there at the target, is missing, and cannot be made: ", part))));
}

bool was_there(const LiveState& live, const Name& name) {
  return contains(live.tables, name);
}

// For tables that the live server does not have any more: what went with them.
std::string put_lost_dependents(const Order& order, const Taken& taken, const LiveState& live,
                                const Dependencies& dependencies) {
  std::string text;
  for (const auto& lost : dependencies.lost_views) text += put_lost_view(order, lost);
  for (const auto& key : taken.dependents.foreign_keys) {
    if (was_there(live, key.references)) continue;
    text += fmt::format(
        "SELECT EXISTS (SELECT FROM pg_temp.lifeboat_before WHERE object = {0} AND part = 'relation') AND NOT EXISTS "
        "(\n"
        "  SELECT FROM pg_temp.lifeboat_before WHERE object = {0} AND part = {1}) AS wanted \\gset lifeboat_\n"
        "\\if :lifeboat_wanted\n{2}"
        "INSERT INTO pg_temp.lifeboat_allowed VALUES ({0}, {1});\n"
        "INSERT INTO pg_temp.lifeboat_objects SELECT {3} FROM pg_constraint\n"
        "  WHERE conrelid = {0}::regclass AND conname = {1};\n\\endif\n",
        quote_literal(key.table_text), quote_literal(key.name), add_statements(key, WhenImpossible::note_finding),
        quote_literal(fmt::format("constraint {} of {}", key.name, key.table_text)));
  }
  const bool all_there =
      live.schema_exists || std::all_of(taken.tables.begin(), taken.tables.end(),
                                        [&](const Relation& table) { return was_there(live, table.name); });
  if (all_there) return text;
  for (const auto& other : taken.dependents.others) {
    if (other.create.empty() || other.part.starts_with("column ")) continue;
    text += if_missing(other.object, other.part, other.create);
  }
  return text;
}

// Rows of which `lost` holds are taken out of those to be put back, and told of.
std::string leave_out(const RowTarget& target, const ForeignKey& key, const std::string& lost) {
  return fmt::format(
      "WITH orphan AS (DELETE FROM pg_temp.lifeboat_rows AS c WHERE {} AND {} "
      "RETURNING left(encode(sha256(convert_to((ROW({}))::text, 'UTF8')), 'hex'), 16) AS k) "
      "INSERT INTO pg_temp.lifeboat_findings (object, key, text) SELECT {}, k, {} FROM orphan;\n",
      key.not_null, lost, fmt::join(target.key, ", "), quote_literal(target.table.text),
      quote_literal(fmt::format("not put back: it refers to a row of {} that is not there: constraint {}",
                                key.references_text, key.name)));
}

// Each row that is left out may be what another one refers to: again, until none goes. What a row refers to comes back
// with it, or is there and does not get another content.
std::string leave_out_by_own_keys(const RowTarget& target) {
  if (target.own_keys.empty()) return {};
  std::vector<std::string> coming, there;
  for (const auto& column : target.key) {
    coming.push_back("r." + column);
    there.push_back("p." + column);
  }
  const auto overwritten = fmt::format("EXISTS (SELECT FROM pg_temp.lifeboat_rows AS r WHERE ({}) = ({}))",
                                       fmt::join(coming, ", "), fmt::join(there, ", "));
  std::string text = "DECLARE gone bigint; left_out bigint; BEGIN LOOP\nleft_out := 0;\n";
  for (const auto& [key, by_primary_key] : target.own_keys) {
    text += leave_out(target, key,
                      fmt::format("NOT EXISTS (SELECT FROM pg_temp.lifeboat_rows AS p WHERE {0}) "
                                  "AND NOT EXISTS (SELECT FROM {1} AS p WHERE {0}{2})",
                                  key.join, key.references_rows, by_primary_key ? "" : " AND NOT " + overwritten));
    text += "GET DIAGNOSTICS gone = ROW_COUNT;\nleft_out := left_out + gone;\n";
  }
  return do_block(text + "EXIT WHEN left_out = 0;\nEND LOOP; END");
}

}  // namespace

ScriptFiles script_files(const fs::path& directory) {
  return {directory / "transaction", directory / "findings", directory / "objects"};
}

std::string replacing_script(const Order& order, const Taken& taken, const LiveState& live,
                             const Dependencies& dependencies, const ScriptFiles& files) {
  const bool replaces = order.placement == Placement::replace;
  auto locked = replaces ? live.tables : std::vector<Relation>();
  locked.insert(locked.end(), live.dependents.relations.begin(), live.dependents.relations.end());
  std::string text = opening(order, lock(locked, "ACCESS EXCLUSIVE"), files);
  text += name_all(taken, live, dependencies) + recreated(live) + snapshot("lifeboat_before");
  text += note_trigger_states() + taken.trigger_states;
  if (replaces) text += drop_dependents(live.dependents) + drop_selection(taken, live);
  text += put_selection(order, taken, dependencies.places);
  text += put_views(order, live.dependents.views, dependencies.views, dependencies.statistics);
  for (const auto& key : live.dependents.foreign_keys) text += add_statements(key, WhenImpossible::fail);
  for (const auto& other : live.dependents.others) text += other.create + "\n";
  if (replaces) text += put_lost_dependents(order, taken, live, dependencies);
  return text + set_trigger_states() + closing(files);
}

std::string rows_script(const Order& order, const Taken& taken, const RowTarget& target, const ScriptFiles& files) {
  const auto columns = fmt::format("{}", fmt::join(target.columns, ", "));
  std::vector<std::string> updates;
  for (const auto& column : target.columns) {
    if (std::find(target.key.begin(), target.key.end(), column) != target.key.end()) continue;
    updates.push_back(fmt::format("{0} = EXCLUDED.{0}", column));
  }
  std::string text = opening(order, lock({target.table}, "SHARE ROW EXCLUSIVE"), files) + snapshot("lifeboat_before");
  text += fmt::format(
      "CREATE TEMPORARY TABLE lifeboat_rows ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA;\n"
      "\\copy pg_temp.lifeboat_rows ({}) from {}\n",
      columns, target.table.text, fmt::join(taken.row_columns, ", "), psql_quoted(taken.rows));
  for (const auto& key : target.foreign_keys) {
    text +=
        leave_out(target, key, fmt::format("NOT EXISTS (SELECT FROM {} AS p WHERE {})", key.references_rows, key.join));
  }
  text += leave_out_by_own_keys(target);
  text += target.triggers_off;
  for (const auto& column : target.always_identity) {
    text += fmt::format("ALTER TABLE {} ALTER COLUMN {} SET GENERATED BY DEFAULT;\n", target.table.text, column);
  }
  text += fmt::format(
      "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM pg_temp.lifeboat_rows "
      "ON CONFLICT ({}) DO {};\n\\echo lifeboat rows put back :ROW_COUNT\n",
      target.table.text, columns, columns, fmt::join(target.key, ", "),
      updates.empty() ? "NOTHING" : fmt::format("UPDATE SET {}", fmt::join(updates, ", ")));
  text += "SET CONSTRAINTS ALL IMMEDIATE;\n";
  for (const auto& column : target.always_identity) {
    text += fmt::format("ALTER TABLE {} ALTER COLUMN {} SET GENERATED ALWAYS;\n", target.table.text, column);
  }
  return text + target.triggers_on + closing(files);
}

}  // namespace harness::extract
