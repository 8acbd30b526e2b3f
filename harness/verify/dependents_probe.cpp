#include "harness/verify/dependents_probe.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "harness/verify/catalog_queries.hpp"

namespace harness::verify {

using backup_engine::postgres::Value;

namespace {

// As DROP CASCADE follows it. Tables of others may lose something, but stay: nothing is followed through them, nor from
// one of their columns.
constexpr const char* depending_sql = R"(WITH RECURSIVE depending(classid, objid) AS (
     SELECT 'pg_class'::regclass::oid, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname || '.' || c.relname = ANY (string_to_array($1, E'\n'))
     UNION SELECT 'pg_namespace'::regclass::oid, n.oid FROM pg_namespace n WHERE n.nspname = $2
     UNION SELECT e.classid, e.objid FROM depending g CROSS JOIN LATERAL (
       SELECT d.classid, d.objid FROM pg_depend d
        WHERE d.refclassid = g.classid AND d.refobjid = g.objid AND d.objsubid = 0
          AND NOT EXISTS (SELECT FROM pg_class c WHERE d.classid = 'pg_class'::regclass AND c.oid = d.objid
                             AND c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition)
       UNION ALL SELECT 'pg_class'::regclass::oid, w.ev_class FROM pg_rewrite w
        WHERE g.classid = 'pg_rewrite'::regclass AND w.oid = g.objid AND w.rulename = '_RETURN') AS e) )";

constexpr const char* views_sql =
    "SELECT n.nspname || '.' || c.relname FROM depending d JOIN pg_class c ON d.classid = 'pg_class'::regclass AND "
    "c.oid "
    "= d.objid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'm')";

// Of relations that are others': as relation_queries.cpp names them.
constexpr const char* parts_sql = R"(
   SELECT 'constraint ' || n.nspname || '.' || c.relname || '.' || o.conname
     FROM depending d JOIN pg_constraint o ON d.classid = 'pg_constraint'::regclass AND o.oid = d.objid
     JOIN pg_class c ON c.oid = o.conrelid JOIN pg_namespace n ON n.oid = o.connamespace
   UNION SELECT 'triggers of constraint ' || o.conrelid::regclass::text || '.' || o.conname || ' on ' || t.tgrelid::regclass::text
     FROM depending d JOIN pg_constraint o ON d.classid = 'pg_constraint'::regclass AND o.oid = d.objid
     JOIN pg_trigger t ON t.tgconstraint = o.oid
   UNION SELECT 'trigger ' || t.tgrelid::regclass || '.' || t.tgname
     FROM depending d JOIN pg_trigger t ON d.classid = 'pg_trigger'::regclass AND t.oid = d.objid WHERE NOT t.tgisinternal
   UNION SELECT 'rule ' || w.ev_class::regclass || '.' || w.rulename
     FROM depending d JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid WHERE w.rulename <> '_RETURN'
   UNION SELECT 'policy ' || p.polrelid::regclass || '.' || p.polname
     FROM depending d JOIN pg_policy p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
   UNION SELECT s.kind || ' on ' || i.type || ' ' || i.identity
     FROM depending d JOIN (SELECT 'comment' AS kind, classoid, objoid FROM pg_description WHERE objsubid = 0
       UNION SELECT 'security label', classoid, objoid FROM pg_seclabel WHERE objsubid = 0) AS s
       ON s.classoid = d.classid AND s.objoid = d.objid CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) AS i)";

}  // namespace

std::vector<std::string> probe_dependents(const Cluster& cluster) {
  const auto& scope = cluster.scope;
  // Rows that were put back, and copies beside their originals, bring nothing along.
  if (scope.kind != Scope::Kind::all_but || !scope.where.empty() || !scope.suffix.empty()) return {};
  const auto& database = scoped_database(cluster);
  auto connection = open_session(cluster, database);
  set_indexes(connection, Indexes::trusted);
  connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const std::vector<Value> roots = {
      Value(fmt::format("{}", fmt::join(Members(connection, scope, true).relations(), "\n"))), Value(scope.schema)};
  std::set<std::string> views, found;
  for (const auto& row : connection.query(std::string(depending_sql) + views_sql, roots)) views.insert(to_text(row[0]));
  for (const auto& row : connection.query(std::string(depending_sql) + parts_sql, roots)) found.insert(to_text(row[0]));
  for (const auto& sql : relation_catalog_queries()) {
    for (const auto& row : connection.query(sql)) {
      if (views.contains(to_text(row[2]))) found.insert(to_text(row[0]));
    }
  }
  connection.execute("COMMIT");
  std::vector<std::string> dependents;
  dependents.reserve(found.size());
  for (const auto& name : found) dependents.push_back(object_prefix(cluster, database) + name);
  return dependents;
}

}  // namespace harness::verify
