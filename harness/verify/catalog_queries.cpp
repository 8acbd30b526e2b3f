#include "harness/verify/catalog_queries.hpp"

namespace harness::verify {

namespace {

// Objects with an oid from 16384 on were made by users; system schemas are left out where that is how to tell.
std::string functions() {
  return R"(SELECT 'function ' || p.oid::regprocedure, jsonb_build_array(r.rolname, )" +
         sorted_grants("p.proacl", "'f'", "p.proowner") + R"(, CASE WHEN p.prokind = 'a' THEN
       (SELECT to_jsonb(g)::text FROM pg_aggregate g WHERE g.aggfnoid = p.oid) ELSE pg_get_functiondef(p.oid) END),
     NULL, p.pronamespace::regnamespace::text
   FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner WHERE p.oid >= 16384)";
}

std::string types() {
  return R"(SELECT 'type ' || t.oid::regtype, jsonb_build_array(r.rolname, t.typtype, )" +
         sorted_grants("t.typacl", "'T'", "t.typowner") +
         R"(, t.typnotnull, t.typdefault, format_type(t.typbasetype, t.typtypmod), t.typcollation::regcollation::text,
       (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
       (SELECT to_jsonb(g)::text FROM pg_range g WHERE g.rngtypid = t.oid)),
     NULL, t.typnamespace::regnamespace::text
   FROM pg_type t JOIN pg_roles r ON r.oid = t.typowner WHERE t.oid >= 16384 AND t.typtype IN ('e', 'd', 'r', 'b', 'm')
     AND NOT (t.typtype = 'b' AND t.typelem <> 0 AND t.typlen = -1))";
}

std::string schemas() {
  return R"(SELECT 'schema ' || n.nspname, jsonb_build_array(r.rolname, )" +
         sorted_grants("n.nspacl", "'n'", "n.nspowner") + R"(), NULL, n.nspname
   FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE n.nspname !~ '^pg_(toast|temp)'
   UNION ALL SELECT 'default privileges of ' || d.defaclrole::regrole || ' in ' || d.defaclnamespace::regnamespace || ' on '
     || d.defaclobjtype::text, to_jsonb(d.defaclacl), NULL, d.defaclnamespace::regnamespace::text FROM pg_default_acl d)";
}

constexpr std::string_view extensions_and_replication =
    R"(SELECT 'extension ' || e.extname, concat_ws('|', e.extversion, n.nspname, r.rolname), NULL, NULL
   FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace JOIN pg_roles r ON r.oid = e.extowner
   UNION ALL SELECT 'event trigger ' || e.evtname,
     concat_ws('|', e.evtevent, e.evtowner::regrole, e.evtfoid::regprocedure, e.evtenabled, e.evttags), NULL, NULL
   FROM pg_event_trigger e
   UNION ALL SELECT 'publication ' || p.pubname, (to_jsonb(p) - 'oid')::text, NULL, NULL FROM pg_publication p
   UNION ALL SELECT 'publication ' || p.pubname || ' of schema ' || m.pnnspid::regnamespace, '', NULL, m.pnnspid::regnamespace::text
   FROM pg_publication_namespace m JOIN pg_publication p ON p.oid = m.pnpubid
   UNION ALL SELECT 'foreign data wrapper ' || w.fdwname, to_jsonb(w)::text, NULL, NULL FROM pg_foreign_data_wrapper w
   UNION ALL SELECT 'foreign server ' || s.srvname, to_jsonb(s)::text, NULL, NULL FROM pg_foreign_server s
   UNION ALL SELECT 'user mapping ' || m.umserver || ' ' || m.umuser, to_jsonb(m)::text, NULL, NULL FROM pg_user_mapping m
   UNION ALL SELECT 'language ' || l.lanname, to_jsonb(l)::text, NULL, NULL FROM pg_language l)";

