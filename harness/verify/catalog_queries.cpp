#include "harness/verify/catalog_queries.hpp"

#include <array>

namespace harness::verify {

namespace {

// Objects with an oid from 16384 on were made by users; system schemas are left out where that is how to tell.
constexpr std::array<std::string_view, 15> of_each_database = {
    // Tables, views, matviews, foreign tables, sequences, composite types: all but what vacuum and analyze change.
    R"(SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
         WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' ELSE 'composite type' END
         || ' ' || n.nspname || '.' || c.relname,
       concat_ws('|', r.rolname, c.relpersistence, c.reloptions, c.relrowsecurity, c.relforcerowsecurity,
         c.relreplident, c.relispopulated, am.amname, ts.spcname, c.relacl, pg_get_partkeydef(c.oid),
         pg_get_expr(c.relpartbound, c.oid),
         (SELECT string_agg(i.inhparent::regclass::text, ',' ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = c.oid),
         CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
         (SELECT concat_ws(',', s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle)
            FROM pg_sequence s WHERE s.seqrelid = c.oid),
         (SELECT string_agg(d.refobjid::regclass || '.' || d.refobjsubid, ',') FROM pg_depend d
           WHERE c.relkind = 'S' AND d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
             AND d.deptype IN ('a', 'i')))
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner
     LEFT JOIN pg_am am ON am.oid = c.relam LEFT JOIN pg_tablespace ts ON ts.oid = c.reltablespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c') AND c.relpersistence <> 't'
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast'))",
    R"(SELECT 'column ' || n.nspname || '.' || c.relname || '.' || a.attname,
       concat_ws('|', a.attnum, format_type(a.atttypid, a.atttypmod), a.attcollation::regcollation, a.attnotnull,
         a.attidentity, a.attgenerated, a.attstorage, a.attcompression, a.attstattarget, a.attoptions, a.attfdwoptions,
         a.attacl, a.attislocal, a.attinhcount, pg_get_expr(d.adbin, d.adrelid))
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND c.relpersistence <> 't'
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast'))",
    R"(SELECT 'constraint ' || n.nspname || '.' || coalesce(c.relname, t.typname) || '.' || o.conname,
       concat_ws('|', pg_get_constraintdef(o.oid), o.condeferrable, o.condeferred, o.convalidated, o.connoinherit)
     FROM pg_constraint o JOIN pg_namespace n ON n.oid = o.connamespace LEFT JOIN pg_class c ON c.oid = o.conrelid
     LEFT JOIN pg_type t ON t.oid = o.contypid WHERE o.oid >= 16384)",
    R"(SELECT 'index ' || n.nspname || '.' || c.relname,
       concat_ws('|', pg_get_indexdef(c.oid), i.indisvalid, i.indisready, i.indisclustered, i.indisreplident, i.indisprimary,
                 c.reloptions, ts.spcname)
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_tablespace ts ON ts.oid = c.reltablespace
     WHERE c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast'))",
    R"(SELECT 'function ' || p.oid::regprocedure,
       concat_ws('|', r.rolname, p.proacl, CASE WHEN p.prokind = 'a' THEN
         (SELECT to_jsonb(g)::text FROM pg_aggregate g WHERE g.aggfnoid = p.oid) ELSE pg_get_functiondef(p.oid) END)
     FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner WHERE p.oid >= 16384)",
    R"(SELECT 'trigger ' || c.oid::regclass || '.' || t.tgname, concat_ws('|', pg_get_triggerdef(t.oid), t.tgenabled)
     FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal
     UNION ALL SELECT 'internal triggers of ' || t.tgrelid::regclass, string_agg(t.tgenabled::text, ',' ORDER BY t.tgname)
     FROM pg_trigger t WHERE t.tgisinternal GROUP BY t.tgrelid
     UNION ALL SELECT 'rule ' || w.ev_class::regclass || '.' || w.rulename, concat_ws('|', pg_get_ruledef(w.oid), w.ev_enabled)
     FROM pg_rewrite w WHERE w.oid >= 16384 AND w.rulename <> '_RETURN')",
    R"(SELECT 'type ' || t.oid::regtype,
       concat_ws('|', r.rolname, t.typtype, t.typacl, t.typnotnull, t.typdefault, format_type(t.typbasetype, t.typtypmod),
         t.typcollation::regcollation,
         (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
         (SELECT to_jsonb(g)::text FROM pg_range g WHERE g.rngtypid = t.oid))
     FROM pg_type t JOIN pg_roles r ON r.oid = t.typowner WHERE t.oid >= 16384 AND t.typtype IN ('e', 'd', 'r', 'b', 'm')
       AND NOT (t.typtype = 'b' AND t.typelem <> 0 AND t.typlen = -1))",
    R"(SELECT 'schema ' || n.nspname, concat_ws('|', r.rolname, n.nspacl) FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner
     WHERE n.nspname !~ '^pg_(toast|temp)')",
    R"(SELECT 'extension ' || e.extname, concat_ws('|', e.extversion, n.nspname, r.rolname)
     FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace JOIN pg_roles r ON r.oid = e.extowner)",
    R"(SELECT 'policy ' || p.polrelid::regclass || '.' || p.polname,
       concat_ws('|', p.polcmd, p.polpermissive, p.polroles::regrole[], pg_get_expr(p.polqual, p.polrelid),
                 pg_get_expr(p.polwithcheck, p.polrelid))
     FROM pg_policy p
     UNION ALL SELECT 'statistics ' || s.stxnamespace::regnamespace || '.' || s.stxname, pg_get_statisticsobjdef(s.oid)
     FROM pg_statistic_ext s)",
    R"(SELECT 'default privileges of ' || d.defaclrole::regrole || ' in ' || d.defaclnamespace::regnamespace || ' on ' || d.defaclobjtype::text,
       d.defaclacl::text FROM pg_default_acl d)",
    R"(SELECT 'event trigger ' || e.evtname, concat_ws('|', e.evtevent, e.evtowner::regrole, e.evtfoid::regprocedure, e.evtenabled, e.evttags)
     FROM pg_event_trigger e
     UNION ALL SELECT 'publication ' || p.pubname, (to_jsonb(p) - 'oid')::text || coalesce((SELECT string_agg(t::text, ',' ORDER BY t::text)
       FROM pg_publication_tables t WHERE t.pubname = p.pubname), '') FROM pg_publication p
     UNION ALL SELECT 'foreign data wrapper ' || w.fdwname, to_jsonb(w)::text FROM pg_foreign_data_wrapper w
     UNION ALL SELECT 'foreign server ' || s.srvname, to_jsonb(s)::text FROM pg_foreign_server s
     UNION ALL SELECT 'user mapping ' || m.umserver || ' ' || m.umuser, to_jsonb(m)::text FROM pg_user_mapping m
     UNION ALL SELECT 'language ' || l.lanname, to_jsonb(l)::text FROM pg_language l)",
    // The rarer kinds whole: their rows are their definitions.
    R"(SELECT 'operator ' || o.oid::regoperator, to_jsonb(o)::text FROM pg_operator o WHERE o.oid >= 16384
     UNION ALL SELECT 'operator class ' || o.opcnamespace::regnamespace || '.' || o.opcname || ' ' || o.opcmethod, to_jsonb(o)::text
     FROM pg_opclass o WHERE o.oid >= 16384
     UNION ALL SELECT 'operator family ' || o.opfnamespace::regnamespace || '.' || o.opfname || ' ' || o.opfmethod, to_jsonb(o)::text
     FROM pg_opfamily o WHERE o.oid >= 16384
     UNION ALL SELECT 'operator of family ' || o.oid, to_jsonb(o)::text FROM pg_amop o WHERE o.oid >= 16384
     UNION ALL SELECT 'function of family ' || o.oid, to_jsonb(o)::text FROM pg_amproc o WHERE o.oid >= 16384
     UNION ALL SELECT 'cast ' || c.castsource::regtype || ' to ' || c.casttarget::regtype, to_jsonb(c)::text FROM pg_cast c WHERE c.oid >= 16384
     UNION ALL SELECT 'collation ' || c.oid::regcollation, to_jsonb(c)::text FROM pg_collation c WHERE c.oid >= 16384
     UNION ALL SELECT 'conversion ' || c.connamespace::regnamespace || '.' || c.conname, to_jsonb(c)::text FROM pg_conversion c WHERE c.oid >= 16384
     UNION ALL SELECT 'access method ' || a.amname, to_jsonb(a)::text FROM pg_am a
     UNION ALL SELECT 'text search configuration ' || c.oid::regconfig, to_jsonb(c)::text || coalesce((SELECT
       string_agg(m::text, ',' ORDER BY m::text) FROM pg_ts_config_map m WHERE m.mapcfg = c.oid), '') FROM pg_ts_config c
     UNION ALL SELECT 'text search dictionary ' || d.oid::regdictionary, to_jsonb(d)::text FROM pg_ts_dict d)",
    R"(SELECT 'comment on ' || i.type || ' ' || i.identity, string_agg(d.description, '|' ORDER BY d.description)
     FROM pg_description d, LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i
     WHERE d.objoid >= 16384 OR d.classoid = 'pg_namespace'::regclass
     GROUP BY 1
     UNION ALL SELECT 'security label on ' || l.objtype || ' ' || l.objname, string_agg(l.provider || l.label, '|' ORDER BY l.provider)
     FROM pg_seclabels l GROUP BY 1)",
    // Grants on what initdb made: pg_catalog's functions and tables, large objects.
    R"(SELECT 'grants on ' || p.oid::regprocedure, p.proacl::text FROM pg_proc p WHERE p.oid < 16384 AND p.proacl IS NOT NULL
     UNION ALL SELECT 'grants on ' || c.oid::regclass, c.relacl::text FROM pg_class c WHERE c.oid < 16384 AND c.relacl IS NOT NULL
     UNION ALL SELECT 'grants on large object ' || l.oid, l.lomacl::text FROM pg_largeobject_metadata l WHERE l.lomacl IS NOT NULL)",
};

