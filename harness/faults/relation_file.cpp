#include "harness/faults/relation_file.hpp"

#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "harness/faults/victim_names.hpp"

namespace harness::faults {

RelationFile find_relation_file(backup_engine::postgres::Connection& connection, const std::string& table) {
  const auto found = find_table(connection, table);
  const auto rows = connection.query(
      "WITH RECURSIVE parts(oid) AS (SELECT $1::oid UNION ALL SELECT i.inhrelid FROM pg_inherits i JOIN parts p ON "
      "i.inhparent = p.oid) SELECT c.oid::regclass::text, pg_relation_filepath(c.oid) FROM pg_class c JOIN parts "
      "USING (oid) WHERE c.relkind = 'r' AND pg_relation_size(c.oid) > 0 ORDER BY pg_relation_size(c.oid) DESC LIMIT 1",
      {found.oid});
  if (!rows.empty()) {
    const auto table_name = rows[0][0].value();
    const auto row =
        connection.query(fmt::format("SELECT (ctid::text::point)[0]::int FROM ONLY {} LIMIT 1", table_name));
    if (!row.empty()) {
      // Only now: the look may have set hints, and the page's image in the WAL would undo a harm to it.
      connection.execute("CHECKPOINT");
      return {table_name, rows[0][1].value(), static_cast<std::uint32_t>(std::stoul(row[0][0].value()))};
    }
  }
  using namespace backup_engine::base;
  throw Error(ErrorKind::usage, fmt::format("{} has no row, so its file has nothing to lose", found.name))
      .with_remedy("name a table that holds rows");
}

}  // namespace harness::faults
