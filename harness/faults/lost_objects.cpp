#include "harness/faults/lost_objects.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <vector>

namespace harness::faults {

namespace {

// In the order in which a reader wants them.
constexpr std::array<const char*, 12> kinds{"table",    "partition", "view",        "materialized view",
                                            "sequence", "function",  "type",        "collation",
                                            "policy",   "rule",      "foreign key", "publication entry"};

// Object ids from 16384 are users' (FirstNormalObjectId, src/include/access/transam.h). A partitioned table's foreign
// key and those of its partitions are one.
constexpr auto counting = R"(
  SELECT kind, count(*)
    FROM (SELECT CASE WHEN relkind IN ('r', 'p') AND relispartition THEN 'partition' WHEN relkind IN ('r', 'p') THEN 'table'
                      WHEN relkind = 'v' THEN 'view' WHEN relkind = 'm' THEN 'materialized view' ELSE 'sequence' END AS kind
            FROM pg_class WHERE oid >= 16384 AND relkind IN ('r', 'p', 'v', 'm', 'S')
          UNION ALL SELECT 'function' FROM pg_proc WHERE oid >= 16384
          UNION ALL SELECT 'type' FROM pg_type AS t LEFT JOIN pg_class AS c ON c.oid = t.typrelid
                     WHERE t.oid >= 16384 AND (t.typtype IN ('d', 'e', 'r') OR c.relkind = 'c')
          UNION ALL SELECT 'collation' FROM pg_collation WHERE oid >= 16384
          UNION ALL SELECT 'policy' FROM pg_policy WHERE oid >= 16384
          UNION ALL SELECT 'rule' FROM pg_rewrite WHERE oid >= 16384 AND rulename <> '_RETURN'
          UNION ALL SELECT 'foreign key' FROM pg_constraint WHERE oid >= 16384 AND contype = 'f' AND conparentid = 0
          UNION ALL SELECT 'publication entry' FROM pg_publication_rel WHERE oid >= 16384) AS objects
   GROUP BY kind)";

std::string plural(const std::string& kind) {
  if (kind.ends_with("y")) {
    return kind == "foreign key" ? "foreign keys" : kind.substr(0, kind.size() - 1) + "ies";
  }
  return kind + "s";
}

}  // namespace

ObjectCounts count_objects(backup_engine::postgres::Connection& connection) {
  ObjectCounts counts;
  for (const auto& row : connection.query(counting)) counts[row[0].value_or("")] = std::stoll(row[1].value_or("0"));
  return counts;
}

std::string what_went_along(const ObjectCounts& before, const ObjectCounts& after) {
  const auto count_of = [](const ObjectCounts& counts, const std::string& kind) {
    const auto found = counts.find(kind);
    return found == counts.end() ? std::int64_t{0} : found->second;
  };
  std::vector<std::string> lost;
  for (const std::string kind : kinds) {
    const auto gone = count_of(before, kind) - count_of(after, kind);
    if (gone > 0) lost.push_back(fmt::format("{} {}", gone, gone == 1 ? kind : plural(kind)));
  }
  return fmt::format("{} went with it", lost.empty() ? "nothing else" : fmt::format("{}", fmt::join(lost, ", ")));
}

}  // namespace harness::faults
