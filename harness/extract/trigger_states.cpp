#include "harness/extract/trigger_states.hpp"

#include <fmt/format.h>

#include "harness/extract/foreign_keys.hpp"

namespace harness::extract {

using backup_engine::postgres::Connection;
using backup_engine::postgres::quote_literal;

namespace {

// Of each one that is not simply enabled: the key's table and name, the table it hangs on, and what it does.
constexpr auto altered =
    "SELECT format('%I.%I', kn.nspname, k.relname) AS key_table, c.conname AS key, "
    "format('%I.%I', n.nspname, t.relname) AS on_table, p.proname AS routine, g.tgenabled AS state "
    "FROM pg_trigger g JOIN pg_constraint c ON c.oid = g.tgconstraint AND c.contype = 'f' "
    "JOIN pg_class k ON k.oid = c.conrelid JOIN pg_namespace kn ON kn.oid = k.relnamespace "
    "JOIN pg_class t ON t.oid = g.tgrelid JOIN pg_namespace n ON n.oid = t.relnamespace "
    "JOIN pg_proc p ON p.oid = g.tgfoid WHERE g.tgisinternal AND g.tgenabled <> 'O' ";

}  // namespace

std::string note_trigger_states() {
  return fmt::format(
      "CREATE TEMPORARY TABLE lifeboat_trigger_states ON COMMIT DROP AS {}AND NOT EXISTS (SELECT FROM "
      "pg_temp.lifeboat_named AS w WHERE w.nsp = n.nspname AND coalesce(w.rel, t.relname) = t.relname);\n",
      altered);
}

std::string trigger_states_of(Connection& scratch, const std::vector<Relation>& tables) {
  std::string values;
  for (const auto& row : scratch.query(
           fmt::format("{}AND g.tgrelid = c.conrelid AND c.conrelid = ANY ($1::oid[]) ORDER BY 1, 2, 4", altered),
           {oids_of(tables)})) {
    if (!values.empty()) values += ", ";
    values += fmt::format("({}, {}, {}, {}, {})", quote_literal(*row[0]), quote_literal(*row[1]),
                          quote_literal(*row[2]), quote_literal(*row[3]), quote_literal(*row[4]));
  }
  if (values.empty()) return {};
  return fmt::format("INSERT INTO pg_temp.lifeboat_trigger_states VALUES {};\n", values);
}

std::string set_trigger_states() {
  return do_block(
      "DECLARE one record; BEGIN FOR one IN SELECT s.on_table, s.state, g.tgname "
      "FROM pg_temp.lifeboat_trigger_states s "
      "JOIN pg_constraint c ON c.conrelid = to_regclass(s.key_table) AND c.conname = s.key "
      "JOIN pg_trigger g ON g.tgconstraint = c.oid AND g.tgrelid = to_regclass(s.on_table) AND g.tgisinternal "
      "JOIN pg_proc p ON p.oid = g.tgfoid AND p.proname = s.routine WHERE g.tgenabled <> s.state LOOP\n"
      "EXECUTE format('ALTER TABLE ONLY %s %s TRIGGER %I', one.on_table, CASE one.state WHEN 'D' THEN 'DISABLE' "
      "WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, one.tgname); END LOOP; END");
}

}  // namespace harness::extract
