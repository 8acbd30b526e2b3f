// A repository in a temporary directory with one small backup in it, for the tests of store, verify and fault.
#pragma once

#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/file_system.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/store/backup_reader.hpp"
#include "backup_engine/store/backup_writer.hpp"
#include "backup_engine/store/framed_object.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "tests/unit/backup_engine/wal/wal_builder.hpp"

namespace tests {

using Bytes = std::vector<std::byte>;
using Contents = std::map<std::string, Bytes>;  // by path

inline Bytes random_bytes(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  Bytes bytes(count);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

// Rows that look a little like a table's: they compress.
inline Bytes row_bytes(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  Bytes bytes;
  while (bytes.size() < count) {
    const auto row = "customer " + std::to_string(random() % 5000) + " ordered " + std::to_string(random() % 90) + ";";
    const auto part = std::as_bytes(std::span(row));
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
  bytes.resize(count);
  return bytes;
}

inline backup_engine::store::ClusterIdentity some_cluster() {
  backup_engine::store::ClusterIdentity identity;
  identity.system_identifier = 7'300'000'000'000'000'001ULL;
  identity.postgres_major = 15;
  identity.wal_segment_size = backup_engine::postgres::SegmentSize::of_bytes(1024 * 1024);
  return identity;
}

// Every shape of file: empty, one byte, zeros, holes between data, a short last block, several blocks, no gain from
// compression.
inline Contents some_files(std::size_t block_bytes) {
  Contents files;
  files["PG_VERSION"] = row_bytes(3, 1);
  files["base/1/empty"] = {};
  files["base/1/zeros"] = Bytes(3 * block_bytes);
  files["base/1/1000"] = row_bytes(5 * block_bytes + 17, 2);
  files["base/1/1001"] = random_bytes(2 * block_bytes, 3);
  auto mixed = row_bytes(4 * block_bytes, 4);
  std::fill_n(mixed.begin() + static_cast<std::ptrdiff_t>(block_bytes), 2 * block_bytes, std::byte{0});
  files["base/1/mixed"] = std::move(mixed);
  return files;
}

inline void put_file(backup_engine::store::BackupWriter& writer, backup_engine::store::BlockWriter& blocks,
                     const std::string& path, const Bytes& bytes) {
  backup_engine::store::FileEntry entry;
  entry.path = path;
  entry.mode = 0600;
  entry.size_bytes = bytes.size();
  entry.modified_ns = 1'700'000'000'123'456'789;
  const auto file = writer.add_file(entry);
  std::uint32_t crc = 0;
  const std::size_t block = writer.block_size_bytes();
  for (std::size_t at = 0; at < bytes.size(); at += block) {
    const auto part = std::span(bytes).subspan(at, std::min(block, bytes.size() - at));
    crc = backup_engine::base::crc32c_combine(crc, blocks.put(file, at / block, part), part.size());
  }
  writer.finish_file(file, crc);
}

// Fills what the engine's backup verb knows: here a stretch of WAL of one and a half megabytes.
inline void describe(backup_engine::store::Manifest& manifest) {
  auto& summary = manifest.summary;
  summary.source = "files";
  summary.started_at = summary.finished_at = backup_engine::base::utc_now();
  summary.start_lsn = backup_engine::postgres::Lsn(0x1000028);
  summary.stop_lsn = backup_engine::postgres::Lsn(0x1180000);
  summary.timeline = backup_engine::postgres::TimelineId(1);
  summary.postgres_major = 15;
  summary.system_identifier = some_cluster().system_identifier;
  manifest.wal_segment_size = some_cluster().wal_segment_size;
  manifest.backup_label_text = "START WAL LOCATION: 0/1000028 (file 000000010000000000000010)\n";
}

inline backup_engine::store::BackupLayout small_layout() {
  return {{backup_engine::Codec::zstd, 1}, 4096, 20'000};
}

// Takes and publishes a backup of `files`; returns its label.
inline std::string put_backup(backup_engine::store::Storage& storage, const std::string& cluster, const Contents& files,
                              backup_engine::store::BackupLayout layout = small_layout()) {
  namespace store = backup_engine::store;
  store::BackupWriter writer(
      storage, cluster,
      store::new_backup_label(storage, cluster, backup_engine::BackupType::full, backup_engine::base::utc_now()),
      layout);
  {
    auto blocks = writer.make_block_writer();
    store::FileEntry directory;
    directory.path = "base";
    directory.kind = store::FileKind::directory;
    directory.mode = 0700;
    writer.add_file(directory);
    for (const auto& [path, bytes] : files) put_file(writer, *blocks, path, bytes);
    blocks->finish();
  }
  auto manifest = writer.finish();
  describe(manifest);
  writer.publish(manifest);
  return writer.label();
}

// A stretch of WAL: rows at its head, zeros behind, so that it stays small when compressed.
inline Bytes wal_bytes(std::size_t count, unsigned seed) {
  auto bytes = row_bytes(2000, seed);
  bytes.resize(count);
  return bytes;
}

constexpr std::uint64_t wal_start = 0x1000000, wal_stop = 0x1180000;

// WAL of timeline 1 from the segment in which describe()'s backup starts up to where it stops, with one commit, of
// transaction 700. It can be gone on with.
inline backup_engine::wal::WalBuilder some_wal() {
  using backup_engine::postgres::Lsn;
  constexpr std::uint64_t page_bytes = 8192;
  backup_engine::wal::WalBuilder wal(Lsn(wal_start), some_cluster().wal_segment_size.bytes());
  while (wal.end() + page_bytes < Lsn(wal_stop)) wal.filler(2000);
  wal.commit(700, backup_engine::base::utc_now() - std::chrono::hours(1));
  while (wal.end().position_bytes() / page_bytes < (wal_stop - 1) / page_bytes) wal.filler(300);
  // A record of its own header, the head of its data, and what fills the page.
  const auto left = Lsn(wal_stop) - wal.end();
  wal.filler(left - 24 - (left > 280 ? 5 : 2));
  return wal;
}

// Says on each segment's first page whose it is, and of which sizes.
inline Bytes signed_wal(backup_engine::wal::WalBuilder wal) {
  const auto segment_bytes = some_cluster().wal_segment_size.bytes();
  for (std::size_t at = 0; at < wal.bytes().size(); at += segment_bytes) {
    backup_engine::store::put_little_endian(wal.bytes().data() + at + 24, some_cluster().system_identifier);
    backup_engine::store::put_little_endian(wal.bytes().data() + at + 32, static_cast<std::uint32_t>(segment_bytes));
    backup_engine::store::put_little_endian(wal.bytes().data() + at + 36, std::uint32_t{8192});
  }
  return wal.bytes();
}

// A whole segment of this cluster's, with a little in it.
inline Bytes one_segment(const backup_engine::postgres::WalSegment& segment) {
  const auto size = some_cluster().wal_segment_size;
  backup_engine::wal::WalBuilder wal(start_of(segment, size), size.bytes(), segment.timeline);
  wal.filler(300);
  wal.switch_segment();
  return signed_wal(wal);
}

// Bytes [from, to) of the WAL; `from` and `to` lie in one segment.
inline void put_wal_part(backup_engine::store::Storage& storage, const std::string& cluster, const Bytes& wal,
                         std::uint64_t from, std::uint64_t to,
                         backup_engine::postgres::TimelineId timeline = backup_engine::postgres::TimelineId(1)) {
  namespace store = backup_engine::store;
  const auto size = some_cluster().wal_segment_size;
  const auto segment = segment_holding(timeline, backup_engine::postgres::Lsn(from), size);
  const auto offset = from % size.bytes();
  store::put_framed(storage, store::wal_part_name(cluster, segment, size, offset, offset + (to - from)),
                    store::ObjectKind::wal_part, {backup_engine::Codec::lz4, 0},
                    std::span(wal).subspan(from - wal_start, to - from), store::Durability::now);
}

// The WAL that describe() says the backup needs: one whole segment and two parts of the next.
inline void put_wal(backup_engine::store::Storage& storage, const std::string& cluster) {
  namespace store = backup_engine::store;
  const auto size = some_cluster().wal_segment_size;
  const backup_engine::postgres::WalSegment first{backup_engine::postgres::TimelineId(1), 16};
  const backup_engine::Compression lz4{backup_engine::Codec::lz4, 0};
  const auto wal = signed_wal(some_wal());
  store::put_framed(storage, store::wal_segment_name(cluster, first, size, lz4.codec), store::ObjectKind::wal_segment,
                    lz4, std::span(wal).first(size.bytes()), store::Durability::now);
  put_wal_part(storage, cluster, wal, 0x1100000, 0x1140000);
  put_wal_part(storage, cluster, wal, 0x1140000, wal_stop);
}

// Reads a backup back through read_blocks.
inline Contents read_backup(backup_engine::store::Storage& storage, const std::string& cluster,
                            const std::string& label) {
  namespace store = backup_engine::store;
  const store::BackupReader reader(storage, cluster, label);
  Contents files;
  for (std::size_t i = 0; i < reader.files().size(); ++i) {
    const auto entry = reader.files().entry(i);
    if (entry.kind != store::FileKind::file) continue;
    Bytes bytes(entry.size_bytes, std::byte{0xAA});
    reader.read_blocks(entry, 0, reader.block_count(entry), bytes);
    files[entry.path] = std::move(bytes);
  }
  return files;
}

}  // namespace tests
