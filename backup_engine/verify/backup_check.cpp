#include "backup_engine/verify/backup_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "backup_engine/store/backup_reader.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/verify/backup_packs.hpp"

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

// While it is checked; its packs are named last.
struct CheckedBackup {
  BackupCheck found;
  std::set<std::string> objects;
};

bool check_tables(store::Storage& storage, const std::string& cluster, CheckedBackup& check, SharedChecks& shared,
                  Findings& findings) {
  const auto& manifest = *check.found.manifest;
  const std::pair<std::string, store::ObjectDigest> tables[] = {
      {store::file_table_name(cluster, check.found.label), manifest.file_table},
      {store::block_root_name(cluster, check.found.label), manifest.block_root},
      {store::block_index_name(cluster, check.found.label), manifest.block_index},
      {store::block_hashes_name(cluster, check.found.label), manifest.block_hashes}};
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
bool check_tables_of_chain(store::Storage& storage, const std::string& cluster, CheckedBackup& check,
                           SharedChecks& shared, Findings& findings) {
  bool sound = true;
  for (const auto& owner : check.found.manifest->index_backups) {
    if (owner == check.found.label) continue;
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

// Of what the error names, or else of the manifest. Returns its name.
std::string blame(const Error& error, const std::string& cluster, const CheckedBackup& check, Findings& findings) {
  auto guilty = store::manifest_name(cluster, check.found.label);
  for (const auto& object : check.objects) {
    if (std::string_view(error.what()).starts_with(object)) guilty = object;
  }
  findings.examine(guilty, [&] { throw error; });
  return guilty;
}

// The tables opened and every block placed, unless they contradict themselves, which is then a finding.
void open_packs(BackupPacks& packs, const std::string& cluster, const CheckedBackup& check, Findings& findings) {
  try {
    const auto& reader = packs.open_tables();
    check_tablespaces(reader.manifest(), reader.files(), store::file_table_name(cluster, check.found.label), findings);
    packs.place_blocks();
  } catch (const Error& error) {
    packs.close_tables();
    blame(error, cluster, check, findings);
  }
}

// Of what it needs whole: not of its packs, of which it may need no block that is damaged.
void blame_first(CheckedBackup& check, const Findings& findings) {
  for (const auto& object : check.objects) {
    const auto text = findings.damage_of(object);
    if (text.empty()) continue;
    check.found.damage = fmt::format("{}: {}", object, text);
    return;
  }
}

// Returns the first damage that concerns the backup.
std::string read_packs(BackupPacks& packs, const std::string& cluster, const CheckedBackup& check, Findings& findings) {
  try {
    return packs.read();
  } catch (const Error& error) {  // the tables are not any more what they were
    packs.close_tables();
    const auto guilty = blame(error, cluster, check, findings);
    static_cast<void>(packs.read());
    return fmt::format("{}: {}", guilty, findings.damage_of(guilty));
  }
}

void check_contents(store::Storage& storage, const std::string& cluster, CheckedBackup& check, unsigned jobs,
                    SharedChecks& shared, Findings& findings) {
  const auto& manifest = *check.found.manifest;
  bool tables_are_sound = check_tables(storage, cluster, check, shared, findings);
  tables_are_sound = check_tables_of_chain(storage, cluster, check, shared, findings) && tables_are_sound;
  BackupPacks packs(storage, cluster, manifest, jobs, shared, findings);
  if (tables_are_sound) open_packs(packs, cluster, check, findings);
  blame_first(check, findings);
  const auto damage = read_packs(packs, cluster, check, findings);
  if (check.found.damage.empty()) check.found.damage = damage;
  for (const auto& pack : manifest.packs) {
    if (!pack.is_unused()) check.objects.insert(store::pack_name(cluster, pack.backup_label, pack.number));
  }
}

}  // namespace

BackupCheck check_backup(store::Storage& storage, const std::string& cluster, const std::string& label,
                         const std::optional<store::ClusterIdentity>& identity, unsigned jobs, SharedChecks& shared,
                         Findings& findings) {
  CheckedBackup check{{label, {}, {}, {}}, {}};
  const auto manifest_name = store::manifest_name(cluster, label);
  check.objects.insert(manifest_name);
  auto& manifest = check.found.manifest;
  findings.examine(manifest_name, [&] {
    findings.count_object(storage.size(manifest_name).value_or(0));
    manifest = store::read_manifest(storage, cluster, label);
    if (identity) check_identity(*manifest, *identity);
  });
  if (manifest) {
    check_contents(storage, cluster, check, jobs, shared, findings);
    manifest->packs = {};
  } else {
    blame_first(check, findings);
  }
  check.found.objects.reserve(check.objects.size());
  for (const auto& object : check.objects) check.found.objects.push_back(&*shared.objects.insert(object).first);
  return std::move(check.found);
}

}  // namespace backup_engine::verify
