#include "backup_engine/postgres/control_file.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/postgres/version.hpp"

namespace backup_engine::postgres {

namespace {

using base::Error;
using base::ErrorKind;

// Offsets of struct ControlFileData on 64-bit little-endian hosts. They are the same from 15 to 18 up to
// data_checksum_version: wal_level, which 17 added to the checkpoint copy, fell into padding. 18 put one bool before
// the nonce, so its CRC stands four bytes later.
namespace offset {
constexpr std::size_t system_identifier = 0, control_version = 8, catalog_version = 12, state = 16, checkpoint = 32,
                      redo = 40, timeline = 48, minimum_recovery_point = 136, max_connections = 180,
                      max_worker_processes = 184, max_wal_senders = 188, max_prepared_transactions = 192,
                      max_locks_per_transaction = 196, page_bytes = 216, pages_per_segment_file = 220,
                      wal_page_bytes = 224, wal_segment_bytes = 228, data_checksum_version = 252;
}  // namespace offset

struct Layout {
  std::uint32_t control_version;
  std::uint32_t catalog_version;  // of the major's releases
  int major;
  std::size_t crc_offset;
};
constexpr std::array<Layout, 4> layouts = {
    {{1300, 202209061, 15, 288}, {1300, 202307071, 16, 288}, {1700, 202406281, 17, 288}, {1800, 202506291, 18, 292}}};

constexpr std::size_t smallest_bytes = 296;
constexpr std::size_t file_bytes = 8192;  // PG_CONTROL_FILE_SIZE

template <typename T>
T value_at(std::span<const std::byte> bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// The words for a version that is not supported, as near to the major as its numbers allow.
std::string name_of(std::uint32_t control_version, std::uint32_t catalog_version) {
  if (control_version == 1300 && catalog_version >= 202000000 && catalog_version < 202100000) return "PostgreSQL 13";
  if (control_version == 1300 && catalog_version >= 202100000 && catalog_version < 202200000) return "PostgreSQL 14";
  // Since PostgreSQL 9.3 the number begins with the major (937, 942 and 960 belong to 9.x).
  if (control_version >= 1000 && control_version < 10000) return fmt::format("PostgreSQL {}", control_version / 100);
  return "an unknown PostgreSQL";
}

const Layout& layout_of(std::uint32_t control_version, std::uint32_t catalog_version) {
  for (const auto& layout : layouts) {
    if (layout.control_version == control_version && layout.catalog_version == catalog_version) return layout;
  }
  throw Error(ErrorKind::unsupported,
              fmt::format("pg_control is of {} (control version {}, catalog version {})",
                          name_of(control_version, catalog_version), control_version, catalog_version))
      .with_remedy(fmt::format("Lifeboat knows the releases of PostgreSQL {} to {}.", oldest_supported_major,
                               newest_supported_major));
}

void refuse_foreign_sizes(const ControlFile& control) {
  if (control.page_bytes == 8192 && control.pages_per_segment_file == 131072 && control.wal_page_bytes == 8192) return;
  throw Error(
      ErrorKind::unsupported,
      fmt::format("this cluster's PostgreSQL was built with {}-byte pages, {} pages to a file and {}-byte WAL pages",
                  control.page_bytes, control.pages_per_segment_file, control.wal_page_bytes))
      .with_remedy("Lifeboat knows PostgreSQL's default sizes only: 8192, 131072 and 8192.");
}

}  // namespace

ControlFile parse_control_file(std::span<const std::byte> bytes) {
  if (bytes.size() < smallest_bytes) {
    throw Error(ErrorKind::corrupt,
                fmt::format("pg_control is {} bytes long, at least {} were expected", bytes.size(), smallest_bytes));
  }
  ControlFile control;
  control.system_identifier = value_at<std::uint64_t>(bytes, offset::system_identifier);
  control.control_version = value_at<std::uint32_t>(bytes, offset::control_version);
  control.catalog_version = value_at<std::uint32_t>(bytes, offset::catalog_version);
  const auto& layout = layout_of(control.control_version, control.catalog_version);
  if (base::crc32c(bytes.first(layout.crc_offset)) != value_at<std::uint32_t>(bytes, layout.crc_offset)) {
    throw Error(ErrorKind::corrupt, "the CRC of pg_control does not hold");
  }
  control.major = layout.major;
  control.state = value_at<std::uint32_t>(bytes, offset::state);
  control.checkpoint = Lsn(value_at<std::uint64_t>(bytes, offset::checkpoint));
  control.redo = Lsn(value_at<std::uint64_t>(bytes, offset::redo));
  control.timeline = TimelineId(value_at<std::uint32_t>(bytes, offset::timeline));
  control.minimum_recovery_point = Lsn(value_at<std::uint64_t>(bytes, offset::minimum_recovery_point));
  control.max_connections = value_at<std::int32_t>(bytes, offset::max_connections);
  control.max_worker_processes = value_at<std::int32_t>(bytes, offset::max_worker_processes);
  control.max_wal_senders = value_at<std::int32_t>(bytes, offset::max_wal_senders);
  control.max_prepared_transactions = value_at<std::int32_t>(bytes, offset::max_prepared_transactions);
  control.max_locks_per_transaction = value_at<std::int32_t>(bytes, offset::max_locks_per_transaction);
  control.page_bytes = value_at<std::uint32_t>(bytes, offset::page_bytes);
  control.pages_per_segment_file = value_at<std::uint32_t>(bytes, offset::pages_per_segment_file);
  control.wal_page_bytes = value_at<std::uint32_t>(bytes, offset::wal_page_bytes);
  refuse_foreign_sizes(control);
  control.segment_size = SegmentSize::of_bytes(value_at<std::uint32_t>(bytes, offset::wal_segment_bytes));
  control.data_checksums = value_at<std::uint32_t>(bytes, offset::data_checksum_version) != 0;
  return control;
}

std::vector<std::byte> read_control_file_bytes(const std::string& name,
                                               const std::function<std::vector<std::byte>()>& read) {
  std::vector<std::byte> last, bytes;
  const auto look = [&]() -> std::optional<std::string> {
    bytes = read();
    try {
      static_cast<void>(parse_control_file(bytes));
      return std::nullopt;
    } catch (const Error& error) {
      // The server may be writing it: only bytes that stay bad are bad.
      if (error.kind() == ErrorKind::unsupported || bytes == last) {
        throw Error(error.kind(), fmt::format("{}: {}", name, error.what()))
            .with_remedy(error.remedy().empty() ? "`pg_controldata` of that directory says what PostgreSQL makes of it"
                                                : error.remedy());
      }
      last = bytes;
      return error.what();
    }
  };
  base::poll_until(base::Deadline::after(std::chrono::seconds(10)), "an undamaged " + name, look);
  return bytes;
}

std::vector<std::byte> read_control_file_bytes(const std::filesystem::path& data_directory) {
  const auto path = data_directory / "global" / "pg_control";
  return read_control_file_bytes(path.string(), [&] {
    std::vector<std::byte> bytes(file_bytes);
    const auto file = base::open_for_reading(path);
    bytes.resize(base::read_at(file.get(), bytes, 0, path));
    return bytes;
  });
}

ControlFile read_control_file(const std::filesystem::path& data_directory) {
  return parse_control_file(read_control_file_bytes(data_directory));
}

}  // namespace backup_engine::postgres
