#include "harness/faults/drop_table.hpp"

#include <fmt/format.h>

#include "harness/faults/lost_objects.hpp"
#include "harness/faults/victim_names.hpp"

namespace harness::faults {

Harm drop_table(backup_engine::postgres::Connection& connection, const std::string& table, const Patience& patience) {
  const auto victim = find_table(connection, table);
  const auto statement = fmt::format("DROP TABLE {} CASCADE", victim.name);
  return harm_in_one_transaction(connection, statement, patience, [&] {
    auto before = count_objects(connection);
    connection.execute(statement);
    --before[victim.is_partition ? "partition" : "table"];  // the table itself did not go along, it went
    return fmt::format("{}: {}", statement, what_went_along(before, count_objects(connection)));
  });
}

}  // namespace harness::faults
