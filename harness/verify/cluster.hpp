// What a probe may connect to: a live cluster, which of its databases the drill is about, and how much of it is looked
// at. Probes only read, open their own connections and work on a hot standby in recovery as well as on a promoted
// server.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "backup_engine/postgres/connection.hpp"
#include "harness/server/quarantine.hpp"
#include "harness/server/server.hpp"
#include "harness/verify/scope.hpp"

namespace harness::verify {

struct Cluster {
  using Connect = std::function<backup_engine::postgres::Connection(const std::string& database)>;
  Connect connect;                // a superuser's connection to that database; throws base::Error(connection)
  std::string database;           // the dataset's
  Scope scope{};                  // of content and catalogs; of one database alone every probe sees just that one
  Connect as_configured{};        // one on which every setting is what the configuration says; empty: `connect`
  std::string session_options{};  // libpq's "options" for the tools that connect by themselves

  [[nodiscard]] backup_engine::postgres::Connection connect_as_configured(const std::string& name) const {
    return as_configured ? as_configured(name) : connect(name);
  }
};

// `server` must outlive the result.
[[nodiscard]] inline Cluster cluster_of(const server::Server& server, const std::string& database) {
  return {[&server](const std::string& name) { return server.connect(name); },
          database,
          {},
          [&server](const std::string& name) { return server.connect_as_configured(name); },
          server::session_options(server.options().installation.version, server.options().sessions) + " " +
              server::options_of_sessions(server.options().settings)};
}

// A read-only connection on which equal rows have equal text whatever the server's settings say, and where reading a
// table means reading the table and not its indexes.
[[nodiscard]] backup_engine::postgres::Connection open_session(const Cluster& cluster, const std::string& database);

// Catalogs are read by index, tables are not: switch around the queries that only list what there is to read.
enum class Indexes { trusted, left_alone };
void set_indexes(backup_engine::postgres::Connection& connection, Indexes indexes);

// The same with another scope.
[[nodiscard]] Cluster scoped(Cluster cluster, Scope scope);

// The database in which the scope's tables are.
[[nodiscard]] const std::string& scoped_database(const Cluster& cluster);

// All in scope that accept connections, the main one first, then by name.
[[nodiscard]] std::vector<std::string> all_databases(const Cluster& cluster);
// "" for the main database, "name." for another: what stands before schema.table in evidence.
[[nodiscard]] std::string name_prefix(const Cluster& cluster, const std::string& database);
// "" for the main database, "name: " for another: what stands before an object's name.
[[nodiscard]] std::string object_prefix(const Cluster& cluster, const std::string& database);

[[nodiscard]] std::uint64_t to_count(const backup_engine::postgres::Value& value);   // NULL is 0
[[nodiscard]] std::int64_t to_integer(const backup_engine::postgres::Value& value);  // NULL is 0
[[nodiscard]] std::string to_text(const backup_engine::postgres::Value& value);      // NULL is ""

// SQL for the digest of a key: 16 hexadecimal digits that tell rows apart and do not tell their values.
[[nodiscard]] std::string key_digest_sql(std::string_view row_expression);

}  // namespace harness::verify
