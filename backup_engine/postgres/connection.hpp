// One SQL connection; libpqxx is wrapped here and nowhere else. Statements run in autocommit unless the caller
// sends BEGIN and COMMIT itself, so that whoever must know what happened to a COMMIT sees it directly.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backup_engine/postgres/version.hpp"

namespace backup_engine::postgres {

using Value = std::optional<std::string>;  // SQL NULL is nullopt; anything else PostgreSQL's text form

// A finished query's rows. Owns its memory; outlives the connection.
class Rows {
 public:
  Rows(std::vector<std::string> columns, std::vector<std::vector<Value>> rows)
      : columns_(std::move(columns)), rows_(std::move(rows)) {}
  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }
  [[nodiscard]] const std::vector<Value>& operator[](std::size_t row) const { return rows_.at(row); }
  [[nodiscard]] auto begin() const { return rows_.begin(); }
  [[nodiscard]] auto end() const { return rows_.end(); }
  // The only value of a result with one row and one column, not NULL. Throws Error(internal) otherwise.
  [[nodiscard]] const std::string& single() const;

 private:
  std::vector<std::string> columns_;
  std::vector<std::vector<Value>> rows_;
};

class Connection {
 public:
  // conninfo: libpq keywords or URI. application_name is what pg_stat_activity shows. Throws Error(connection), or
  // Error(usage) when the conninfo holds a password (see conninfo.hpp). Blocks up to connect_timeout (10 s unless
  // said).
  Connection(const std::string& conninfo, std::string_view application_name);
  ~Connection();
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;

  // One statement with $1… parameters as text. Throws Error(server, with sqlstate) when PostgreSQL reports an ERROR and
  // Error(connection) when the connection is gone (FATAL and PANIC included): then the fate of what was sent is
  // unknown.
  Rows query(const std::string& sql, const std::vector<Value>& parameters = {});
  // One or more statements separated by semicolons, results thrown away. Errors as query().
  void execute(const std::string& sql);

  // Warnings (severity WARNING, text as the server sent it) since the last call. COMMIT answering with one is no clean
  // commit.
  [[nodiscard]] std::vector<std::string> take_warnings();
  [[nodiscard]] Version server_version() const;
  [[nodiscard]] int backend_pid() const;
  // Asks the server to cancel what runs now; callable from another thread.
  void cancel();
  // From now on a statement that runs when `stop` is requested, or that is begun afterwards, ends with
  // Error(interrupted).
  void cancel_when(std::stop_token stop);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

[[nodiscard]] std::string quote_identifier(std::string_view name);  // "…" always quoted
[[nodiscard]] std::string quote_literal(std::string_view text);     // '…' or E'…'

}  // namespace backup_engine::postgres
