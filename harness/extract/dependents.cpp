#include "harness/extract/dependents.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace harness::extract {

using backup_engine::postgres::Connection;
using backup_engine::postgres::Value;

namespace {

// `inside` goes with the selection by itself; `affected` is all that DROP CASCADE would reach from there, upwards too
// where an object is a part of another (a view's rule of its view). Tables of others lose something but stay: nothing
// is followed through them. `holder` is the relation that an object belongs to.
constexpr auto walk = R"(
WITH RECURSIVE inside (classid, objid) AS (
  SELECT 'pg_class'::regclass::oid, unnest($1::oid[])
  UNION SELECT 'pg_namespace'::regclass::oid, oid FROM pg_namespace WHERE nspname = $2
  UNION
  SELECT d.classid, d.objid FROM inside i JOIN pg_depend d ON d.refclassid = i.classid AND d.refobjid = i.objid
   WHERE d.deptype IN ('a', 'i')
      OR (i.classid = 'pg_namespace'::regclass AND d.deptype = 'n' AND d.classid <> 'pg_extension'::regclass)
), affected (classid, objid, objsubid, open) AS (
  SELECT classid, objid, 0, true FROM inside
  UNION
  SELECT n.classid, n.objid, n.objsubid,
         NOT EXISTS (SELECT FROM pg_class c WHERE n.classid = 'pg_class'::regclass AND c.oid = n.objid
                        AND c.relkind IN ('r', 'p', 'f'))
    FROM affected a CROSS JOIN LATERAL (
      SELECT d.classid, d.objid, d.objsubid FROM pg_depend d
       WHERE d.refclassid = a.classid AND d.refobjid = a.objid AND (a.objsubid = 0 OR a.objsubid = d.refobjsubid)
      UNION ALL
      SELECT d.refclassid, d.refobjid, d.refobjsubid FROM pg_depend d
       WHERE d.classid = a.classid AND d.objid = a.objid AND d.objsubid = a.objsubid AND d.deptype IN ('i', 'e')) AS n
   WHERE a.open
), held AS (
  SELECT DISTINCT a.classid, a.objid, a.objsubid,
         CASE a.classid
           WHEN 'pg_class'::regclass THEN coalesce((SELECT indrelid FROM pg_index WHERE indexrelid = a.objid), a.objid)
           WHEN 'pg_type'::regclass THEN (SELECT coalesce(nullif(e.typrelid, 0), nullif(t.typrelid, 0)) FROM pg_type t
                                            LEFT JOIN pg_type e ON e.oid = t.typelem WHERE t.oid = a.objid)
           WHEN 'pg_rewrite'::regclass THEN (SELECT ev_class FROM pg_rewrite WHERE oid = a.objid)
           WHEN 'pg_trigger'::regclass THEN (SELECT tgrelid FROM pg_trigger WHERE oid = a.objid)
           WHEN 'pg_constraint'::regclass THEN (SELECT nullif(conrelid, 0) FROM pg_constraint WHERE oid = a.objid)
           WHEN 'pg_attrdef'::regclass THEN (SELECT adrelid FROM pg_attrdef WHERE oid = a.objid)
           WHEN 'pg_policy'::regclass THEN (SELECT polrelid FROM pg_policy WHERE oid = a.objid)
           WHEN 'pg_statistic_ext'::regclass THEN (SELECT stxrelid FROM pg_statistic_ext WHERE oid = a.objid)
         END AS holder
    FROM affected a
   WHERE (a.classid, a.objid) NOT IN (SELECT classid, objid FROM inside)
)
SELECT CASE
         WHEN h.classid = 'pg_class'::regclass AND c.oid = h.objid AND c.relkind IN ('v', 'm') THEN 'view'
         WHEN c.relkind IN ('v', 'm') THEN 'of a view'
         WHEN c.relkind = 't' THEN 'storage'
         WHEN h.classid = 'pg_class'::regclass AND h.objsubid = 0 AND c.oid = h.objid AND EXISTS (
                SELECT FROM pg_inherits WHERE inhrelid = h.objid
                   AND ('pg_class'::regclass, inhparent) IN (SELECT classid, objid FROM inside)) THEN 'child'
         WHEN h.classid = 'pg_constraint'::regclass THEN
           (SELECT CASE WHEN contype <> 'f' THEN 'hopeless' WHEN conparentid = 0 THEN 'foreign key' ELSE 'of a key' END
              FROM pg_constraint WHERE oid = h.objid)
         WHEN h.classid = 'pg_policy'::regclass THEN 'policy'
         WHEN h.classid = 'pg_rewrite'::regclass THEN 'rule'
         WHEN h.classid = 'pg_attrdef'::regclass THEN
           (SELECT CASE WHEN a.attgenerated = '' THEN 'default' ELSE 'hopeless' END FROM pg_attrdef d
              JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE d.oid = h.objid)
         WHEN h.classid = 'pg_trigger'::regclass THEN
           (SELECT CASE WHEN tgisinternal THEN 'of a key' WHEN tgparentid <> 0 THEN 'of a trigger' ELSE 'trigger' END
              FROM pg_trigger WHERE oid = h.objid)
         ELSE 'hopeless'
       END,
       h.objid, c.oid, pg_describe_object(h.classid, h.objid, h.objsubid)
  FROM held h LEFT JOIN pg_class c ON c.oid = h.holder
 WHERE h.holder IS NULL OR ('pg_class'::regclass, h.holder) NOT IN (SELECT classid, objid FROM inside)
 ORDER BY 1, 4)";

