#include "harness/verify/selected_probe.hpp"

#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "harness/verify/catalog_probe.hpp"
#include "harness/verify/content_probe.hpp"

namespace harness::verify {

using reports::record::ContentDigests;
using reports::record::SelectedTables;

namespace {

// A dataset's tables say in a column ledger_id which transaction of the load wrote the row; 0 came with the dataset.
void read_ledger_ids(const Cluster& cluster, std::map<std::string, std::vector<std::int64_t>>& ledger_ids) {
  const auto& database = scoped_database(cluster);
  auto connection = open_session(cluster, database);
  connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const Members members(connection, cluster.scope, true);
  for (const auto& table : connection.query(
           "SELECT n.nspname || '.' || c.relname, format('%I.%I', n.nspname, c.relname), n.nspname FROM pg_class c "
           "JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid "
           "WHERE c.relkind = 'r' AND a.attname = 'ledger_id' AND a.atttypid = 'bigint'::regtype AND NOT "
           "a.attisdropped "
           "AND n.nspname <> 'lifeboat'")) {
    const auto name = to_text(table[0]);
    if (!members.holds(name, to_text(table[2]))) continue;
    auto& ids = ledger_ids[name_prefix(cluster, database) + members.as_original(name)];
    for (const auto& row :
         connection.query(fmt::format("SELECT id FROM (SELECT DISTINCT ledger_id AS id FROM ONLY {} AS t{}) AS ids "
                                      "WHERE id > 0 ORDER BY id",
                                      to_text(table[1]), members.row_condition(name)))) {
      ids.push_back(to_integer(row[0]));
    }
  }
  connection.execute("COMMIT");
}

}  // namespace

SelectedTables probe_selected(const Cluster& cluster, const ContentDigests* alike, const ContentDigests* known) {
  SelectedTables selected;
  selected.content = probe_content(cluster, alike, known);
  selected.objects = probe_objects(cluster);
  if (cluster.scope.kind != Scope::Kind::only) return selected;
  if (selected.content.tables.empty()) {
    throw backup_engine::base::Error(
        backup_engine::base::ErrorKind::not_found,
        fmt::format("none of the tables asked for is in database {}", scoped_database(cluster)));
  }
  read_ledger_ids(cluster, selected.ledger_ids);
  return selected;
}

}  // namespace harness::verify
