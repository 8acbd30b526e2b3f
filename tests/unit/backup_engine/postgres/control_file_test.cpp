#include "backup_engine/postgres/control_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "tests/support/failure.hpp"

namespace backup_engine::postgres {
namespace {

using base::Error;
using base::ErrorKind;

// The first 296 bytes of a pg_control that PostgreSQL 15's initdb wrote; pg_controldata printed the values wanted
// below.
constexpr std::string_view real_control_hex =
    "2bd036b262e3006b140500002577 0d0c010000000000000063e3006b00000000"
    "b029750100000000b029750100000000010000000100000001000000 00000000"
    "d4020000000000000535000001000000 00000000cc0200000100000001000000"
    "0100000000000000 63e3006b0000000000000000000000000000000000000000"
    "e803000000000000000000000000000000000000000000000000000000000000"
    "00000000000000000000000001000000 000000006400000008000000 0a000000"
    "00000000400000000000000008000000 0000000087d632410020000000000200"
    "00200000000000014000000020000000 cc070000000800000100000001000000"
    "feae6cac02d174c84cbf11a78bee9b6f6b98e3d7ee1999fb0bf8e29721cdb8a2"
    "2432fb3d00000000";

std::vector<std::byte> real_control() {
  std::vector<std::byte> bytes;
  std::string digits;
  for (const char c : real_control_hex) {
    if (c != ' ') digits += c;
  }
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  }
  bytes.resize(8192);
  return bytes;
}

void put(std::vector<std::byte>& bytes, std::size_t at, std::uint32_t value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

std::uint32_t crc32c_of(std::span<const std::byte> bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const auto byte : bytes) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? (crc >> 1U) ^ 0x82F63B78U : crc >> 1U;
  }
  return crc ^ 0xFFFFFFFF;
}

ErrorKind kind_of(std::span<const std::byte> bytes) {
  return tests::kind_of_failure([&] { static_cast<void>(parse_control_file(bytes)); });
}

TEST(ParseControlFile, ReadsWhatPgControldataPrints) {
  const auto control = parse_control_file(real_control());
  EXPECT_EQ(control.system_identifier, 7710412575094525995U);
  EXPECT_EQ(control.control_version, 1300U);
  EXPECT_EQ(control.catalog_version, 202209061U);
  EXPECT_EQ(control.major, 15);
  EXPECT_EQ(control.state, 1U);  // shut down
  EXPECT_EQ(to_string(control.checkpoint), "0/17529B0");
  EXPECT_EQ(to_string(control.redo), "0/17529B0");
  EXPECT_EQ(control.timeline, TimelineId(1));
  EXPECT_FALSE(control.minimum_recovery_point.valid());
  EXPECT_EQ(control.max_connections, 100);
  EXPECT_EQ(control.max_worker_processes, 8);
  EXPECT_EQ(control.max_wal_senders, 10);
  EXPECT_EQ(control.max_prepared_transactions, 0);
  EXPECT_EQ(control.max_locks_per_transaction, 64);
  EXPECT_EQ(control.page_bytes, 8192U);
  EXPECT_EQ(control.pages_per_segment_file, 131072U);
  EXPECT_EQ(control.wal_page_bytes, 8192U);
  EXPECT_EQ(control.segment_size.bytes(), 16U * 1024 * 1024);
  EXPECT_TRUE(control.data_checksums);
}

TEST(ParseControlFile, NoticesEveryFlippedBitThatTheCrcCovers) {
  const auto sound = real_control();
  for (std::size_t byte = 0; byte < 292; ++byte) {
    if (byte >= 8 && byte < 16) continue;  // the versions: an unknown one is refused by name instead
    for (unsigned bit = 0; bit < 8; ++bit) {
      auto bad = sound;
      bad[byte] ^= static_cast<std::byte>(1U << bit);
      EXPECT_EQ(kind_of(bad), ErrorKind::corrupt) << "byte " << byte << " bit " << bit;
    }
  }
}

