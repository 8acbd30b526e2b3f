#include "tests/unit/backup_engine/restore/small_backup.hpp"

#include <unistd.h>

#include <cstring>
#include <random>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/store/backup_writer.hpp"
#include "backup_engine/store/framed_object.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "tests/unit/backup_engine/wal/wal_builder.hpp"

namespace backup_engine::restore {

namespace {

constexpr std::size_t block_bytes = 4096;

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> random_bytes(std::size_t size) {
  std::mt19937_64 random(size);
  std::vector<std::byte> bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random() & 0xFFU);
  return bytes;
}

// Random, a hole of zero blocks, random.
std::vector<std::byte> sparse_bytes() {
  auto bytes = random_bytes(10 * block_bytes + 77);
  std::fill_n(bytes.begin() + 2 * block_bytes, 5 * block_bytes, std::byte{0});
  return bytes;
}

class Builder {
 public:
  Builder(store::Storage& storage, std::string label, std::uint64_t pack_bytes)
      : writer_(storage, "main", std::move(label), {{Codec::lz4, 0}, block_bytes, pack_bytes}),
        blocks_(writer_.make_block_writer()),
        storage_(storage) {}

  void add(store::FileEntry entry, const std::vector<std::byte>& bytes = {}) {
    entry.uid = ::geteuid();
    entry.gid = ::getegid();
    entry.size_bytes = entry.kind == store::FileKind::file ? bytes.size() : 0;
    const auto kind = entry.kind;
    const auto file = writer_.add_file(std::move(entry));
    if (kind != store::FileKind::file) return;
    for (std::size_t at = 0; at < bytes.size(); at += block_bytes) {
      const auto length = std::min(block_bytes, bytes.size() - at);
      static_cast<void>(blocks_->put(file, at / block_bytes, std::span(bytes).subspan(at, length)));
    }
    writer_.finish_file(file, base::crc32c(bytes));
  }

  void publish(const std::vector<store::Tablespace>& tablespaces, const std::vector<std::string>& external_files,
               const std::string& new_tablespace) {
    blocks_->finish();
    auto manifest = writer_.finish();
    manifest.summary.cluster = "main";
    manifest.summary.label = writer_.label();
    manifest.summary.source = "files";
    manifest.summary.started_at = manifest.summary.finished_at = base::utc_now();
    manifest.summary.start_lsn = postgres::Lsn(0x2000028);
    manifest.summary.stop_lsn = postgres::Lsn(0x2000100);
    manifest.summary.timeline = postgres::TimelineId(1);
    manifest.summary.postgres_major = 15;
    manifest.summary.system_identifier = 42;
    manifest.tablespaces = tablespaces;
    manifest.external_files = external_files;
    put_wal(manifest.summary, new_tablespace);
    writer_.publish(manifest);
  }

 private:
  // As much as a restore must find there.
  void put_wal(const BackupSummary& summary, const std::string& new_tablespace) {
    const postgres::SegmentSize size;
    const auto segment = segment_holding(summary.timeline, summary.start_lsn, size);
    wal::WalBuilder records(start_of(segment, size), size.bytes());
    if (!new_tablespace.empty()) records.create_tablespace(16388, new_tablespace);
    while (records.end() < summary.stop_lsn) records.filler(10);
    const auto& bytes = records.bytes();
    const auto name = store::wal_part_name("main", segment, size, 0, bytes.size());
    store::put_framed(storage_, name, store::ObjectKind::wal_part, {Codec::none, 0}, bytes, store::Durability::now);
  }

  store::BackupWriter writer_;
  std::unique_ptr<store::BlockWriter> blocks_;
  store::Storage& storage_;
};

store::FileEntry entry(const std::string& path, store::FileKind kind, std::uint32_t mode) {
  store::FileEntry made;
  made.path = path;
  made.kind = kind;
  made.mode = mode;
  return made;
}

}  // namespace

