// What a backup asks the server in SQL, whatever else the connection is used for.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backup_engine/backup/required_places.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/postgres/configuration.hpp"
#include "backup_engine/postgres/connection.hpp"
#include "backup_engine/store/manifest.hpp"

namespace backup_engine::backup {

// Of a standby that will not start or stop a backup.
inline constexpr std::string_view not_in_prerequisite_state = "55000";
inline constexpr std::string_view standby_remedy =
    "Set full_page_writes = on at the primary, run CHECKPOINT there, and take the backup again when the standby has "
    "replayed it.";

// A connection, or nullptr when the server lets the role have none: one that may only replicate needs none. Tries the
// database "postgres" when the one of `conninfo` cannot be had.
[[nodiscard]] std::shared_ptr<postgres::Connection> connect_if_allowed(const std::string& conninfo);

// No time-out of the server's configuration ends the session while the backup is busy elsewhere, and no statement waits
// for a synchronous standby.
void prepare_session(postgres::Connection& connection);

[[nodiscard]] base::UtcTime server_clock(postgres::Connection& connection);
[[nodiscard]] std::vector<store::Database> list_databases(postgres::Connection& connection);
// Without databases whose DROP was cut short: their files may be gone in part.
[[nodiscard]] ServerInventory take_inventory(postgres::Connection& connection);

// pg_switch_wal(), where archive_mode is on and the role may; else nothing. The server must have written something
// since the segment began.
void end_archived_segment(postgres::Connection& connection);

// Whether the role may read any file that the server may read.
[[nodiscard]] bool may_read_server_files(postgres::Connection& connection);
// Reads them, each once; keeps the connection.
[[nodiscard]] postgres::ConfigurationReader server_configuration(std::shared_ptr<postgres::Connection> connection);

}  // namespace backup_engine::backup
