#include "backup_engine/store/repository_store.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "backup_engine/base/error.hpp"
#include "backup_engine/store/document_object.hpp"
#include "backup_engine/store/json_document.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/store/posix_storage.hpp"

namespace backup_engine::store {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;

namespace {

constexpr auto repository_format = "lifeboat-repository", cluster_format = "lifeboat-cluster";

fs::path root_of(const RepositoryLocation& location) {
  if (location.text.empty()) {
    throw Error(ErrorKind::usage, "no repository was named").with_remedy("name a directory with --repo");
  }
  return fs::absolute(location.text).lexically_normal();
}

// Only the debris of an interrupted `repo init` may be there; it is left alone.
bool holds_nothing(const fs::path& root) {
  std::error_code error;
  for (fs::directory_iterator entry(root, error), end; !error && entry != end; entry.increment(error)) {
    if (!is_put_debris(entry->path().filename().string())) return false;
  }
  if (error) throw base::system_error(error.value(), "list", root.string());
  return true;
}

void make_directory(const fs::path& root, base::FileSystem& file_system) {
  auto directory = root;
  if (!directory.has_filename()) directory = directory.parent_path();
  if (!fs::exists(directory.parent_path())) {
    throw Error(ErrorKind::not_found, fmt::format("cannot make {}: its parent directory does not exist", root.string()))
        .with_remedy("make the parent directory first");
  }
  file_system.create_directory(directory, 0750);
}

void check_same_cluster(const ClusterIdentity& held, const ClusterIdentity& given, const Storage& storage,
                        const std::string& cluster) {
  const auto differ = [&](const std::string& what, auto held_value, auto given_value) {
    throw Error(ErrorKind::mismatch, fmt::format("cluster '{}' in {} has {} {}, the server has {}", cluster,
                                                 storage.location(), what, held_value, given_value))
        .with_remedy("use another --cluster name for this server, or check which server --dbname reaches");
  };
  if (held.system_identifier != given.system_identifier) {
    differ("system identifier", held.system_identifier, given.system_identifier);
  }
  if (held.postgres_major != given.postgres_major) {
    differ("PostgreSQL major version", held.postgres_major, given.postgres_major);
  }
  if (held.wal_segment_size != given.wal_segment_size) {
    differ("a WAL segment size in bytes of", held.wal_segment_size.bytes(), given.wal_segment_size.bytes());
  }
}

}  // namespace

void init_repository(const RepositoryLocation& location, base::FileSystem& file_system) {
  const auto root = root_of(location);
  if (!location.key_file.empty()) {
    throw Error(ErrorKind::unsupported, "encrypted repositories cannot be made yet")
        .with_remedy("leave out --key-file");
  }
  if (!fs::exists(root)) {
    make_directory(root, file_system);
  } else if (!fs::is_directory(root) || !holds_nothing(root)) {
    throw Error(ErrorKind::already_exists, fmt::format("{} is not an empty directory", root.string()))
        .with_remedy("name an empty or absent directory; nothing was touched");
  }
  PosixStorage storage(root, file_system);
  auto document = new_document(repository_format);
  document["created_at"] = base::to_rfc3339(base::utc_now());
  document["encryption"] = {{"cipher", "none"}, {"key_id", nullptr}};
  storage.put(repository_document(), to_sealed_text(document), Durability::now);
  // The directory's own entry, also where it was there already: nobody may have synced it.
  file_system.sync_directory(root.has_filename() ? root.parent_path() : root.parent_path().parent_path());
}

std::unique_ptr<Storage> open_storage(const RepositoryLocation& location, base::FileSystem& file_system) {
  const auto root = root_of(location);
  auto storage = std::make_unique<PosixStorage>(root, file_system);
  if (fs::is_directory(root) && storage->size(repository_document())) return storage;
  throw Error(ErrorKind::not_found, fmt::format("{} is no Lifeboat repository", root.string()))
      .with_remedy("check the path, or make one with: lifeboat repo init --repo DIRECTORY");
}

void check_repository(Storage& storage) {
  const auto name = repository_document();
  read_document(storage.read_text(name), name, repository_format, [&](const Json& document) {
    if (document.at("encryption").at("cipher") == "none") return;
    throw Error(ErrorKind::unsupported, fmt::format("{}: encrypted, which this Lifeboat cannot read", name));
  });
}

std::unique_ptr<Storage> open_repository(const RepositoryLocation& location, base::FileSystem& file_system) {
  auto storage = open_storage(location, file_system);
  check_repository(*storage);
  if (!location.key_file.empty()) {
    throw Error(ErrorKind::mismatch, fmt::format("{} is not encrypted, and a key file was given: {}",
                                                 storage->location(), location.key_file.string()))
        .with_remedy("leave out --key-file and LIFEBOAT_KEY_FILE, or check which repository --repo names");
  }
  return storage;
}

ClusterIdentity read_cluster(Storage& storage, const std::string& cluster) {
  check_cluster_name(cluster);
  const auto name = cluster_document(cluster);
  if (!storage.size(name)) {
    throw Error(ErrorKind::not_found, fmt::format("{} holds no cluster '{}'", storage.location(), cluster))
        .with_remedy("see what it holds with: lifeboat list --repo LOCATION");
  }
  return read_document(read_document_text(storage, name), name, cluster_format, [&](const Json& document) {
    if (document.at("name") != cluster) throw Error(ErrorKind::corrupt, fmt::format("{}: of another cluster", name));
    ClusterIdentity identity;
    identity.system_identifier = std::stoull(document.at("system_identifier").get<std::string>());
    identity.postgres_major = document.at("postgres_major").get<int>();
    identity.wal_segment_size =
        postgres::SegmentSize::of_bytes(document.at("wal_segment_size_bytes").get<std::uint64_t>());
    identity.data_checksums = document.at("data_checksums").get<bool>();
    return identity;
  });
}

ClusterIdentity open_or_create_cluster(Storage& storage, const std::string& cluster, const ClusterIdentity& identity) {
  check_cluster_name(cluster);
  const auto name = cluster_document(cluster);
  if (!storage.size(name)) {
    auto document = new_document(cluster_format);
    document["name"] = cluster;
    // As text: JSON readers that know only doubles would round it.
    document["system_identifier"] = std::to_string(identity.system_identifier);
    document["postgres_major"] = identity.postgres_major;
    document["wal_segment_size_bytes"] = identity.wal_segment_size.bytes();
    document["data_checksums"] = identity.data_checksums;
    try {
      put_document(storage, name, to_sealed_text(document), Durability::now);
      return identity;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::already_exists) throw;  // else somebody was faster: compare with theirs
    }
  }
  const auto held = read_cluster(storage, cluster);
  check_same_cluster(held, identity, storage, cluster);
  return held;
}

std::vector<std::string> list_clusters(Storage& storage) {
  std::vector<std::string> clusters;
  const auto prefix = clusters_prefix();
  for (const auto& object : storage.list(prefix)) {
    const auto below = std::string_view(object.name).substr(prefix.size());
    const std::string cluster(below.substr(0, below.find('/')));
    if (object.name == cluster_document(cluster)) clusters.push_back(cluster);
  }
  return clusters;
}

}  // namespace backup_engine::store