std::vector<std::byte> sound_control_file() {
  std::vector<std::byte> bytes(8192);
  const auto put = [&](std::size_t at, std::uint32_t value) { std::memcpy(bytes.data() + at, &value, sizeof value); };
  put(0, 42);  // system identifier
  put(8, 1300);
  put(12, 202209061);
  put(16, 6);  // in production
  put(48, 1);  // timeline
  put(180, 100);
  put(184, 8);
  put(188, 10);
  put(196, 64);
  put(216, 8192);
  put(220, 131072);
  put(224, 8192);
  put(228, 16 * 1024 * 1024);
  put(252, 1);
  put(288, base::crc32c(std::span(bytes).first(288)));
  return bytes;
}

SmallBackup make_small_backup(const std::filesystem::path& repository, const SmallBackupOptions& options) {
  const RepositoryLocation location{repository.string(), options.key_file};
  init_repository(location);
  const auto storage = store::open_repository(location);
  store::open_or_create_cluster(*storage, "main", {42, 15, {}, true});
  SmallBackup backup;
  backup.label = store::new_backup_label(*storage, "main", BackupType::full, base::utc_now());
  Builder builder(*storage, backup.label, options.many_packs ? 2 * block_bytes : store::default_pack_bytes);

  builder.add(entry(".", store::FileKind::directory, 0700));
  backup.directories = {"base", "base/1", "global", "pg_notify", "pg_tblspc", "pg_wal", "pg_wal/archive_status"};
  std::vector<store::Tablespace> tablespaces;
  if (!options.tablespace.empty()) {
    auto link = entry("pg_tblspc/16388", store::FileKind::symlink, 0700);
    link.link_target = options.tablespace;
    builder.add(std::move(link));
    tablespaces.push_back({16388, options.tablespace});
    backup.directories.emplace_back("pg_tblspc/16388/PG_15_202209061");
    backup.files["pg_tblspc/16388/PG_15_202209061/16390"] = random_bytes(9000);
  }
  for (const auto& path : backup.directories) builder.add(entry(path, store::FileKind::directory, 0700));

  backup.files["PG_VERSION"] = bytes_of("15\n");
  backup.files["base/1/1259"] = random_bytes(40'000);
  backup.files["base/1/16384"] = sparse_bytes();
  backup.files["base/1/16385"] = {};
  backup.files["backup_label"] = bytes_of("START WAL LOCATION: 0/2000028 (file 000000010000000000000002)\n");
  backup.files["backup_manifest"] = bytes_of("{}\n");
  backup.files["postgresql.auto.conf"] = bytes_of("work_mem = '3MB'\nrestore_command = 'old'\n");
  // As BASE_BACKUP pads what became shorter while it was sent.
  backup.files["postgresql.auto.conf"].resize(backup.files["postgresql.auto.conf"].size() + 20);
  backup.files["global/pg_control"] = sound_control_file();
  std::vector<std::string> external;
  if (options.configuration_file.empty()) {
    backup.files["postgresql.conf"] = bytes_of("max_connections = 100\n");
  } else {
    auto link = entry("postgresql.conf", store::FileKind::symlink, 0644);
    link.link_target = options.configuration_file;
    builder.add(std::move(link));
    auto file = entry(options.configuration_file, store::FileKind::file, 0644);
    file.area = store::FileArea::external;
    builder.add(std::move(file), bytes_of("port = 5433\ndata_directory = '/srv/production'\n"));
    external.push_back(options.configuration_file);
  }
  for (const auto& [path, bytes] : backup.files) builder.add(entry(path, store::FileKind::file, 0600), bytes);
  builder.publish(tablespaces, external, options.new_tablespace);
  return backup;
}

RestoreRequest request_for(const std::filesystem::path& repository, const std::filesystem::path& to) {
  RestoreRequest request;
  request.repository = {repository.string()};
  request.cluster = "main";
  request.to = to;
  request.jobs = 2;
  request.lifeboat = "/usr/bin/lifeboat";
  return request;
}

}  // namespace backup_engine::restore