std::string array_of(const std::vector<std::string>& oids) {
  std::string text;
  for (const auto& oid : oids) text += (text.empty() ? "" : ",") + oid;
  return "{" + text + "}";
}

struct Found {
  std::map<std::string, std::vector<std::string>> oids;  // by kind
  std::vector<std::string> holders, hopeless;
};

Found find(Connection& connection, const std::vector<Relation>& tables, const std::string& schema) {
  Found found;
  const Value in_schema = schema.empty() ? Value() : Value(schema);
  for (const auto& row : connection.query(walk, {oids_of(tables), in_schema})) {
    found.oids[*row[0]].push_back(*row[1]);
    if (row[0] == "hopeless") found.hopeless.push_back(*row[3]);
    if (row[2]) found.holders.push_back(*row[2]);
  }
  return found;
}

// A view's depth: the longest way through other views of the set, down to one that stands on none of them.
constexpr auto view_select = R"(
WITH RECURSIVE stands (upper, lower) AS (
  SELECT DISTINCT r.ev_class, d.refobjid FROM pg_rewrite r
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
   WHERE r.ev_class = ANY ($1::oid[]) AND d.refobjid = ANY ($1::oid[]) AND d.refobjid <> r.ev_class
), deep (oid, depth) AS (
  SELECT unnest($1::oid[]), 0
  UNION SELECT s.upper, deep.depth + 1 FROM deep JOIN stands s ON s.lower = deep.oid
)
SELECT c.oid, n.nspname, c.relname, format('%I.%I', n.nspname, c.relname), c.relkind = 'm', c.relispopulated,
       max(deep.depth)
  FROM deep JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace
 GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 7, 4)";

// Each gives: object, part, SQL that drops it, SQL that makes it again; $1 is the oids.
constexpr auto policies = R"(
SELECT t.text, 'policy ' || p.polname, format('DROP POLICY %I ON %s;', p.polname, t.text),
       format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', p.polname, t.text,
              CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
              CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                            ELSE 'ALL' END,
              (SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END, ', ')
                 FROM unnest(p.polroles) AS r))
       || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
       || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '') || ';'
       || coalesce(format(' COMMENT ON POLICY %I ON %s IS %L;', p.polname, t.text, obj_description(p.oid, 'pg_policy')),
                   '')
  FROM pg_policy p CROSS JOIN LATERAL (SELECT format('%I.%I', n.nspname, c.relname) AS text FROM pg_class c
       JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = p.polrelid) AS t
 WHERE p.oid = ANY ($1::oid[]) ORDER BY 1, 2)";

