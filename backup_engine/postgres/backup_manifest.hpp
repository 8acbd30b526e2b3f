// PostgreSQL's backup_manifest, version 1 (PostgreSQL's documentation, "Backup Manifest Format"): which files a
// restored directory holds, so that pg_verifybackup accepts it. Files carry a CRC-32C, the whole a SHA-256.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/timeline.hpp"

namespace backup_engine::postgres {

struct ManifestFile {
  std::string path;  // relative to the data directory, tablespaces as pg_tblspc/OID/…
  std::uint64_t size_bytes = 0;
  base::UtcTime modified_at;
  std::uint32_t crc32c = 0;
};

// That recovery needs.
struct ManifestWal {
  TimelineId timeline;
  Lsn start_lsn, stop_lsn;
};

struct BackupManifest {
  std::vector<ManifestFile> files;
  ManifestWal wal;
};

// A CRC-32C as a manifest shows it: its bytes as they lie in memory.
[[nodiscard]] std::string manifest_crc_text(std::uint32_t crc);

using ManifestSink = std::function<void(std::string_view piece)>;
// Piece by piece, none longer than a few kilobytes: of very many files the whole is long.
void write_backup_manifest(const std::vector<ManifestFile>& files, const ManifestWal& wal, const ManifestSink& sink);
[[nodiscard]] std::string render_backup_manifest(const BackupManifest& manifest);

}  // namespace backup_engine::postgres
