// A repository with a history of backups, chains and WAL whose objects hold next to nothing: expire looks at names,
// sizes and manifests alone.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "backup_engine/retention/expire.hpp"
#include "backup_engine/store/document_object.hpp"
#include "backup_engine/store/intent.hpp"
#include "tests/fault/faulty_file_system.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"

namespace tests {

using namespace std::chrono_literals;

inline const auto history_now = *backup_engine::base::parse_rfc3339("2026-11-20T12:00:00Z");

class History {
 public:
  // Below `directory`, which exists; `files` models it.
  History(const std::filesystem::path& directory, backup_engine::base::FileSystem& files)
      : location_{(directory / "repository").string()} {
    backup_engine::store::init_repository(location_, files);
    storage_ = backup_engine::store::open_repository(location_, files);
    backup_engine::store::open_or_create_cluster(*storage_, "main", some_cluster());
  }

  [[nodiscard]] backup_engine::store::Storage& storage() { return *storage_; }
  [[nodiscard]] const backup_engine::RepositoryLocation& location() const { return location_; }
  [[nodiscard]] const std::map<std::string, backup_engine::store::Manifest>& made() const { return made_; }

  // Segments [from, to) of the timeline.
  void put_wal(std::uint64_t from, std::uint64_t to, std::uint32_t timeline = 1) {
    for (auto number = from; number < to; ++number) put(segment(number, timeline));
  }
  [[nodiscard]] static std::string segment(std::uint64_t number, std::uint32_t timeline = 1) {
    return backup_engine::store::wal_segment_name("main", {backup_engine::postgres::TimelineId(timeline), number},
                                                  some_cluster().wal_segment_size, backup_engine::Codec::lz4);
  }
  [[nodiscard]] static backup_engine::postgres::Lsn at_segment(std::uint64_t number) {
    return backup_engine::postgres::Lsn(number * some_cluster().wal_segment_size.bytes() + 40);
  }

  // Needs the WAL of segments `first` to `last`. An incremental uses the first pack of each
  // backup before it, and names every index of its parent.
  std::string add(std::chrono::seconds ago, std::uint64_t first, std::uint64_t last, const std::string& parent = {}) {
    using backup_engine::BackupType;
    namespace store = backup_engine::store;
    const auto type = parent.empty() ? BackupType::full : BackupType::incremental;
    store::Manifest manifest;
    describe(manifest);
    auto& summary = manifest.summary;
    summary.stopped_at = summary.started_at = summary.finished_at = history_now - ago;
    summary.cluster = "main";
    summary.label = store::backup_label(summary.started_at, type);
    summary.type = type;
    summary.parent_label = parent;
    summary.start_lsn = at_segment(first);
    summary.stop_lsn = at_segment(last);
    manifest.block_size_bytes = 4096;
    const backup_engine::store::ObjectDigest digest{1, std::string(32, '0')};
    manifest.file_table = manifest.block_root = digest;
    manifest.block_index = manifest.block_hashes = {backup_engine::store::object_header_bytes, digest.xxh3_128};
    manifest.packs = {{summary.label, 0, digest}, {summary.label, 1, digest}};
    manifest.index_backups = {summary.label};
    if (!parent.empty()) {
      const auto& of = made_.at(parent);
      manifest.chain = of.chain;
      manifest.chain.push_back(parent);
      for (const auto& pack : of.packs) manifest.packs.push_back(pack.number == 0 ? pack : store::PackEntry{});
      manifest.index_backups.insert(manifest.index_backups.end(), of.index_backups.begin(), of.index_backups.end());
    }
    for (const auto& name : own_objects(summary.label)) put(name);
    store::put_document(*storage_, store::manifest_name("main", summary.label), store::encode_manifest(manifest),
                        store::Durability::now);
    made_.emplace(summary.label, manifest);
    return summary.label;
  }

  // Without the manifest.
  [[nodiscard]] static std::set<std::string> own_objects(const std::string& label) {
    namespace store = backup_engine::store;
    return {store::file_table_name("main", label),  store::block_root_name("main", label),
            store::block_index_name("main", label), store::block_hashes_name("main", label),
            store::pack_name("main", label, 0),     store::pack_name("main", label, 1)};
  }
  // Everything that a restore of the backup reads, WAL apart.
  [[nodiscard]] std::set<std::string> needed_by(const std::string& label) const {
    namespace store = backup_engine::store;
    const auto& manifest = made_.at(label);
    std::set<std::string> names{store::manifest_name("main", label), store::file_table_name("main", label),
                                store::block_root_name("main", label)};
    for (const auto& pack : store::used_packs(manifest))
      names.insert(store::pack_name("main", pack.backup_label, pack.number));
    for (const auto& other : manifest.index_backups) {
      names.insert(store::block_index_name("main", other));
      names.insert(store::block_hashes_name("main", other));
    }
    return names;
  }

  // An index without leaves, or anything else.
  void put(const std::string& name) {
    const bool index = name.ends_with("/blocks.index") || name.ends_with("/blocks.hashes");
    storage_->put(name, std::string(index ? backup_engine::store::object_header_bytes : 1, 'x'),
                  backup_engine::store::Durability::now);
  }
  void put_intent(const std::string& label, std::vector<std::string> chain, std::uint64_t first_segment) {
    backup_engine::store::put_intent(
        *storage_, "main",
        backup_engine::store::make_intent(label, std::move(chain), backup_engine::postgres::TimelineId(1),
                                          at_segment(first_segment)));
  }

  [[nodiscard]] backup_engine::ExpireRequest request(backup_engine::RetentionRules rules) const {
    backup_engine::ExpireRequest request;
    request.repository = location_;
    request.cluster = "main";
    request.rules = rules;
    request.now = history_now;
    return request;
  }
  backup_engine::ExpireResult expire(backup_engine::RetentionRules rules) {
    return backup_engine::retention::expire_cluster(*storage_, "main", request(rules));
  }

  [[nodiscard]] std::set<std::string> names(const std::string& prefix) {
    std::set<std::string> found;
    for (const auto& object : storage_->list(prefix)) found.insert(object.name);
    return found;
  }
  [[nodiscard]] std::set<std::string> backup_objects() { return names(backup_engine::store::backups_prefix("main")); }
  [[nodiscard]] std::set<std::string> wal() { return names(backup_engine::store::wal_prefix("main")); }

 private:
  backup_engine::RepositoryLocation location_;
  std::unique_ptr<backup_engine::store::Storage> storage_;
  std::map<std::string, backup_engine::store::Manifest> made_;
};

inline backup_engine::RetentionRules keep_full(unsigned count) {
  backup_engine::RetentionRules rules;
  rules.keep_full = count;
  return rules;
}

}  // namespace tests
