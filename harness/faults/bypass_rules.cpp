#include "harness/faults/bypass_rules.hpp"

namespace harness::faults {

void bypass_rules(backup_engine::postgres::Connection& connection, const std::string& statement) {
  connection.execute("SET session_replication_role = replica");
  connection.execute(statement);
  connection.execute("RESET session_replication_role");
}

}  // namespace harness::faults
