#include "harness/faults/drop_schema.hpp"

#include <fmt/format.h>

#include "harness/faults/lost_objects.hpp"
#include "harness/faults/victim_names.hpp"

namespace harness::faults {

Harm drop_schema(backup_engine::postgres::Connection& connection, const std::string& schema, const Patience& patience) {
  const auto statement = fmt::format("DROP SCHEMA {} CASCADE", find_schema(connection, schema));
  return harm_in_one_transaction(connection, statement, patience, [&] {
    const auto before = count_objects(connection);
    connection.execute(statement);
    return fmt::format("{}: {}", statement, what_went_along(before, count_objects(connection)));
  });
}

}  // namespace harness::faults
