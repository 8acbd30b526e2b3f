// The summary of a backup. Published last: a backup exists when its manifest does. Defined in docs/formats/manifest.md.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "backup_engine/copied_database.hpp"
#include "backup_engine/damaged_page.hpp"
#include "backup_engine/postgres/wal_segment.hpp"
#include "backup_engine/repository.hpp"
#include "backup_engine/store/block_hash.hpp"
#include "backup_engine/store/keyring.hpp"
#include "backup_engine/store/object_header.hpp"
#include "backup_engine/store/storage.hpp"

namespace backup_engine::store {

// One row of the pack table; blocks name their pack by its row, and keep it in the backups that build on this one. So a
// row stays where it is when none of its blocks is in use any more, and says that.
struct PackEntry {
  [[nodiscard]] bool is_unused() const { return backup_label.empty(); }
  std::string backup_label;  // whose folder holds it; empty: unused
  std::uint32_t number = 0;
  ObjectDigest digest;
};

struct Tablespace {
  std::uint32_t oid = 0;
  std::string path;  // on the source
};

struct Database {
  std::uint32_t oid = 0;
  std::string name;
  bool is_template = false;
  bool operator==(const Database&) const = default;
};

struct Manifest {
  // Filled by the caller of BackupWriter::publish.
  BackupSummary summary;  // source_bytes, stored_bytes, file_count and parent_label are the writer's
  std::uint32_t page_size_bytes = 8192;
  postgres::SegmentSize wal_segment_size;
  std::vector<Tablespace> tablespaces;
  std::vector<Database> databases;  // when the backup stopped; empty when they are not known
  std::string backup_label_text;    // exactly as pg_backup_stop returned them
  std::string tablespace_map_text;
  // Those that the map or the list names and that went before their files were listed: WAL drops them again.
  std::set<std::uint32_t> dropped_tablespaces;
  std::vector<std::string> external_files;  // paths of the file table's entries in the external area
  std::vector<DamagedPage> damaged_pages;
  CopiedDatabases copied_databases;  // with their names

  // Filled by the writer.
  std::vector<std::string> chain;  // labels from the full to the parent; empty for a full
  std::uint32_t block_size_bytes = 0;
  std::uint64_t block_count = 0;
  HashKind hash = HashKind::xxh3_128;
  // The data key of its blocks and tables, and so of its chain, whose hashes are compared; null: in the clear.
  std::optional<KeyId> key_id;
  Compression compression;
  std::vector<PackEntry> packs;            // by row; see used_packs
  std::vector<std::string> index_backups;  // whose blocks.index and .hashes the root's rows name; row 0: this backup
  ObjectDigest file_table, block_root, block_index, block_hashes;
};

// Those in which a block of the backup lies.
[[nodiscard]] std::vector<PackEntry> used_packs(const Manifest& manifest);

// The OIDs of the tablespaces in its list or in its map.
[[nodiscard]] std::set<std::uint32_t> named_tablespaces(const Manifest& manifest);

[[nodiscard]] std::string encode_manifest(const Manifest& manifest);
// Throws Error naming `object`: corrupt, unsupported (a future version, a cipher).
[[nodiscard]] Manifest decode_manifest(const std::string& text, const std::string& object);
// Error(not_found) when there is no such backup; corrupt when it is another's manifest.
[[nodiscard]] Manifest read_manifest(Storage& storage, const std::string& cluster, const std::string& label);
// Labels with a manifest, in order of label; for the order in which they were taken see backup_order.hpp.
[[nodiscard]] std::vector<std::string> list_backup_labels(Storage& storage, const std::string& cluster);

}  // namespace backup_engine::store
