#include "backup_engine/verify/backup_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

#include "backup_engine/base/parallel.hpp"
#include "backup_engine/store/backup_reader.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/verify/pack_check.hpp"

namespace backup_engine::verify {

using base::Error;
using base::ErrorKind;

namespace {

void check_identity(const store::Manifest& manifest, const store::ClusterIdentity& identity) {
  const auto& summary = manifest.summary;
  if (summary.system_identifier == identity.system_identifier && summary.postgres_major == identity.postgres_major &&
      manifest.wal_segment_size == identity.wal_segment_size) {
    return;
  }
  throw Error(ErrorKind::mismatch, fmt::format("is of system {} (PostgreSQL {}), the cluster is {} (PostgreSQL {})",
                                               summary.system_identifier, summary.postgres_major,
                                               identity.system_identifier, identity.postgres_major));
}

// The whole object against the digest in the manifest.
bool check_digest(store::Storage& storage, const std::string& name, const store::ObjectDigest& expected,
                  Findings& findings) {
  return findings.examine(name, [&] {
    const auto object = storage.open(name);
    findings.count_object(object->size_bytes());
    if (object->size_bytes() != expected.size_bytes) {
      throw Error(ErrorKind::corrupt,
                  fmt::format("has {} bytes where the manifest says {}", object->size_bytes(), expected.size_bytes));
    }
    std::vector<std::byte> window(std::min<std::uint64_t>(1024 * 1024, object->size_bytes()));
    store::StreamHash hash;
    for (std::uint64_t at = 0; at < object->size_bytes();) {
      const auto got = object->read_at(at, window);
      if (got == 0) break;
      hash.update(std::span(window).first(got));
      at += got;
    }
    if (hash.hex() != expected.xxh3_128) throw Error(ErrorKind::corrupt, "its hash is not the one in the manifest");
  });
}

// To the blocks before it when it lies in the same bundle, right behind them.
void add_block(std::vector<PlacedBlocks>& blocks, const PlacedBlocks& block) {
  if (!blocks.empty()) {
    auto& last = blocks.back();
    if (last.file == block.file && last.offset_bytes == block.offset_bytes &&
        last.number + last.count == block.number && last.block + last.count == block.block) {
      ++last.count;
      return;
    }
  }
  blocks.push_back(block);
}

// Which blocks lie in which pack, by row of the pack table.
std::vector<std::vector<PlacedBlocks>> place_blocks(const store::BackupReader& backup, const std::string& index_name) {
  std::vector<std::vector<PlacedBlocks>> packs(backup.manifest().packs.size());
  for (std::size_t i = 0; i < backup.files().size(); ++i) {
    const auto file = backup.files().entry(i);
    std::uint64_t number = 0;
    const auto count = file.kind == store::FileKind::file ? backup.block_count(file) : 0;
    for (const auto& extent : file.extents) {
      for (std::uint64_t n = 0; n < extent.block_count && number < count; ++n, ++number) {
        const auto entry = backup.index().entry(extent.first_block + n);
        // A leaf of hashes is checked when it is first used; the one that is wrong is named here, not a pack later.
        static_cast<void>(backup.index().hash(extent.first_block + n));
        if (entry.is_zero) continue;
        if (entry.pack_row >= packs.size() || backup.manifest().packs[entry.pack_row].is_unused()) {
          throw Error(ErrorKind::corrupt, fmt::format("{}: names a pack that is not in the manifest", index_name));
        }
        add_block(packs[entry.pack_row],
                  {extent.first_block + n, entry.offset_bytes, 1, static_cast<std::uint32_t>(i), number});
      }
    }
    if (number != count) {
      throw Error(ErrorKind::corrupt,
                  fmt::format("{} has {} blocks in the file table and needs {}", file.path, number, count));
    }
  }
  return packs;
}

bool check_tables(store::Storage& storage, const std::string& cluster, BackupCheck& check, SharedChecks& shared,
                  Findings& findings) {
  const auto& manifest = *check.manifest;
  const std::pair<std::string, store::ObjectDigest> tables[] = {
      {store::file_table_name(cluster, check.label), manifest.file_table},
      {store::block_root_name(cluster, check.label), manifest.block_root},
      {store::block_index_name(cluster, check.label), manifest.block_index},
      {store::block_hashes_name(cluster, check.label), manifest.block_hashes}};
  bool sound = true;
  for (const auto& [name, digest] : tables) {
    check.objects.insert(name);
    if (!shared.tables.contains(name)) shared.tables[name] = check_digest(storage, name, digest, findings);
    sound = shared.tables[name] && sound;
  }
  return sound;
}

// The manifest of a backup whose index another one uses; it may have expired.
std::optional<store::Manifest> manifest_if_there(store::Storage& storage, const std::string& cluster,
                                                 const std::string& label) {
  try {
    return store::read_manifest(storage, cluster, label);
  } catch (const Error& error) {
    const auto kind = error.kind();
    if (kind != ErrorKind::not_found && kind != ErrorKind::corrupt && kind != ErrorKind::unsupported) throw;
    return std::nullopt;
  }
}

// The index of its chain, as far as this backup uses it. Where the manifest with the digest is gone, each leaf is
// checked when it is used.
bool check_tables_of_chain(store::Storage& storage, const std::string& cluster, BackupCheck& check,
                           SharedChecks& shared, Findings& findings) {
  bool sound = true;
  for (const auto& owner : check.manifest->index_backups) {
    if (owner == check.label) continue;
    const std::array names = {store::block_index_name(cluster, owner), store::block_hashes_name(cluster, owner)};
    check.objects.insert(names.begin(), names.end());
    const bool known = shared.tables.contains(names[0]) && shared.tables.contains(names[1]);
    if (!known) {
      if (const auto manifest = manifest_if_there(storage, cluster, owner)) {
        shared.tables[names[0]] = check_digest(storage, names[0], manifest->block_index, findings);
        shared.tables[names[1]] = check_digest(storage, names[1], manifest->block_hashes, findings);
      }
    }
    for (const auto& name : names) {
      const auto found = shared.tables.find(name);
      sound = (found == shared.tables.end() || found->second) && sound;
    }
  }
  return sound;
}

// A tablespace whose disk was away when the backup was taken, before backups were refused for that.
void check_tablespaces(const store::Manifest& manifest, const store::FileTable& files, const std::string& table,
                       Findings& findings) {
  auto missing = store::named_tablespaces(manifest);
  for (const auto oid : manifest.dropped_tablespaces) missing.erase(oid);
  for (std::size_t i = 0; i < files.size() && !missing.empty(); ++i) {
    constexpr std::string_view tablespaces = "pg_tblspc/";
    const auto path = files.path(i);
    if (!path.starts_with(tablespaces) || path.find('/', tablespaces.size()) == std::string_view::npos) continue;
    std::uint32_t oid = 0;
    std::from_chars(path.data() + tablespaces.size(), path.data() + path.size(), oid);
    missing.erase(oid);
  }
  for (const auto oid : missing) {
    findings.add_damage(table, fmt::format("holds no file of the tablespace with OID {}, which the backup's "
                                           "tablespace_map names: its disk was away, or it was dropped just then",
                                           oid));
  }
}

// The tables opened and every block placed; nothing when they contradict themselves, which is then a finding.
struct OpenBackup {
  std::unique_ptr<store::BackupReader> reader;
  std::vector<std::vector<PlacedBlocks>> blocks;
};

OpenBackup open_backup(store::Storage& storage, const std::string& cluster, const BackupCheck& check,
                       Findings& findings) {
  OpenBackup open;
  try {
    open.reader = std::make_unique<store::BackupReader>(storage, cluster, check.label);
    check_tablespaces(open.reader->manifest(), open.reader->files(), store::file_table_name(cluster, check.label),
                      findings);
    open.blocks = place_blocks(*open.reader, store::block_index_name(cluster, check.label));
    return open;
  } catch (const Error& error) {
    auto guilty = store::manifest_name(cluster, check.label);
    for (const auto& object : check.objects) {
      if (std::string_view(error.what()).starts_with(object)) guilty = object;
    }
    findings.examine(guilty, [&] { throw error; });
    return {};
  }
}

// Of what it needs whole: not of its packs, of which it may need no block that is damaged.
void blame_first(BackupCheck& check, const Findings& findings) {
  for (const auto& object : check.objects) {
    const auto text = findings.damage_of(object);
    if (text.empty()) continue;
    check.damage = fmt::format("{}: {}", object, text);
    return;
  }
}

void check_contents(store::Storage& storage, const std::string& cluster, BackupCheck& check, unsigned jobs,
                    SharedChecks& shared, Findings& findings) {
  const auto& packs = check.manifest->packs;
  bool tables_are_sound = check_tables(storage, cluster, check, shared, findings);
  tables_are_sound = check_tables_of_chain(storage, cluster, check, shared, findings) && tables_are_sound;
  auto backup = tables_are_sound ? open_backup(storage, cluster, check, findings) : OpenBackup{};
  backup.blocks.resize(packs.size());
  blame_first(check, findings);
  std::vector<std::string> damage(packs.size());
  for (const auto& pack : packs) {
    if (!pack.is_unused()) check.objects.insert(store::pack_name(cluster, pack.backup_label, pack.number));
  }
  base::for_each_in_parallel(
      jobs, packs.size(),
      [&](std::size_t row) {
        if (packs[row].is_unused()) return;
        const auto name = store::pack_name(cluster, packs[row].backup_label, packs[row].number);
        auto blocks = shared.unpack ? std::move(backup.blocks[row]) : std::vector<PlacedBlocks>();
        const auto* const reader = shared.unpack ? backup.reader.get() : nullptr;
        const auto& digest = packs[row].digest;
        if (shared.packs.pass_over(name, digest, reader, blocks)) return;
        auto verdict = check_pack(storage, name, digest, reader, blocks, findings);
        shared.packs.add(name, digest, reader, blocks, verdict.is_sound);
        // Only its blocks tell who needs what is damaged.
        if (!verdict.is_sound && !shared.unpack && backup.reader) {
          verdict = check_pack(storage, name, digest, backup.reader.get(), backup.blocks[row], findings);
        }
        if (!verdict.damage.empty()) damage[row] = fmt::format("{}: {}", name, verdict.damage);
      },
      findings.stop());
  for (const auto& text : damage) {
    if (check.damage.empty()) check.damage = text;
  }
}

}  // namespace

BackupCheck check_backup(store::Storage& storage, const std::string& cluster, const std::string& label,
                         const std::optional<store::ClusterIdentity>& identity, unsigned jobs, SharedChecks& shared,
                         Findings& findings) {
  BackupCheck check;
  check.label = label;
  const auto manifest_name = store::manifest_name(cluster, label);
  check.objects.insert(manifest_name);
  findings.examine(manifest_name, [&] {
    findings.count_object(storage.size(manifest_name).value_or(0));
    check.manifest = store::read_manifest(storage, cluster, label);
    if (identity) check_identity(*check.manifest, *identity);
  });
  if (check.manifest) {
    check_contents(storage, cluster, check, jobs, shared, findings);
  } else {
    blame_first(check, findings);
  }
  return check;
}

}  // namespace backup_engine::verify
