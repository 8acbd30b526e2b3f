#include "harness/faults/hide_from_index.hpp"

#include <fmt/format.h>

namespace harness::faults {

// An index that is not ready gets no new entries; nothing repairs it when it is declared ready again. The table's row
// in pg_class is touched as well, so that every backend forgets what it knew about the table's indexes.
void hide_from_index(backup_engine::postgres::Connection& connection, const std::string& index,
                     const std::string& statement) {
  const auto name = backup_engine::postgres::quote_literal(index);
  const auto declare = [&](const char* ready) {
    connection.execute(fmt::format(
        "UPDATE pg_catalog.pg_index SET indisready = {1}, indisvalid = {1} WHERE indexrelid = {0}::regclass; "
        "UPDATE pg_catalog.pg_class SET relname = relname WHERE oid = (SELECT indrelid FROM pg_catalog.pg_index WHERE "
        "indexrelid = {0}::regclass)",
        name, ready));
  };
  declare("false");
  connection.execute(statement);
  declare("true");
}

}  // namespace harness::faults