// The rarer kinds whole: their rows are their definitions.
constexpr std::string_view rare_kinds =
    R"(SELECT 'operator ' || o.oid::regoperator, to_jsonb(o)::text, NULL, o.oprnamespace::regnamespace::text
   FROM pg_operator o WHERE o.oid >= 16384
   UNION ALL SELECT 'operator class ' || o.opcnamespace::regnamespace || '.' || o.opcname || ' ' || o.opcmethod,
     to_jsonb(o)::text, NULL, o.opcnamespace::regnamespace::text FROM pg_opclass o WHERE o.oid >= 16384
   UNION ALL SELECT 'operator family ' || o.opfnamespace::regnamespace || '.' || o.opfname || ' ' || o.opfmethod,
     to_jsonb(o)::text, NULL, o.opfnamespace::regnamespace::text FROM pg_opfamily o WHERE o.oid >= 16384
   UNION ALL SELECT 'operator of family ' || o.oid, to_jsonb(o)::text, NULL, NULL FROM pg_amop o WHERE o.oid >= 16384
   UNION ALL SELECT 'function of family ' || o.oid, to_jsonb(o)::text, NULL, NULL FROM pg_amproc o WHERE o.oid >= 16384
   UNION ALL SELECT 'cast ' || c.castsource::regtype || ' to ' || c.casttarget::regtype, to_jsonb(c)::text, NULL, NULL
   FROM pg_cast c WHERE c.oid >= 16384
   UNION ALL SELECT 'transform of ' || t.trftype::regtype || ' for ' || t.trflang, to_jsonb(t)::text, NULL, NULL FROM pg_transform t
   UNION ALL SELECT 'collation ' || c.oid::regcollation, to_jsonb(c)::text, NULL, c.collnamespace::regnamespace::text
   FROM pg_collation c WHERE c.oid >= 16384
   UNION ALL SELECT 'conversion ' || c.connamespace::regnamespace || '.' || c.conname, to_jsonb(c)::text, NULL,
     c.connamespace::regnamespace::text FROM pg_conversion c WHERE c.oid >= 16384
   UNION ALL SELECT 'access method ' || a.amname, to_jsonb(a)::text, NULL, NULL FROM pg_am a
   UNION ALL SELECT 'text search configuration ' || c.oid::regconfig, to_jsonb(c)::text || coalesce((SELECT
     string_agg(m::text, ',' ORDER BY m::text) FROM pg_ts_config_map m WHERE m.mapcfg = c.oid), ''), NULL,
     c.cfgnamespace::regnamespace::text FROM pg_ts_config c
   UNION ALL SELECT 'text search dictionary ' || d.oid::regdictionary, to_jsonb(d)::text, NULL, d.dictnamespace::regnamespace::text
   FROM pg_ts_dict d
   UNION ALL SELECT 'text search parser ' || p.oid, to_jsonb(p)::text, NULL, p.prsnamespace::regnamespace::text FROM pg_ts_parser p
   UNION ALL SELECT 'text search template ' || t.oid, to_jsonb(t)::text, NULL, t.tmplnamespace::regnamespace::text
   FROM pg_ts_template t)";

// Grants on what initdb made: pg_catalog's functions and tables, large objects.
constexpr std::string_view system_grants =
    R"(SELECT 'grants on ' || p.oid::regprocedure, p.proacl::text, NULL, NULL FROM pg_proc p WHERE p.oid < 16384 AND p.proacl IS NOT NULL
   UNION ALL SELECT 'grants on ' || c.oid::regclass, c.relacl::text, NULL, NULL FROM pg_class c
   WHERE c.oid < 16384 AND c.relacl IS NOT NULL
   UNION ALL SELECT 'grants on large object ' || l.oid, l.lomacl::text, NULL, NULL FROM pg_largeobject_metadata l
   WHERE l.lomacl IS NOT NULL)";

// A password's verifier only goes into the digest of the whole role; tablespaces may lie elsewhere after a restore.
constexpr std::string_view roles =
    R"(SELECT 'role ' || a.rolname, (to_jsonb(a) - 'oid')::text, NULL, NULL FROM pg_authid a
   UNION ALL SELECT 'membership of ' || m.member::regrole || ' in ' || m.roleid::regrole || ' by ' || m.grantor::regrole,
     (to_jsonb(m) - 'oid')::text, NULL, NULL FROM pg_auth_members m
   UNION ALL SELECT 'settings of ' || coalesce(r.rolname, 'every role') || ' in ' || coalesce(d.datname, 'every database'),
     s.setconfig::text, NULL, NULL
   FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase)";

constexpr std::string_view databases =
    R"(SELECT 'database ' || d.datname, (to_jsonb(d) - 'datfrozenxid' - 'datminmxid' - 'datlastsysoid' - 'dathasloginevt')::text,
     NULL, NULL FROM pg_database d
   UNION ALL SELECT 'tablespace ' || t.spcname, concat_ws('|', t.spcowner::regrole, t.spcacl, t.spcoptions), NULL, NULL
   FROM pg_tablespace t
   UNION ALL SELECT 'parameter ' || p.parname, p.paracl::text, NULL, NULL FROM pg_parameter_acl p
   UNION ALL SELECT 'subscription ' || s.subname || ' of ' || d.datname, (to_jsonb(s) - 'subskiplsn')::text, NULL, NULL
   FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
   UNION ALL SELECT 'comment on ' || i.type || ' ' || i.identity, string_agg(c.description, '|' ORDER BY c.description), NULL, NULL
   FROM pg_shdescription c, LATERAL pg_identify_object(c.classoid, c.objoid, 0) i GROUP BY 1)";

}  // namespace

std::vector<std::string> database_catalog_queries() {
  return {functions(),
          types(),
          schemas(),
          std::string(extensions_and_replication),
          std::string(rare_kinds),
          std::string(system_grants)};
}

std::vector<std::string> shared_catalog_queries() {
  return {std::string(roles), std::string(databases)};
}

}  // namespace harness::verify
