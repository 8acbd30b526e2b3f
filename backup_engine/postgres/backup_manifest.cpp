#include "backup_engine/postgres/backup_manifest.hpp"

#include <fmt/format.h>

#include <bit>
#include <span>

#include "backup_engine/base/digits.hpp"
#include "backup_engine/base/sha256.hpp"

namespace backup_engine::postgres {

namespace {

// Whether `text` is UTF-8 without characters that JSON escapes; other paths are written in hexadecimal.
bool plain_utf8(std::string_view text) {
  std::size_t continuation = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (continuation > 0) {
      if ((byte & 0xC0U) != 0x80) return false;
      --continuation;
    } else if (byte >= 0x80) {
      const auto ones = std::countl_one(byte);
      if (ones < 2 || ones > 4) return false;
      continuation = static_cast<std::size_t>(ones) - 1;
    } else if (byte < 0x20 || byte == '"' || byte == '\\') {
      return false;
    }
  }
  return continuation == 0;
}

std::string path_field(const std::string& path) {
  if (plain_utf8(path)) return fmt::format("\"Path\": \"{}\"", path);
  return fmt::format("\"Encoded-Path\": \"{}\"", base::to_hex(std::as_bytes(std::span(path))));
}

std::string gmt_text(base::UtcTime time) {
  const auto text = base::to_rfc3339(time);  // 2026-11-20T02:15:00.123456Z
  return fmt::format("{} {} GMT", text.substr(0, 10), text.substr(11, 8));
}

}  // namespace

std::string manifest_crc_text(std::uint32_t crc) {
  return fmt::format("{:02x}{:02x}{:02x}{:02x}", crc & 0xFFU, (crc >> 8U) & 0xFFU, (crc >> 16U) & 0xFFU, crc >> 24U);
}

void write_backup_manifest(const std::vector<ManifestFile>& files, const ManifestWal& wal, const ManifestSink& sink) {
  base::Sha256 sum;
  const auto put = [&](const std::string& text) {
    sum.update(std::as_bytes(std::span(text)));
    sink(text);
  };
  put("{ \"PostgreSQL-Backup-Manifest-Version\": 1,\n\"Files\": [");
  std::string_view separator = "\n";
  for (const auto& file : files) {
    put(fmt::format(
        "{}{{ {}, \"Size\": {}, \"Last-Modified\": \"{}\", \"Checksum-Algorithm\": \"CRC32C\", \"Checksum\": \"{}\" }}",
        separator, path_field(file.path), file.size_bytes, gmt_text(file.modified_at), manifest_crc_text(file.crc32c)));
    separator = ",\n";
  }
  put(fmt::format("\n],\n\"WAL-Ranges\": [\n{{ \"Timeline\": {}, \"Start-LSN\": \"{}\", \"End-LSN\": \"{}\" }}\n],\n",
                  wal.timeline.number(), to_string(wal.start_lsn), to_string(wal.stop_lsn)));
  // The checksum covers everything before its own line.
  sink(fmt::format("\"Manifest-Checksum\": \"{}\"}}\n", base::to_hex(sum.finish())));
}

std::string render_backup_manifest(const BackupManifest& manifest) {
  std::string text;
  write_backup_manifest(manifest.files, manifest.wal, [&](std::string_view piece) { text += piece; });
  return text;
}

}  // namespace backup_engine::postgres
