#include "harness/extract/fingerprint.hpp"

namespace harness::extract {

namespace {

// Privileges as they work: none written down means the defaults. Of a column's options those that ALTER TABLE sets: a
// server may keep notes of its own there.
constexpr auto relations = R"(
WITH space AS (
  SELECT oid, nspname FROM pg_namespace
   WHERE nspname !~ '^pg_(toast|temp)' AND nspname NOT IN ('pg_catalog', 'information_schema')
     AND nspname NOT IN (SELECT nsp FROM pg_temp.lifeboat_named WHERE rel IS NULL)
), relation AS (
  SELECT c.*, s.nspname, format('%I.%I', s.nspname, c.relname) AS text
    FROM pg_class c JOIN space s ON s.oid = c.relnamespace
   WHERE (s.nspname, c.relname) NOT IN (SELECT nsp, rel FROM pg_temp.lifeboat_named WHERE rel IS NOT NULL)
), routine AS (
  SELECT p.*, format('%I.%I(%s)', s.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS text
    FROM pg_proc p JOIN space s ON s.oid = p.pronamespace
), fact (object, part, definition, expression) AS (
SELECT s.nspname::text, 'schema', concat_ws('|', pg_get_userbyid(n.nspowner), obj_description(n.oid, 'pg_namespace'),
         (SELECT string_agg(a::text, ',' ORDER BY a::text)
            FROM unnest(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS a)), ''
  FROM space s JOIN pg_namespace n USING (oid)
UNION ALL
SELECT r.text, 'relation', concat_ws('|', r.relkind, pg_get_userbyid(r.relowner), r.relpersistence, r.reloptions,
         r.relrowsecurity, r.relforcerowsecurity, r.relreplident, r.reltablespace, r.relispopulated, r.relispartition,
         pg_get_expr(r.relpartbound, r.oid), pg_get_partkeydef(r.oid), nullif(r.reloftype, 0)::regtype,
         obj_description(r.oid, 'pg_class'),
         (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(coalesce(r.relacl, acldefault(
            CASE r.relkind WHEN 'S' THEN 's'::"char" ELSE 'r'::"char" END, r.relowner))) AS a),
         (SELECT string_agg(concat_ws('=', l.provider, l.label), ',' ORDER BY l.provider) FROM pg_seclabel l
           WHERE l.classoid = 'pg_class'::regclass AND l.objoid = r.oid)),
       CASE WHEN r.relkind IN ('v', 'm') THEN pg_get_viewdef(r.oid) END
  FROM relation r
UNION ALL
SELECT r.text, 'column ' || a.attname, concat_ws('|', a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull,
         a.attidentity, a.attgenerated, a.attcollation, nullif(a.attstattarget, -1), a.attstorage, a.attcompression,
         a.attislocal, a.attinhcount, a.attfdwoptions,
         (SELECT string_agg(o, ',' ORDER BY o) FROM unnest(a.attoptions) AS o WHERE o LIKE 'n\_distinct%'), col_description(r.oid, a.attnum),
         (SELECT string_agg(x::text, ',' ORDER BY x::text) FROM unnest(a.attacl) AS x)), pg_get_expr(d.adbin, d.adrelid)
  FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
UNION ALL
SELECT r.text, c.conname, concat_ws('|', pg_get_constraintdef(c.oid), c.conislocal, c.coninhcount,
         obj_description(c.oid, 'pg_constraint')), ''
  FROM relation r JOIN pg_constraint c ON c.conrelid = r.oid AND (c.contype <> 'f' OR c.conparentid = 0)
UNION ALL
SELECT r.text, 'index', concat_ws('|', pg_get_indexdef(i.indexrelid), i.indisclustered, i.indisreplident, i.indisvalid,
         i.indisprimary, i.indisunique), ''
  FROM relation r JOIN pg_index i ON i.indexrelid = r.oid
UNION ALL
SELECT r.text, 'sequence', concat_ws('|', format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmax, s.seqmin,
         s.seqcache, s.seqcycle), ''
  FROM relation r JOIN pg_sequence s ON s.seqrelid = r.oid
UNION ALL
SELECT r.text, 'trigger ' || t.tgname, concat_ws('|', t.tgenabled, obj_description(t.oid, 'pg_trigger')),
       pg_get_triggerdef(t.oid)
  FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
UNION ALL
SELECT r.text, 'triggers of foreign keys', string_agg(concat_ws(' ', t.tgenabled, p.proname,
         CASE WHEN c.conparentid = 0 THEN c.conname END), ',' ORDER BY p.proname, t.tgenabled, c.conname), ''
  FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid AND t.tgisinternal AND t.tgenabled <> 'O'
  JOIN pg_constraint c ON c.oid = t.tgconstraint JOIN pg_proc p ON p.oid = t.tgfoid
 GROUP BY r.text
)";

constexpr auto dependents = R"(
UNION ALL
SELECT r.text, 'rule ' || w.rulename, concat_ws('|', w.ev_enabled, obj_description(w.oid, 'pg_rewrite')),
       pg_get_ruledef(w.oid)
  FROM relation r JOIN pg_rewrite w ON w.ev_class = r.oid AND w.rulename <> '_RETURN'
UNION ALL
SELECT r.text, 'policy ' || p.polname, concat_ws('|', p.polcmd, p.polpermissive,
         (SELECT string_agg(o::regrole::text, ',' ORDER BY o) FROM unnest(p.polroles) AS o),
         obj_description(p.oid, 'pg_policy')),
       concat_ws('|', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
  FROM relation r JOIN pg_policy p ON p.polrelid = r.oid
UNION ALL
SELECT c.text, 'inherits ' || p.text, '', ''
  FROM pg_inherits i
  JOIN (SELECT k.oid, format('%I.%I', n.nspname, k.relname) AS text FROM pg_class k
          JOIN pg_namespace n ON n.oid = k.relnamespace) AS c ON c.oid = i.inhrelid
  JOIN (SELECT k.oid, format('%I.%I', n.nspname, k.relname) AS text FROM pg_class k
          JOIN pg_namespace n ON n.oid = k.relnamespace) AS p ON p.oid = i.inhparent
 WHERE i.inhrelid IN (SELECT oid FROM relation)
    OR (i.inhparent IN (SELECT oid FROM relation WHERE relkind IN ('r', 'p', 'f')))
UNION ALL
SELECT format('%I.%I', n.nspname, c.relname), 'publication ' || p.pubname,
       (SELECT string_agg(a.attname, ',' ORDER BY a.attname) FROM pg_attribute a
         WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs::smallint[])), pg_get_expr(r.prqual, r.prrelid)
  FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid JOIN pg_class c ON c.oid = r.prrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
UNION ALL
SELECT n.nspname, 'publication ' || p.pubname, '', ''
  FROM pg_publication_namespace r JOIN pg_publication p ON p.oid = r.pnpubid JOIN pg_namespace n ON n.oid = r.pnnspid
UNION ALL
SELECT p.pubname, 'publication', concat_ws('|', pg_get_userbyid(p.pubowner), p.puballtables, p.pubinsert, p.pubupdate,
         p.pubdelete, p.pubtruncate, p.pubviaroot), ''
  FROM pg_publication p
UNION ALL
SELECT r.text, 'statistics ' || s.stxname, concat_ws('|', pg_get_statisticsobjdef(s.oid), pg_get_userbyid(s.stxowner)), ''
  FROM relation r JOIN pg_statistic_ext s ON s.stxrelid = r.oid
)";

constexpr auto the_rest = R"(
UNION ALL
SELECT p.text, 'routine', concat_ws('|', pg_get_userbyid(p.proowner), p.prokind,
         (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(coalesce(p.proacl, acldefault('f', p.proowner)))
            AS a), obj_description(p.oid, 'pg_proc')),
       CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END
  FROM routine p
UNION ALL
SELECT format('%I.%I', s.nspname, t.typname), 'type', concat_ws('|', t.typtype, pg_get_userbyid(t.typowner),
         format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault, obj_description(t.oid, 'pg_type'),
         (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
         (SELECT string_agg(concat_ws(' ', k.conname, pg_get_constraintdef(k.oid)), ',' ORDER BY k.conname)
            FROM pg_constraint k WHERE k.contypid = t.oid),
         (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(t.typacl) AS a)), ''
  FROM pg_type t JOIN space s ON s.oid = t.typnamespace
 WHERE t.typtype IN ('b', 'd', 'e', 'r', 'm') AND t.typelem = 0
    OR t.typtype = 'c' AND t.typrelid IN (SELECT oid FROM relation WHERE relkind = 'c')
UNION ALL
SELECT coalesce(s.nspname, ''), format('default privileges of %s for %s', pg_get_userbyid(d.defaclrole), d.defaclobjtype),
       (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(d.defaclacl) AS a), ''
  FROM pg_default_acl d LEFT JOIN space s ON s.oid = d.defaclnamespace
 WHERE d.defaclnamespace = 0 OR s.oid IS NOT NULL
UNION ALL
SELECT i.identity, i.type, '', ''
  FROM (SELECT 'pg_cast'::regclass AS class, oid FROM pg_cast WHERE oid >= 16384
        UNION ALL SELECT 'pg_operator'::regclass, o.oid FROM pg_operator o JOIN space s ON s.oid = o.oprnamespace
        UNION ALL SELECT 'pg_opclass'::regclass, o.oid FROM pg_opclass o JOIN space s ON s.oid = o.opcnamespace
        UNION ALL SELECT 'pg_opfamily'::regclass, o.oid FROM pg_opfamily o JOIN space s ON s.oid = o.opfnamespace
        UNION ALL SELECT 'pg_conversion'::regclass, o.oid FROM pg_conversion o JOIN space s ON s.oid = o.connamespace
        UNION ALL SELECT 'pg_collation'::regclass, o.oid FROM pg_collation o JOIN space s ON s.oid = o.collnamespace
        UNION ALL SELECT 'pg_ts_config'::regclass, o.oid FROM pg_ts_config o JOIN space s ON s.oid = o.cfgnamespace
        UNION ALL SELECT 'pg_ts_dict'::regclass, o.oid FROM pg_ts_dict o JOIN space s ON s.oid = o.dictnamespace
        UNION ALL SELECT 'pg_event_trigger'::regclass, oid FROM pg_event_trigger
        UNION ALL SELECT 'pg_extension'::regclass, oid FROM pg_extension
        UNION ALL SELECT 'pg_language'::regclass, oid FROM pg_language
        UNION ALL SELECT 'pg_foreign_server'::regclass, oid FROM pg_foreign_server) AS k,
       LATERAL pg_identify_object(k.class, k.oid, 0) AS i
)
SELECT f.object, f.part, md5(coalesce(f.definition, '')) AS definition,
       md5(CASE WHEN r.object IS NULL THEN coalesce(f.expression, '') ELSE '' END) AS expression
  FROM fact f LEFT JOIN pg_temp.lifeboat_recreated r ON r.object = f.object AND r.part IN (f.part, ''))";

}  // namespace

std::string fingerprint_query() {
  return std::string(relations) + dependents + the_rest;
}

}  // namespace harness::extract
