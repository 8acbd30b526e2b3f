// What belongs to a relation: the part of the catalogs that a partial restore has to bring back attribute by attribute.
#include "harness/verify/catalog_queries.hpp"

namespace harness::verify {

namespace {

constexpr std::string_view not_of_the_system = " n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ";

// Tables, views, matviews, foreign tables, sequences, composite types: all but what vacuum and analyze change.
std::string relations() {
  return R"(SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
       WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' ELSE 'composite type' END
       || ' ' || n.nspname || '.' || c.relname,
     jsonb_build_array(r.rolname, c.relpersistence, c.reloptions, toast.reloptions, c.relrowsecurity, c.relforcerowsecurity,
       c.relreplident, c.relispopulated, am.amname, ts.spcname, )" +
         sorted_grants("c.relacl", "CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\"", "c.relowner") +
         R"(, pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid),
       (SELECT string_agg(i.inhparent::regclass::text, ',' ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = c.oid),
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
       CASE WHEN c.reloftype <> 0 THEN c.reloftype::regtype::text END,
       (SELECT jsonb_build_array(s.srvname, f.ftoptions) FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver
         WHERE f.ftrelid = c.oid),
       (SELECT jsonb_build_array(s.seqtypid::regtype::text, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle)
          FROM pg_sequence s WHERE s.seqrelid = c.oid),
       (SELECT string_agg(d.deptype::text || ':' || d.refobjid::regclass || '.' || a.attname, ',') FROM pg_depend d
          JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
         WHERE c.relkind = 'S' AND d.objid = c.oid AND d.classid = 'pg_class'::regclass
           AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i'))),
     n.nspname || '.' || c.relname, n.nspname
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner
   LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid
   LEFT JOIN pg_am am ON am.oid = c.relam LEFT JOIN pg_tablespace ts ON ts.oid = c.reltablespace
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c') AND c.relpersistence <> 't' AND)" +
         std::string(not_of_the_system);
}

// pg_attver is PostgreSQL's own counter (seen since 15.20): it is given out anew when a table is made or rewritten,
// cannot be chosen, and pg_dump leaves it out.
std::string attribute_options(std::string_view options) {
  return "(SELECT jsonb_agg(option) FROM unnest(" + std::string(options) +
         ") AS option WHERE option NOT LIKE 'pg\\_attver=%')";
}

// A column's place is counted among those that are left: a dump and restore closes the gaps that dropped ones leave.
std::string columns() {
  return R"(SELECT 'column ' || n.nspname || '.' || c.relname || '.' || a.attname,
     jsonb_build_array(row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum), format_type(a.atttypid, a.atttypmod),
       a.attcollation::regcollation::text, a.attnotnull, a.attidentity, a.attgenerated, a.attstorage, a.attcompression,
       a.attstattarget, )" +
         attribute_options("a.attoptions") + ", a.attfdwoptions, " + sorted_grants("a.attacl", "'c'", "c.relowner") +
         R"(, a.attislocal, a.attinhcount, pg_get_expr(d.adbin, d.adrelid)),
     n.nspname || '.' || c.relname, n.nspname
   FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
   WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND c.relpersistence <> 't' AND)" +
         std::string(not_of_the_system);
}

// NO INHERIT is a word for checks (and PostgreSQL 18's NOT NULL); of keys the flag only says how a partition got its
// own.
constexpr std::string_view constraints =
    R"(SELECT 'constraint ' || n.nspname || '.' || coalesce(c.relname, t.typname) || '.' || o.conname,
     jsonb_build_array(pg_get_constraintdef(o.oid), o.condeferrable, o.condeferred, o.convalidated,
       CASE WHEN o.contype IN ('c', 'n') THEN o.connoinherit END, o.conislocal, o.coninhcount,
       (SELECT p.conrelid::regclass || '.' || p.conname FROM pg_constraint p WHERE p.oid = o.conparentid)),
     n.nspname || '.' || c.relname, n.nspname
   FROM pg_constraint o JOIN pg_namespace n ON n.oid = o.connamespace LEFT JOIN pg_class c ON c.oid = o.conrelid
   LEFT JOIN pg_type t ON t.oid = o.contypid WHERE o.oid >= 16384)";

// An index on an expression has columns of its own, whose statistics targets can be set.
std::string indexes() {
  return R"(SELECT 'index ' || n.nspname || '.' || c.relname,
     jsonb_build_array(pg_get_indexdef(c.oid), i.indisvalid, i.indisready, i.indisclustered, i.indisreplident, i.indisprimary,
       i.indimmediate, c.reloptions, ts.spcname,
       (SELECT jsonb_agg(jsonb_build_array(a.attstattarget, )" +
         attribute_options("a.attoptions") + R"() ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid),
       (SELECT string_agg(p.inhparent::regclass::text, ',') FROM pg_inherits p WHERE p.inhrelid = c.oid)),
     m.nspname || '.' || t.relname, n.nspname
   FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace m ON m.oid = t.relnamespace
   LEFT JOIN pg_tablespace ts ON ts.oid = c.reltablespace
   WHERE c.relpersistence <> 't' AND)" +
         std::string(not_of_the_system);
}

// Triggers that PostgreSQL made for a constraint carry object ids in their names, so they are told by the constraint. A
// foreign key attaches some to the table that it refers to.
constexpr std::string_view triggers_and_rules =
    R"(SELECT 'trigger ' || t.tgrelid::regclass || '.' || t.tgname, jsonb_build_array(pg_get_triggerdef(t.oid), t.tgenabled),
     n.nspname || '.' || c.relname, n.nspname, NULL
   FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal
   UNION ALL SELECT 'triggers of constraint ' || c.oid::regclass::text || '.' || coalesce(o.conname, t.tgname) || ' on '
       || t.tgrelid::regclass::text,
     jsonb_agg(jsonb_build_array(t.tgfoid::regproc::text, t.tgtype, t.tgenabled)
               ORDER BY t.tgfoid::regproc::text, t.tgtype, t.tgenabled),
     n.nspname || '.' || c.relname, n.nspname,
     CASE WHEN t.tgrelid <> c.oid THEN (SELECT m.nspname || '.' || x.relname FROM pg_class x JOIN pg_namespace m
       ON m.oid = x.relnamespace WHERE x.oid = t.tgrelid) END
   FROM pg_trigger t LEFT JOIN pg_constraint o ON o.oid = t.tgconstraint
   JOIN pg_class c ON c.oid = coalesce(o.conrelid, t.tgrelid) JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE t.tgisinternal GROUP BY 1, 3, 4, 5
   UNION ALL SELECT 'rule ' || w.ev_class::regclass || '.' || w.rulename, jsonb_build_array(pg_get_ruledef(w.oid), w.ev_enabled),
     n.nspname || '.' || c.relname, n.nspname, NULL
   FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE w.oid >= 16384 AND w.rulename <> '_RETURN')";

constexpr std::string_view policies_and_statistics =
    R"(SELECT 'policy ' || p.polrelid::regclass || '.' || p.polname,
     jsonb_build_array(p.polcmd, p.polpermissive,
       (SELECT string_agg(role::regrole::text, ',' ORDER BY role::regrole::text) FROM unnest(p.polroles) AS role),
       pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)),
     n.nspname || '.' || c.relname, n.nspname, NULL
   FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   UNION ALL SELECT 'statistics ' || s.stxnamespace::regnamespace || '.' || s.stxname,
     jsonb_build_array(pg_get_statisticsobjdef(s.oid), s.stxstattarget, s.stxowner::regrole::text),
     n.nspname || '.' || c.relname, s.stxnamespace::regnamespace::text, NULL
   FROM pg_statistic_ext s JOIN pg_class c ON c.oid = s.stxrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   UNION ALL SELECT 'publication ' || b.pubname || ' of ' || m.prrelid::regclass,
     jsonb_build_array(pg_get_expr(m.prqual, m.prrelid),
       (SELECT string_agg(a.attname, ',' ORDER BY a.attnum) FROM pg_attribute a
         WHERE a.attrelid = m.prrelid AND a.attnum = ANY (m.prattrs))),
     NULL, NULL, n.nspname || '.' || c.relname
   FROM pg_publication_rel m JOIN pg_publication b ON b.oid = m.prpubid JOIN pg_class c ON c.oid = m.prrelid
   JOIN pg_namespace n ON n.oid = c.relnamespace)";

