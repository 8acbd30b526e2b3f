#include "backup_engine/backup/server_questions.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "backup_engine/base/digits.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/conninfo.hpp"

namespace backup_engine::backup {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;

namespace {

std::optional<std::string> read_file(postgres::Connection& connection, const fs::path& path) {
  constexpr auto most_bytes = "16777216";  // of a configuration file
  const auto rows = connection.query("SELECT encode(pg_read_binary_file($1, 0, $2, true), 'hex')",
                                     {path.string(), std::string(most_bytes)});
  const auto& hex = rows[0].at(0);
  if (!hex) return std::nullopt;
  auto bytes = base::text_from_hex(*hex);
  if (!bytes) throw Error(ErrorKind::internal, fmt::format("the server sent {} in other than digits", path.string()));
  return bytes;
}

std::vector<std::string> list_directory(postgres::Connection& connection, const fs::path& path) {
  std::vector<std::string> names;
  for (const auto& row : connection.query("SELECT pg_ls_dir($1, true, false)", {path.string()})) {
    names.push_back(row.at(0).value_or(""));
  }
  return names;
}

// DROP, CREATE and ALTER of databases and tablespaces hold RowExclusiveLock on the catalog to the end of their
// transaction: dropdb in PostgreSQL's src/backend/commands/dbcommands.c, DropTableSpace in tablespace.c. Replay of
// DROP DATABASE holds AccessExclusiveLock on the database while it removes the files: dbase_redo.
Catalogs state_of_catalogs(postgres::Connection& connection) {
  const auto state = connection
                         .query(
                             "SELECT CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_locks WHERE granted AND "
                             "(relation IN (1213, 1262) AND mode = 'RowExclusiveLock' OR locktype = 'object' AND "
                             "classid = 1262 AND mode = 'AccessExclusiveLock')) THEN 'changing' "
                             "WHEN pg_is_in_recovery() THEN 'replayed' ELSE 'settled' END")
                         .single();
  if (state == "settled") return Catalogs::settled;
  return state == "changing" ? Catalogs::changing : Catalogs::replayed;
}

}  // namespace

std::shared_ptr<postgres::Connection> connect_if_allowed(const std::string& conninfo) {
  for (const auto& tried : {conninfo, postgres::with_keyword(conninfo, "dbname", "postgres")}) {
    try {
      auto connection = std::make_shared<postgres::Connection>(tried, "lifeboat backup");
      prepare_session(*connection);
      return connection;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::connection) throw;
    }
  }
  return nullptr;
}

void prepare_session(postgres::Connection& connection) {
  // Lifeboat's own receiver may be the synchronous standby, and a backup must end when it is not there.
  connection.query("SET synchronous_commit = local");
  connection.query("SET statement_timeout = 0");
  connection.query("SET idle_session_timeout = 0");
}

base::UtcTime server_clock(postgres::Connection& connection) {
  const auto text =
      connection.query(R"(SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))")
          .single();
  const auto time = base::parse_rfc3339(text);
  if (!time)
    throw Error(ErrorKind::internal, fmt::format("the server answered \"{}\" where a time was expected", text));
  return *time;
}

std::vector<store::Database> list_databases(postgres::Connection& connection) {
  std::vector<store::Database> databases;
  const auto rows = connection.query("SELECT oid, datname, datistemplate FROM pg_catalog.pg_database ORDER BY oid");
  for (const auto& row : rows) {
    databases.push_back(
        {static_cast<std::uint32_t>(std::stoul(row.at(0).value())), row.at(1).value(), row.at(2) == "t"});
  }
  return databases;
}

ServerInventory take_inventory(postgres::Connection& connection) {
  const auto number = [](const postgres::Value& value) {
    return static_cast<std::uint32_t>(std::stoul(value.value()));
  };
  ServerInventory inventory;
  inventory.catalogs = state_of_catalogs(connection);
  for (const auto& row : connection.query("SELECT oid FROM pg_catalog.pg_tablespace WHERE oid NOT IN (1663, 1664)")) {
    inventory.tablespaces.insert(number(row.at(0)));
  }
  // -2: DATCONNLIMIT_INVALID_DB, since 15.4.
  for (const auto& row : connection.query("SELECT oid, dattablespace FROM pg_catalog.pg_database "
                                          "WHERE datconnlimit <> -2")) {
    inventory.databases.emplace(number(row.at(0)), number(row.at(1)));
  }
  return inventory;
}

void end_archived_segment(postgres::Connection& connection) {
  // In two steps: PostgreSQL checks the right to a function before it knows whether it will be called.
  const auto may = connection.query(
      "SELECT current_setting('archive_mode') <> 'off' AND NOT pg_is_in_recovery() "
      "AND has_function_privilege('pg_switch_wal()', 'EXECUTE')");
  if (may.single() == "t") connection.query("SELECT pg_switch_wal()");
}

bool may_read_server_files(postgres::Connection& connection) {
  return connection
             .query(
                 "SELECT pg_has_role('pg_read_server_files', 'USAGE') "
                 "AND has_function_privilege('pg_read_binary_file(text, bigint, bigint, boolean)', 'EXECUTE') "
                 "AND has_function_privilege('pg_ls_dir(text, boolean, boolean)', 'EXECUTE')")
             .single() == "t";
}

postgres::ConfigurationReader server_configuration(std::shared_ptr<postgres::Connection> connection) {
  struct Known {
    std::map<fs::path, std::optional<std::string>> files;
    std::map<fs::path, std::vector<std::string>> directories;
  };
  const auto known = std::make_shared<Known>();
  return {[connection, known](const fs::path& path) {
            const auto found = known->files.find(path);
            if (found != known->files.end()) return found->second;
            return known->files[path] = read_file(*connection, path);
          },
          [connection = std::move(connection), known](const fs::path& path) {
            const auto found = known->directories.find(path);
            if (found != known->directories.end()) return found->second;
            return known->directories[path] = list_directory(*connection, path);
          }};
}

}  // namespace backup_engine::backup
