#include "harness/verify/catalog_probe.hpp"

#include <fmt/format.h>

#include "backup_engine/base/sha256.hpp"
#include "harness/verify/catalog_queries.hpp"
#include "harness/verify/lock_holders.hpp"

namespace harness::verify {

using backup_engine::postgres::Connection;
using reports::record::CatalogEvidence;

namespace {

void add_objects(Connection& connection, const std::vector<std::string>& queries, const Members& members,
                 const std::string& prefix, std::map<std::string, std::string>& objects) {
  for (const auto& sql : queries) {
    for (const auto& row : connection.query(sql)) {
      if (!members.holds(to_text(row[2]), to_text(row[3]), row.size() > 4 ? to_text(row[4]) : "")) continue;
      const auto definition = members.as_original(to_text(row[1]));
      objects[prefix + members.as_original(to_text(row[0]))] =
          backup_engine::base::sha256_hex(definition).substr(0, 16);
    }
  }
}

// Catalog look-ups go by index again: there is nothing to prove about them, and the queries join many catalogs.
Connection open_catalog_session(const Cluster& cluster, const std::string& database) {
  auto connection = open_session(cluster, database);
  set_indexes(connection, Indexes::trusted);
  return connection;
}

std::vector<std::string> collation_mismatches(const Cluster& cluster) {
  std::vector<std::string> mismatches;
  for (const auto& database : all_databases(cluster)) {
    auto connection = open_catalog_session(cluster, database);
    for (const auto& row : connection.query(
             "SELECT collname, collversion, pg_collation_actual_version(oid) FROM pg_collation "
             "WHERE collversion IS DISTINCT FROM pg_collation_actual_version(oid) AND collversion IS NOT NULL "
             "UNION ALL SELECT 'database ' || datname, datcollversion, pg_database_collation_actual_version(oid) "
             "FROM pg_database WHERE datname = current_database() AND datcollversion IS NOT NULL "
             "AND datcollversion IS DISTINCT FROM pg_database_collation_actual_version(oid)")) {
      mismatches.push_back(fmt::format("{}{}: recorded {}, this machine has {}", name_prefix(cluster, database),
                                       to_text(row[0]), to_text(row[1]), row[2] ? *row[2] : "none"));
    }
  }
  return mismatches;
}

// pg_stat_file reads on the server, where the library must be; $libdir comes from pg_config's view.
std::vector<std::string> missing_libraries(const Cluster& cluster) {
  std::vector<std::string> missing;
  for (const auto& database : all_databases(cluster)) {
    auto connection = open_catalog_session(cluster, database);
    for (const auto& row : connection.query(
             "SELECT DISTINCT p.probin FROM pg_proc p, "
             "LATERAL (SELECT replace(p.probin, '$libdir', (SELECT setting FROM pg_config WHERE name = 'PKGLIBDIR')) "
             "AS path) l "
             "WHERE p.oid >= 16384 AND p.probin IS NOT NULL AND p.prolang = 13 "
             "AND (pg_stat_file(l.path || '.so', true)).size IS NULL AND (pg_stat_file(l.path, true)).size IS NULL")) {
      missing.push_back(name_prefix(cluster, database) + to_text(row[0]));
    }
  }
  return missing;
}

std::map<std::string, std::string> objects_of(const Cluster& cluster) {
  std::map<std::string, std::string> objects;
  for (const auto& database : all_databases(cluster)) {
    auto connection = open_catalog_session(cluster, database);
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const auto prefix = object_prefix(cluster, database);
    const Members members(connection, cluster.scope, database == scoped_database(cluster));
    add_objects(connection, relation_catalog_queries(), members, prefix, objects);
    const bool some_tables = cluster.scope.kind == Scope::Kind::only && !cluster.scope.tables.empty();
    if (!some_tables) add_objects(connection, database_catalog_queries(), members, prefix, objects);
    if (prefix.empty() && !(cluster.scope.kind == Scope::Kind::only && cluster.scope.names_relations())) {
      add_objects(connection, shared_catalog_queries(), members, "", objects);
    }
    connection.execute("COMMIT");
  }
  return objects;
}

}  // namespace

std::map<std::string, std::string> probe_objects(const Cluster& cluster) {
  return naming_lock_holders(cluster, [&] { return objects_of(cluster); });
}

std::map<std::string, std::string> probe_settings(const Cluster& cluster) {
  // A session that was given no settings of its own: reset_val is then what the configuration gives.
  auto connection = cluster.connect_as_configured(scoped_database(cluster));
  connection.execute("SET statement_timeout = 0; SET ROLE NONE");  // of which reset_val says nothing
  std::map<std::string, std::string> settings;
  for (const auto& row :
       connection.query("SELECT name, reset_val FROM pg_catalog.pg_settings WHERE source <> 'client' AND (context <> "
                        "'internal' OR name IN "
                        "('block_size', 'data_checksums', 'lc_collate', 'lc_ctype', 'segment_size', 'server_encoding', "
                        "'server_version_num', 'wal_block_size', 'wal_segment_size'))")) {
    settings[to_text(row[0])] = to_text(row[1]);
  }
  return settings;
}

CatalogEvidence probe_catalog(const Cluster& cluster, const std::map<std::string, std::string>& quarantined) {
  CatalogEvidence evidence;
  evidence.objects = probe_objects(cluster);
  evidence.settings = probe_settings(cluster);
  evidence.quarantined = quarantined;
  evidence.collation_mismatches = collation_mismatches(cluster);
  evidence.missing_libraries = missing_libraries(cluster);
  return evidence;
}

}  // namespace harness::verify