TEST(ParseControlFile, KnowsTheMajorsByTheirVersions) {
  const std::map<int, std::pair<std::uint32_t, std::uint32_t>> versions = {
      {15, {1300, 202209061}}, {16, {1300, 202307071}}, {17, {1700, 202406281}}, {18, {1800, 202506291}}};
  for (const auto& [major, numbers] : versions) {
    auto bytes = real_control();
    put(bytes, 8, numbers.first);
    put(bytes, 12, numbers.second);
    const std::size_t crc_at = major == 18 ? 292 : 288;
    put(bytes, crc_at, crc32c_of(std::span(bytes).first(crc_at)));
    EXPECT_EQ(parse_control_file(bytes).major, major);
  }
}

TEST(ParseControlFile, RefusesOtherMajorsByName) {
  const std::map<std::string, std::pair<std::uint32_t, std::uint32_t>> versions = {
      {"PostgreSQL 12", {1201, 201909212}},
      {"PostgreSQL 13", {1300, 202007201}},
      {"PostgreSQL 14", {1300, 202107181}},
      {"PostgreSQL 19", {1905, 202604011}}};
  for (const auto& [name, numbers] : versions) {
    auto bytes = real_control();
    put(bytes, 8, numbers.first);
    put(bytes, 12, numbers.second);
    try {
      static_cast<void>(parse_control_file(bytes));
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::unsupported);
      EXPECT_THAT(error.what(), testing::HasSubstr(name));
      EXPECT_FALSE(error.remedy().empty());
    }
  }
}

TEST(ParseControlFile, RefusesOtherPageSizes) {
  auto bytes = real_control();
  put(bytes, 216, 32768);
  put(bytes, 288, crc32c_of(std::span(bytes).first(288)));
  EXPECT_EQ(kind_of(bytes), ErrorKind::unsupported);
}

TEST(ParseControlFile, RefusesAFileThatIsTooShort) {
  EXPECT_EQ(kind_of(std::span<const std::byte>(real_control()).first(200)), ErrorKind::corrupt);
}

class ReadControlFile : public testing::Test {
 protected:
  ReadControlFile() : directory_("/var/tmp", "lifeboat-test") {
    std::filesystem::create_directory(directory_.path() / "global");
  }
  void write(const std::vector<std::byte>& bytes) {
    std::ofstream file(directory_.path() / "global" / "pg_control", std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  base::TemporaryDirectory directory_;
};

TEST_F(ReadControlFile, ReadsTheFileInItsPlace) {
  write(real_control());
  EXPECT_EQ(read_control_file(directory_.path()).major, 15);
  EXPECT_EQ(read_control_file_bytes(directory_.path()), real_control());
}

TEST_F(ReadControlFile, FailsWhenTheSameBadBytesAreReadTwice) {
  auto bad = real_control();
  bad[100] ^= std::byte{1};
  write(bad);
  try {
    static_cast<void>(read_control_file(directory_.path()));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::corrupt);
    EXPECT_THAT(error.what(), testing::HasSubstr("global/pg_control"));
  }
}

TEST_F(ReadControlFile, ReadsAgainWhileTheBytesChange) {
  std::size_t readings = 0;
  const auto read = [&] {
    auto bytes = real_control();
    if (++readings < 4) bytes[100 + readings] ^= std::byte{1};  // the server writes them just now
    return bytes;
  };
  EXPECT_EQ(read_control_file_bytes("pg_control", read), real_control());
  EXPECT_EQ(readings, 4U);
}

TEST_F(ReadControlFile, SaysWhichFileIsMissing) {
  try {
    static_cast<void>(read_control_file(directory_.path()));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::not_found);
    EXPECT_THAT(error.what(), testing::HasSubstr("global/pg_control"));
  }
}

}  // namespace
}  // namespace backup_engine::postgres