// A comment or security label belongs to the relation that its object is part of, where it is part of one.
constexpr std::string_view comments_and_labels =
    R"(WITH said(kind, classoid, objoid, objsubid, text) AS (
     SELECT 'comment', classoid, objoid, objsubid, description FROM pg_description
      WHERE objoid >= 16384 OR classoid = 'pg_namespace'::regclass
     UNION ALL SELECT 'security label', classoid, objoid, objsubid, provider || ':' || label FROM pg_seclabel)
   SELECT d.kind || ' on ' || i.type || ' ' || i.identity, string_agg(d.text, '|' ORDER BY d.text),
     n.nspname || '.' || c.relname, coalesce(n.nspname, i.schema)
   FROM said d CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i
   LEFT JOIN pg_class c ON c.oid = CASE d.classoid
     WHEN 'pg_class'::regclass THEN coalesce((SELECT x.indrelid FROM pg_index x WHERE x.indexrelid = d.objoid), d.objoid)
     WHEN 'pg_constraint'::regclass THEN (SELECT x.conrelid FROM pg_constraint x WHERE x.oid = d.objoid)
     WHEN 'pg_trigger'::regclass THEN (SELECT x.tgrelid FROM pg_trigger x WHERE x.oid = d.objoid)
     WHEN 'pg_rewrite'::regclass THEN (SELECT x.ev_class FROM pg_rewrite x WHERE x.oid = d.objoid)
     WHEN 'pg_policy'::regclass THEN (SELECT x.polrelid FROM pg_policy x WHERE x.oid = d.objoid)
     WHEN 'pg_statistic_ext'::regclass THEN (SELECT x.stxrelid FROM pg_statistic_ext x WHERE x.oid = d.objoid) END
   LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
   GROUP BY 1, 3, 4)";

}  // namespace

std::string sorted_grants(std::string_view acl, std::string_view kind, std::string_view owner) {
  return "(SELECT string_agg(granted::text, ',' ORDER BY granted::text COLLATE \"C\") FROM unnest(coalesce(" +
         std::string(acl) + ", acldefault(" + std::string(kind) + ", " + std::string(owner) + "))) AS granted)";
}

std::vector<std::string> relation_catalog_queries() {
  return {relations(),
          columns(),
          std::string(constraints),
          indexes(),
          std::string(triggers_and_rules),
          std::string(policies_and_statistics),
          std::string(comments_and_labels)};
}

}  // namespace harness::verify