constexpr auto rules = R"(
SELECT t.text, 'rule ' || r.rulename, format('DROP RULE %I ON %s;', r.rulename, t.text),
       pg_get_ruledef(r.oid)
       || CASE r.ev_enabled WHEN 'D' THEN format(' ALTER TABLE %s DISABLE RULE %I;', t.text, r.rulename)
            WHEN 'R' THEN format(' ALTER TABLE %s ENABLE REPLICA RULE %I;', t.text, r.rulename)
            WHEN 'A' THEN format(' ALTER TABLE %s ENABLE ALWAYS RULE %I;', t.text, r.rulename) ELSE '' END
       || coalesce(format(' COMMENT ON RULE %I ON %s IS %L;', r.rulename, t.text, obj_description(r.oid, 'pg_rewrite')),
                   '')
  FROM pg_rewrite r CROSS JOIN LATERAL (SELECT format('%I.%I', n.nspname, c.relname) AS text FROM pg_class c
       JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = r.ev_class) AS t
 WHERE r.oid = ANY ($1::oid[]) ORDER BY 1, 2)";

constexpr auto defaults = R"(
SELECT format('%I.%I', n.nspname, c.relname), 'column ' || a.attname,
       format('ALTER TABLE ONLY %I.%I ALTER COLUMN %I DROP DEFAULT;', n.nspname, c.relname, a.attname),
       format('ALTER TABLE ONLY %I.%I ALTER COLUMN %I SET DEFAULT %s;', n.nspname, c.relname, a.attname,
              pg_get_expr(d.adbin, d.adrelid))
  FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
 WHERE d.oid = ANY ($1::oid[]) ORDER BY 1, 2)";

constexpr auto triggers = R"(
SELECT t.text, 'trigger ' || g.tgname, format('DROP TRIGGER %I ON %s;', g.tgname, t.text),
       pg_get_triggerdef(g.oid) || ';'
       || CASE g.tgenabled WHEN 'D' THEN format(' ALTER TABLE %s DISABLE TRIGGER %I;', t.text, g.tgname)
            WHEN 'R' THEN format(' ALTER TABLE %s ENABLE REPLICA TRIGGER %I;', t.text, g.tgname)
            WHEN 'A' THEN format(' ALTER TABLE %s ENABLE ALWAYS TRIGGER %I;', t.text, g.tgname) ELSE '' END
       || coalesce(format(' COMMENT ON TRIGGER %I ON %s IS %L;', g.tgname, t.text,
                          obj_description(g.oid, 'pg_trigger')), '')
  FROM pg_trigger g CROSS JOIN LATERAL (SELECT format('%I.%I', n.nspname, c.relname) AS text FROM pg_class c
       JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = g.tgrelid) AS t
 WHERE g.oid = ANY ($1::oid[]) ORDER BY 1, 2)";

// A child that comes back under its parent has made the columns it had from it its own; the catalog is set right as
// pg_dump --binary-upgrade does it. $2: the parents that go.
constexpr auto children = R"(
SELECT c.text, 'inherits ' || p.text, format('ALTER TABLE %s NO INHERIT %s;', c.text, p.text),
       format('ALTER TABLE %s INHERIT %s;', c.text, p.text)
       || coalesce((SELECT string_agg(format(' UPDATE pg_catalog.pg_attribute SET attislocal = false WHERE attrelid = '
                    '%L::pg_catalog.regclass AND attname = %L;', c.text, a.attname), '') FROM pg_attribute a
                     WHERE a.attrelid = i.inhrelid AND a.attnum > 0 AND NOT a.attislocal AND NOT a.attisdropped), '')
       || coalesce((SELECT string_agg(format(' UPDATE pg_catalog.pg_constraint SET conislocal = false WHERE conrelid = '
                    '%L::pg_catalog.regclass AND conname = %L;', c.text, k.conname), '') FROM pg_constraint k
                     WHERE k.conrelid = i.inhrelid AND NOT k.conislocal AND k.contype IN ('c', 'n')), '')
  FROM pg_inherits i
  CROSS JOIN LATERAL (SELECT format('%I.%I', n.nspname, r.relname) AS text FROM pg_class r
       JOIN pg_namespace n ON n.oid = r.relnamespace WHERE r.oid = i.inhrelid) AS c
  CROSS JOIN LATERAL (SELECT format('%I.%I', n.nspname, r.relname) AS text FROM pg_class r
       JOIN pg_namespace n ON n.oid = r.relnamespace WHERE r.oid = i.inhparent) AS p
 WHERE i.inhrelid = ANY ($1::oid[]) AND i.inhparent = ANY ($2::oid[]) ORDER BY 1, 2)";

