#include "harness/faults/delete_rows.hpp"

#include <fmt/format.h>

#include "harness/faults/victim_names.hpp"

namespace harness::faults {

Harm delete_rows(backup_engine::postgres::Connection& connection, const std::string& table, const Patience& patience) {
  const auto statement = fmt::format("DELETE FROM {}", find_table(connection, table).name);
  return harm_in_one_transaction(connection, statement, patience, [&] {
    return fmt::format("{} without a WHERE: {} rows", statement, rows_changed_by(connection, statement));
  });
}

}  // namespace harness::faults
