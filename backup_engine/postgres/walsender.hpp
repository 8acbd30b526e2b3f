// What every replication connection does, whatever it then streams: connect, run a command, name what went wrong.
// Internal to this folder, and the only header of it that shows libpq.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/replication_connection.hpp"

namespace backup_engine::postgres {

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, ClearResult>;

struct FreeMemory {
  void operator()(char* memory) const { PQfreemem(memory); }
};

class Walsender {
 public:
  // Errors as ReplicationConnection's. `when_lost` is the remedy of a connection that breaks later.
  Walsender(const std::string& conninfo, std::string_view name, std::string when_lost);

  [[nodiscard]] PGconn* get() const { return connection_.get(); }
  [[nodiscard]] Version server_version() const { return Version(PQserverVersion(get())); }
  [[nodiscard]] SystemIdentity identify_system() const;
  // The value of a server setting. Error(permission) when the role may not see it.
  [[nodiscard]] std::string show(std::string_view setting) const;

  Result run(const std::string& command, std::string_view doing) const;
  // The only row of a command's result.
  [[nodiscard]] std::vector<std::optional<std::string>> row(const std::string& command, std::string_view doing) const;

  [[nodiscard]] base::Error lost(std::string_view doing) const;
  [[nodiscard]] base::Error failure(const PGresult* result, std::string_view doing) const;

  // Blocks until something arrives, `wake_fd` (unless -1) becomes readable, or the time is over.
  void wait_readable(std::chrono::milliseconds at_most, int wake_fd) const;
  // A standby status update, in COPY BOTH mode.
  void send(const StandbyStatus& status) const;

 private:
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  std::unique_ptr<PGconn, Finish> connection_;
  std::string when_lost_;
};

// What the server answered is none of PostgreSQL's answers: Error(corrupt).
[[nodiscard]] base::Error garbled(const std::string& message);
[[nodiscard]] std::uint64_t big_endian_64(std::span<const std::byte> bytes);
// Throw Error(corrupt).
[[nodiscard]] std::uint64_t number_from(std::string_view text, std::string_view what);
[[nodiscard]] Lsn lsn_from(std::string_view text);
[[nodiscard]] TimelineId timeline_from(std::string_view text);

}  // namespace backup_engine::postgres
