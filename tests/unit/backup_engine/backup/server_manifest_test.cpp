// What was stored, against PostgreSQL's own list of what it sent.
#include "backup_engine/backup/server_manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/failure.hpp"

namespace backup_engine::backup {
namespace {

using base::ErrorKind;
using postgres::ManifestFile;

class CompareWithServer : public testing::Test {
 protected:
  static std::vector<ManifestFile> some_files() {
    return {{"PG_VERSION", 3, {}, 0x12345678}, {"base/1/1259", 8192, {}, 0xDEADBEEF}, {"odd \xff name", 1, {}, 7}};
  }
  // The server's account of `sent`, fed in small pieces.
  static ServerManifest manifest_of(const std::vector<ManifestFile>& sent) {
    const auto text = postgres::render_backup_manifest(
        {sent, {postgres::TimelineId(1), postgres::Lsn(0x2000028), postgres::Lsn(0x2000100)}});
    ServerManifest manifest;
    const auto bytes = std::as_bytes(std::span(text));
    for (std::size_t at = 0; at < bytes.size(); at += 7) {
      manifest.feed(bytes.subspan(at, std::min<std::size_t>(7, bytes.size() - at)));
    }
    return manifest;
  }
  // The message of the refusal, empty when all is the same.
  static std::string difference(const std::vector<ManifestFile>& sent, const std::vector<ManifestFile>& stored) {
    const auto wanted = [](const std::string& path) { return path != "backup_label"; };
    try {
      manifest_of(sent).require_same(stored, wanted);
      return "";
    } catch (const base::Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::corrupt);
      return error.what();
    }
  }
};

TEST_F(CompareWithServer, AcceptsTheSameFilesAndOneThatNobodyWants) {
  EXPECT_EQ(difference(some_files(), some_files()), "");
  auto sent = some_files();
  sent.push_back({"backup_label", 200, {}, 1});
  EXPECT_EQ(difference(sent, some_files()), "");
}

TEST_F(CompareWithServer, NamesWhatIsMissingAddedOrAnother) {
  auto stored = some_files();
  stored.pop_back();
  EXPECT_THAT(difference(some_files(), stored), testing::HasSubstr("odd"));
  EXPECT_THAT(difference(stored, some_files()), testing::HasSubstr("odd"));
  stored = some_files();
  stored[1].crc32c ^= 1U;
  EXPECT_THAT(difference(some_files(), stored), testing::HasSubstr("base/1/1259"));
  stored = some_files();
  stored[0].size_bytes = 4;
  EXPECT_THAT(difference(some_files(), stored), testing::HasSubstr("4 bytes instead of 3"));
}

TEST_F(CompareWithServer, RefusesALineThatCannotBeRead) {
  for (const std::string text :
       {"{ \"Path\": \"x\", \"Size\": }\n", "{ \"Encoded-Path\": \"fff\", \"Size\": 1, \"Checksum\": \"00000000\" }\n",
        "{ \"Encoded-Path\": \"f \", \"Size\": 1, \"Checksum\": \"00000000\" }\n"}) {
    ServerManifest manifest;
    EXPECT_EQ(tests::kind_of_failure([&] { manifest.feed(std::as_bytes(std::span(text))); }), ErrorKind::corrupt)
        << text;
  }
}

}  // namespace
}  // namespace backup_engine::backup