// A password's verifier only goes into the digest of the whole role; tablespaces may lie elsewhere after a restore.
constexpr std::array<std::string_view, 5> of_the_cluster = {
    R"(SELECT 'role ' || a.rolname, (to_jsonb(a) - 'oid')::text FROM pg_authid a)",
    R"(SELECT 'membership of ' || m.member::regrole || ' in ' || m.roleid::regrole || ' by ' || m.grantor::regrole,
       (to_jsonb(m) - 'oid')::text FROM pg_auth_members m)",
    R"(SELECT 'settings of ' || coalesce(r.rolname, 'every role') || ' in ' || coalesce(d.datname, 'every database'), s.setconfig::text
     FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase)",
    R"(SELECT 'database ' || d.datname, (to_jsonb(d) - 'datfrozenxid' - 'datminmxid' - 'datlastsysoid' - 'dathasloginevt')::text
     FROM pg_database d
     UNION ALL SELECT 'tablespace ' || t.spcname, concat_ws('|', t.spcowner::regrole, t.spcacl, t.spcoptions) FROM pg_tablespace t
     UNION ALL SELECT 'parameter ' || p.parname, p.paracl::text FROM pg_parameter_acl p)",
    R"(SELECT 'subscription ' || s.subname || ' of ' || d.datname, (to_jsonb(s) - 'subskiplsn')::text
     FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
     UNION ALL SELECT 'comment on ' || i.type || ' ' || i.identity, string_agg(c.description, '|' ORDER BY c.description)
     FROM pg_shdescription c, LATERAL pg_identify_object(c.classoid, c.objoid, 0) i GROUP BY 1)",
};

}  // namespace

std::span<const std::string_view> database_catalog_queries() {
  return of_each_database;
}
std::span<const std::string_view> shared_catalog_queries() {
  return of_the_cluster;
}

}  // namespace harness::verify
