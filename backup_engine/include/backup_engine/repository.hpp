// Where backups live. A repository is one location (a directory today; S3 behind the same storage interface later)
// that holds any number of clusters. Formats: docs/formats.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/timeline.hpp"

namespace backup_engine {

struct RepositoryLocation {
  std::string text;  // a directory path
  // Of an encrypted repository: the file that holds its key (docs/encryption.md). Empty for one in the clear.
  std::filesystem::path key_file{};
};

// Makes an empty or absent directory a repository. Throws Error(already_exists) when it holds anything.
void init_repository(const RepositoryLocation& location);

enum class BackupType { full, differential, incremental };
enum class Codec { none, lz4, zstd };
struct Compression {
  Codec codec = Codec::zstd;
  int level = 1;
};

[[nodiscard]] std::string to_string(BackupType type);
[[nodiscard]] BackupType parse_backup_type(const std::string& text);  // as to_string has it. Throws Error(usage).
// "none", "lz4", "zstd", "zstd:LEVEL". Throws Error(usage).
[[nodiscard]] Compression parse_compression(const std::string& text);

// One published backup, as its manifest says.
struct BackupSummary {
  std::string cluster;
  std::string label;  // 20261120T021500Z-full
  BackupType type = BackupType::full;
  std::string parent_label;  // empty for a full
  std::string source;        // "files" or "stream"
  base::UtcTime started_at, finished_at;
  // The server's clock, read after the backup had stopped: a commit at or past it lies behind stop_lsn. Not known of
  // backups that Lifeboat took before it asked.
  std::optional<base::UtcTime> stopped_at;
  postgres::Lsn start_lsn, stop_lsn;
  postgres::TimelineId timeline;
  int postgres_major = 0;
  std::uint64_t system_identifier = 0;
  std::uint64_t source_bytes = 0;  // of the files as read
  std::uint64_t stored_bytes = 0;  // in the repository, WAL not counted
  std::uint64_t file_count = 0;
  std::uint64_t damaged_pages = 0;
  bool data_checksums = false;
};

// A backup that is being taken, or that died and left its word behind (docs/formats/intent.md): what it names stays.
struct RunningBackup {
  std::string label;
  std::vector<std::string> chain;  // labels from the full to its parent, which it holds; empty for a full
  std::string user, host;
  std::uint32_t pid = 0;
  base::UtcTime since;
  postgres::TimelineId timeline;  // it holds the WAL from start_lsn on
  postgres::Lsn start_lsn;
};

struct ClusterSummary {
  std::string name;
  std::uint64_t system_identifier = 0;
  int postgres_major = 0;
  std::vector<BackupSummary> backups;   // oldest first, by the WAL
  std::vector<RunningBackup> running;   // in order of label
  std::vector<std::string> unreadable;  // "OBJECT: what is wrong" of manifests and intents that are there
  struct WalRange {
    postgres::TimelineId timeline;
    postgres::Lsn start, end;  // continuous, durable
  };
  std::vector<WalRange> wal;
};

// Everything visible in the repository. Throws Error(not_found) when `location` is no repository.
[[nodiscard]] std::vector<ClusterSummary> list_repository(const RepositoryLocation& location);

}  // namespace backup_engine
