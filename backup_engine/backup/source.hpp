// Where a backup's files come from: read by path beside the server (files_source) or sent by it (stream_source). What a
// backup is, and in which order it is taken, is the same for both (backup.cpp, docs/formats/backup.md).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backup_engine/backup.hpp"
#include "backup_engine/backup/backup_contents.hpp"
#include "backup_engine/base/progress.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/timeline.hpp"
#include "backup_engine/postgres/wal_segment.hpp"
#include "backup_engine/store/manifest.hpp"

namespace backup_engine::backup {

struct ServerFacts {
  int major = 0;
  std::uint64_t system_identifier = 0;
  postgres::SegmentSize segment_size;
  std::uint32_t page_bytes = 0;
  bool data_checksums = false;
};

struct StartedBackup {
  postgres::Lsn start_lsn;  // where recovery will start; the server has flushed WAL past it
  postgres::TimelineId timeline;
  std::uint64_t source_bytes = 0;  // about
};

struct StoppedBackup {
  postgres::Lsn stop_lsn;
  std::string backup_label;    // as the server made it, to the byte
  std::string tablespace_map;  // likewise; empty without tablespaces
  base::UtcTime stopped_at;    // the server's clock, after the stop
  std::vector<store::Database> databases;
};

// Each call once, in this order. What ends early leaves the server as if nothing had begun.
class Source {
 public:
  virtual ~Source() = default;
  [[nodiscard]] virtual std::string name() const = 0;  // as in the manifest
  // Refuses, touching nothing, what cannot be backed up. Throws Error: connection, unsupported, permission, mismatch.
  [[nodiscard]] virtual ServerFacts check() = 0;
  // An immediate checkpoint; blocks until it is done.
  [[nodiscard]] virtual StartedBackup start(const std::string& label, const std::stop_token& stop) = 0;
  // After start(). Where the server archives and the role may: ends the segment of WAL being written, so that its
  // archive_command gets it. Else nothing.
  virtual void end_segment() = 0;
  virtual void copy(BackupContents& contents, base::Progress& progress, const std::stop_token& stop) = 0;
  [[nodiscard]] virtual StoppedBackup stop(const std::stop_token& stop) = 0;
};

// Both throw Error(connection). `request` outlives the source.
[[nodiscard]] std::unique_ptr<Source> files_source(const BackupRequest& request);
[[nodiscard]] std::unique_ptr<Source> stream_source(const BackupRequest& request);

}  // namespace backup_engine::backup
