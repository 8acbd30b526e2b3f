// BASE_BACKUP over a replication connection: the cluster's files as tar archives, one for each tablespace, the data
// directory's last. Protocol: PostgreSQL documentation, "Streaming Replication Protocol", as of version 15. It speaks
// the protocol and decides nothing. When it goes before the end, the server forgets the backup by itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/replication_connection.hpp"
#include "backup_engine/postgres/timeline.hpp"
#include "backup_engine/postgres/version.hpp"

namespace backup_engine::postgres {

struct BaseBackupTablespace {
  std::uint32_t oid = 0;
  std::string location;  // absolute; relative to the data directory for an in-place one
};

struct BaseBackupStart {
  Lsn lsn;  // where recovery will start
  TimelineId timeline;
  std::vector<BaseBackupTablespace> tablespaces;  // the user's
  std::uint64_t size_bytes = 0;                   // of everything, about
};

struct BaseBackupEnd {
  Lsn lsn;
  TimelineId timeline;
  bool server_found_damage = false;  // its own look at page checksums failed; everything was sent nevertheless
};

// An archive begins: OID.tar of a tablespace, or base.tar.
struct ArchiveBegins {
  std::optional<std::uint32_t> tablespace;  // none: the data directory
};
struct ServerManifestBegins {};  // PostgreSQL's backup_manifest of what it sent
// More of the archive, or of the manifest. `bytes` stays valid until the next take().
struct StreamedBytes {
  std::span<const std::byte> bytes;
};
struct EndOfArchives {};
using BaseBackupMessage = std::variant<ArchiveBegins, ServerManifestBegins, StreamedBytes, EndOfArchives>;

// Every function throws Error(connection) when the connection is gone, Error(server, with sqlstate) when PostgreSQL
// reports an ERROR, Error(permission) when it is one of missing rights, and those with a stop token Error(interrupted)
// soon after the request. Waiting has no other end than these.
class BaseBackupConnection {
 public:
  // conninfo: that of a plain connection, without a password (Error(usage)). Blocks up to connect_timeout (10 s unless
  // said). application_name is what pg_stat_replication shows.
  BaseBackupConnection(const std::string& conninfo, std::string_view application_name);
  ~BaseBackupConnection();
  BaseBackupConnection(BaseBackupConnection&&) noexcept;
  BaseBackupConnection& operator=(BaseBackupConnection&&) noexcept;

  [[nodiscard]] Version server_version() const;
  [[nodiscard]] bool in_recovery() const;  // as the server last said
  [[nodiscard]] SystemIdentity identify_system();
  [[nodiscard]] std::string show(std::string_view setting);

  // Asks for an immediate checkpoint and waits until it is done. The server verifies page checksums, reading a page
  // again that looks torn, and does not wait for WAL to be archived.
  [[nodiscard]] BaseBackupStart start(const std::string& label, const std::stop_token& stop);
  [[nodiscard]] BaseBackupMessage take(const std::stop_token& stop);
  // After EndOfArchives.
  [[nodiscard]] BaseBackupEnd finish(const std::stop_token& stop);

  // What the server sent instead of files: those that are neither plain nor directories, links above all. As the server
  // names them.
  [[nodiscard]] const std::vector<std::string>& skipped() const;

  // The server's clock now, without SQL: the stream of WAL from `flushed` carries it. Ends what the connection can do.
  [[nodiscard]] base::UtcTime server_clock(Lsn flushed, TimelineId timeline, const std::stop_token& stop);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace backup_engine::postgres
