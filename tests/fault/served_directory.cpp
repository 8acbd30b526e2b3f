#include "tests/fault/served_directory.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>

#include "backup_engine/backup/copy_files.hpp"
#include "tests/unit/backup_engine/restore/small_backup.hpp"

namespace tests {

namespace fs = std::filesystem;
namespace base = backup_engine::base;
namespace backup = backup_engine::backup;
using backup_engine::postgres::Lsn;
using backup_engine::postgres::TimelineId;

namespace {

constexpr auto tablespace_version = "PG_15_202209061";
constexpr std::size_t block_bytes = backup_engine::store::default_block_bytes;

// As some_cluster() has it.
Bytes control_file() {
  auto bytes = backup_engine::restore::sound_control_file();
  const auto cluster = some_cluster();
  const auto segment_bytes = static_cast<std::uint32_t>(cluster.wal_segment_size.bytes());
  std::memcpy(bytes.data(), &cluster.system_identifier, sizeof cluster.system_identifier);
  std::memcpy(bytes.data() + 228, &segment_bytes, sizeof segment_bytes);
  const auto crc = base::crc32c(std::span(bytes).first(288));
  std::memcpy(bytes.data() + 288, &crc, sizeof crc);
  return bytes;
}

}  // namespace

const Contents& cluster_files(unsigned state) {
  static std::map<unsigned, Contents> known;
  auto& files = known[state];
  if (!files.empty()) return files;
  files["PG_VERSION"] = {std::byte{'1'}, std::byte{'5'}, std::byte{'\n'}};
  files["postgresql.conf"] = {};
  files["global/pg_control"] = control_file();
  files["base/1/empty"] = {};
  files["base/1/1000"] = random_bytes(block_bytes + 999, 7);
  auto& changing = files["base/1/1001"] = row_bytes(3 * block_bytes, 1);
  const auto changed = row_bytes(block_bytes, 100 + state);
  std::copy(changed.begin(), changed.end(), changing.begin() + block_bytes);
  files["base/1/1002"] = row_bytes(5000 * (state + 1), 2);
  for (unsigned i = 0; i <= state; ++i) files["base/1/200" + std::to_string(i)] = row_bytes(300, i);
  return files;
}

ServedDirectory::ServedDirectory(fs::path directory, const Contents& files) : directory_(std::move(directory)) {
  for (const auto* const folder : {"global", "base/1", "pg_wal", "pg_tblspc"}) {
    fs::create_directories(directory_ / folder);
  }
  for (const auto& [path, bytes] : files) {
    std::ofstream(directory_ / path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
}

backup::ServerFacts ServedDirectory::check() {
  const auto cluster = some_cluster();
  return {cluster.postgres_major, cluster.system_identifier, cluster.wal_segment_size, 8192, cluster.data_checksums};
}

backup::StartedBackup ServedDirectory::start(const std::string& /*label*/, const std::stop_token& /*stop*/) {
  return {Lsn(wal_start + 40), TimelineId(1), 500'000};
}

void ServedDirectory::copy(backup::BackupContents& contents, base::Progress& progress, const std::stop_token& stop) {
  const auto listing = backup::list_source(directory_, tablespace_version);
  for (const auto& entry : listing.directories) {
    if (entry.path.empty()) {
      contents.add_data_directory(entry);
    } else {
      contents.add_directory(entry);
    }
  }
  contents.add_stored(backup::copy_files(listing, contents.writer(), {}, progress, stop));
  contents.add_file(backup::describe_entry(directory_ / "global" / "pg_control", "global/pg_control"), base::utc_now(),
                    control_file());
}

backup::StoppedBackup ServedDirectory::stop(const std::stop_token& /*stop*/) {
  backup::StoppedBackup stopped;
  stopped.stop_lsn = Lsn(wal_stop);
  stopped.backup_label = "START WAL LOCATION: 0/1000028 (file 000000010000000000000010)\nSTART TIMELINE: 1\n";
  stopped.stopped_at = base::utc_now();
  return stopped;
}

}  // namespace tests
