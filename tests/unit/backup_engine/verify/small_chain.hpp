// Small chains. An incremental of nothing: every block of it, and every leaf of its index, is its full's. Made by hand
// from the formats (docs/formats/block-index.md), so that what reads chains is tested by itself. And one of files, as
// backups are taken.
#pragma once

#include <string>
#include <vector>

#include "backup_engine/store/backup_writer.hpp"
#include "backup_engine/store/block_index.hpp"
#include "backup_engine/store/document_object.hpp"
#include "backup_engine/store/framed_object.hpp"
#include "backup_engine/store/little_endian.hpp"
#include "backup_engine/store/manifest.hpp"
#include "backup_engine/store/names.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"

namespace tests {

// Returns its label.
inline std::string put_unchanged_incremental(backup_engine::store::Storage& storage, const std::string& cluster,
                                             const std::string& full) {
  namespace store = backup_engine::store;
  auto manifest = store::read_manifest(storage, cluster, full);
  const auto label = store::new_backup_label(storage, cluster, backup_engine::BackupType::incremental,
                                             manifest.summary.started_at + std::chrono::seconds(1));
  manifest.summary.label = label;
  manifest.summary.type = backup_engine::BackupType::incremental;
  manifest.summary.parent_label = full;
  manifest.chain = {full};
  manifest.index_backups = {label, full};
  {
    store::BlockIndexWriter none(storage, cluster, label, manifest.block_size_bytes);
    static_cast<void>(none.finish(0));
    manifest.block_index = none.index_digest();
    manifest.block_hashes = none.hashes_digest();
    storage.sync();
  }
  auto root = store::read_framed(storage, store::block_root_name(cluster, full), store::ObjectKind::block_root);
  for (std::size_t row = 0; row < root.size(); row += 8) store::put_little_endian(&root[row], std::uint32_t{1});
  manifest.block_root = store::put_framed(storage, store::block_root_name(cluster, label),
                                          store::ObjectKind::block_root, {}, root, store::Durability::now);
  const auto files = store::read_framed(storage, store::file_table_name(cluster, full), store::ObjectKind::file_table);
  manifest.file_table = store::put_framed(storage, store::file_table_name(cluster, label),
                                          store::ObjectKind::file_table, {}, files, store::Durability::now);
  store::put_document(storage, store::manifest_name(cluster, label), store::encode_manifest(manifest),
                      store::Durability::now);
  return label;
}

// Of a cluster whose files are now `files`. Returns its label.
inline std::string put_incremental(backup_engine::store::Storage& storage, const std::string& cluster,
                                   const std::string& parent, const Contents& files) {
  namespace store = backup_engine::store;
  store::BackupWriter writer(
      storage, cluster,
      store::new_backup_label(storage, cluster, backup_engine::BackupType::incremental, backup_engine::base::utc_now()),
      small_layout(), std::make_shared<const store::BackupReader>(storage, cluster, parent));
  {
    auto blocks = writer.make_block_writer();
    for (const auto& [path, bytes] : files) put_file(writer, *blocks, path, bytes);
    blocks->finish();
  }
  auto manifest = writer.finish();
  describe(manifest);
  writer.publish(manifest);
  return writer.label();
}

}  // namespace tests
