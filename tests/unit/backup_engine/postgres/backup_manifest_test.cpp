#include "backup_engine/postgres/backup_manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/sha256.hpp"

namespace backup_engine::postgres {
namespace {

TEST(RenderBackupManifest, WritesThePublishedFormat) {
  const auto modified = base::parse_rfc3339("2026-11-20T02:15:00.9Z").value();
  const std::string path_with_quote = "odd\"name";
  const BackupManifest manifest{{{"PG_VERSION", 3, modified, 0x01020304}, {path_with_quote, 0, modified, 0}},
                                {TimelineId(10), parse_lsn("0/2000028").value(), parse_lsn("0/2000100").value()}};
  const auto text = render_backup_manifest(manifest);
  const std::string body =
      "{ \"PostgreSQL-Backup-Manifest-Version\": 1,\n\"Files\": [\n"
      "{ \"Path\": \"PG_VERSION\", \"Size\": 3, \"Last-Modified\": \"2026-11-20 02:15:00 GMT\", "
      "\"Checksum-Algorithm\": \"CRC32C\", \"Checksum\": \"04030201\" },\n"
      "{ \"Encoded-Path\": \"6f6464226e616d65\", \"Size\": 0, \"Last-Modified\": \"2026-11-20 02:15:00 GMT\", "
      "\"Checksum-Algorithm\": \"CRC32C\", \"Checksum\": \"00000000\" }\n],\n\"WAL-Ranges\": [\n"
      "{ \"Timeline\": 10, \"Start-LSN\": \"0/2000028\", \"End-LSN\": \"0/2000100\" }\n],\n";
  EXPECT_EQ(text, body + "\"Manifest-Checksum\": \"" + base::sha256_hex(body) + "\"}\n");
}

TEST(RenderBackupManifest, EncodesPathsThatAreNoUtf8) {
  const BackupManifest manifest{{{"caf\xC3\xA9", 0, {}, 0}, {"caf\xE9", 0, {}, 0}}, {TimelineId(1), {}, {}}};
  const auto text = render_backup_manifest(manifest);
  EXPECT_THAT(text, testing::HasSubstr("\"Path\": \"caf\xC3\xA9\""));
  EXPECT_THAT(text, testing::HasSubstr("\"Encoded-Path\": \"636166e9\""));
}

}  // namespace
}  // namespace backup_engine::postgres
