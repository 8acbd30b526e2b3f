// pg_control: what a cluster knows about itself without being started (global/pg_control, PostgreSQL 15 to 18).
// Layout from src/include/catalog/pg_control.h of each major; the CRC-32C over the struct is always checked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/timeline.hpp"
#include "backup_engine/postgres/wal_segment.hpp"

namespace backup_engine::postgres {

struct ControlFile {
  std::uint64_t system_identifier = 0;
  std::uint32_t control_version = 0;  // PG_CONTROL_VERSION: 1300 for 15 and 16, …
  std::uint32_t catalog_version = 0;  // with control_version it tells the major
  int major = 0;
  std::uint32_t state = 0;  // DBState, as pg_controldata numbers it
  Lsn checkpoint, redo;
  TimelineId timeline;
  Lsn minimum_recovery_point;
  int max_connections = 0, max_worker_processes = 0, max_wal_senders = 0, max_prepared_transactions = 0,
      max_locks_per_transaction = 0;  // the hot-standby minimums
  std::uint32_t page_bytes = 0, pages_per_segment_file = 0, wal_page_bytes = 0;
  SegmentSize segment_size;
  bool data_checksums = false;
};

// Throws Error(corrupt) when the CRC does not hold, Error(unsupported) naming the major for others than 15 to 18.
[[nodiscard]] ControlFile parse_control_file(std::span<const std::byte> bytes);
// Reads DATA_DIRECTORY/global/pg_control; re-reads torn bytes and fails when the same bad bytes are read twice.
[[nodiscard]] std::vector<std::byte> read_control_file_bytes(const std::filesystem::path& data_directory);
[[nodiscard]] ControlFile read_control_file(const std::filesystem::path& data_directory);

// The same of whatever `read` returns each time it is called; `name` is for messages.
[[nodiscard]] std::vector<std::byte> read_control_file_bytes(const std::string& name,
                                                             const std::function<std::vector<std::byte>()>& read);

}  // namespace backup_engine::postgres