constexpr auto publications = R"(
SELECT format('%I.%I', n.nspname, c.relname), 'publication ' || p.pubname, '',
       format('ALTER PUBLICATION %I ADD TABLE %s%I.%I', p.pubname, CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END,
              n.nspname, c.relname)
       || coalesce(' (' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.n)
                              FROM unnest(r.prattrs::smallint[]) WITH ORDINALITY AS k (attnum, n)
                              JOIN pg_attribute a ON a.attrelid = r.prrelid AND a.attnum = k.attnum) || ')', '')
       || coalesce(' WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')', '') || ';'
  FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid JOIN pg_class c ON c.oid = r.prrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE r.prrelid = ANY ($1::oid[]) ORDER BY 1, 2)";

constexpr auto schema_publications = R"(
SELECT n.nspname, 'publication ' || p.pubname, '',
       format('ALTER PUBLICATION %I ADD TABLES IN SCHEMA %I;', p.pubname, n.nspname)
  FROM pg_publication_namespace r JOIN pg_publication p ON p.oid = r.pnpubid JOIN pg_namespace n ON n.oid = r.pnnspid
 WHERE n.nspname = $1 ORDER BY 2)";

void add(Connection& connection, const char* select, const std::vector<Value>& parameters,
         std::vector<Dependent>& others) {
  for (const auto& row : connection.query(select, parameters)) {
    others.push_back({*row[0], *row[1], row[2].value_or(""), row[3].value_or("")});
  }
}

std::vector<Relation> touched_tables(Connection& connection, const std::vector<std::string>& holders,
                                     const std::vector<Relation>& tables) {
  std::vector<Relation> touched;
  // The tables that the selected ones refer to lose their side of the key, and a partition's parent the partition. Who
  // may not lock such a table gets its lock from the statement that needs it.
  const auto rows = connection.query(
      "SELECT DISTINCT c.oid, n.nspname, c.relname, format('%I.%I', n.nspname, c.relname) FROM pg_class c "
      "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'f') "
      "AND c.oid <> ALL ($2::oid[]) AND has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE') AND (c.oid = ANY "
      "($1::oid[]) "
      "OR c.oid IN (SELECT confrelid FROM pg_constraint WHERE contype = 'f' AND conrelid = ANY ($2::oid[])) "
      "OR c.oid IN (SELECT inhparent FROM pg_inherits WHERE inhrelid = ANY ($2::oid[]))) ORDER BY 4",
      {array_of(holders), oids_of(tables)});
  for (const auto& row : rows) {
    Relation relation;
    relation.oid = *row[0];
    relation.name = {*row[1], *row[2]};
    relation.text = *row[3];
    touched.push_back(std::move(relation));
  }
  return touched;
}

}  // namespace

std::vector<View> views_of(Connection& connection, const std::vector<std::string>& oids) {
  std::vector<View> views;
  for (const auto& row : connection.query(view_select, {array_of(oids)})) {
    views.push_back(
        {*row[0], {*row[1], *row[2]}, *row[3], row[4] == "t", row[5] == "t", std::stoi(row[6].value_or("0"))});
  }
  return views;
}

Dependents dependents_of(Connection& connection, const std::vector<Relation>& tables, const std::string& schema) {
  auto found = find(connection, tables, schema);
  Dependents dependents;
  dependents.hopeless = std::move(found.hopeless);
  dependents.views = views_of(connection, found.oids["view"]);
  for (const auto& oid : found.oids["foreign key"]) {
    dependents.foreign_keys.push_back(foreign_key(connection, oid));
  }
  auto& others = dependents.others;
  add(connection, children, {array_of(found.oids["child"]), oids_of(tables)}, others);
  add(connection, defaults, {array_of(found.oids["default"])}, others);
  add(connection, triggers, {array_of(found.oids["trigger"])}, others);
  add(connection, rules, {array_of(found.oids["rule"])}, others);
  add(connection, policies, {array_of(found.oids["policy"])}, others);
  add(connection, publications, {oids_of(tables)}, others);
  if (!schema.empty()) add(connection, schema_publications, {schema}, others);
  dependents.relations = touched_tables(connection, found.holders, tables);
  return dependents;
}

}  // namespace harness::extract
