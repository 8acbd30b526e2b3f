#include "backup_engine/store/repository_store.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <system_error>

#include "backup_engine/base/digits.hpp"
#include "backup_engine/base/refusal.hpp"
#include "backup_engine/refusal.hpp"
#include "backup_engine/store/cipher.hpp"
#include "backup_engine/store/document_object.hpp"
#include "backup_engine/store/json_document.hpp"
#include "backup_engine/store/key_file.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/store/posix_storage.hpp"

namespace backup_engine::store {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;

namespace {

constexpr auto repository_format = "lifeboat-repository", cluster_format = "lifeboat-cluster";
constexpr auto encrypting_cipher = "aes-256-gcm";

fs::path root_of(const RepositoryLocation& location) {
  if (location.text.empty()) {
    throw Error(ErrorKind::usage, "no repository was named").with_remedy("name a directory with --repo");
  }
  return fs::absolute(location.text).lexically_normal();
}

bool is_debris_of_keys(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const auto name = entry->path().filename().string();
    if (!is_put_debris(name) && !parse_wrapped_keys_name(keys_prefix() + name)) return false;
  }
  return !error;
}

// Only the debris of an interrupted `repo init` may be there: temporary files, and keys that nothing was encrypted with
// yet, because repository.json comes last.
bool holds_nothing(const fs::path& root) {
  std::error_code error;
  for (fs::directory_iterator entry(root, error), end; !error && entry != end; entry.increment(error)) {
    const auto name = entry->path().filename().string();
    if (!is_put_debris(name) && !(name + "/" == keys_prefix() && is_debris_of_keys(entry->path()))) return false;
  }
  if (error) throw base::system_error(error.value(), "list", root.string());
  return true;
}

// The repository's first data key; returns what repository.json says about it.
Json make_keys(Storage& storage, const fs::path& key_file) {
  std::array<std::byte, 16> random{};
  fill_random(random);
  const auto id = base::to_hex(random);
  const auto key = read_key_file(key_file);
  for (const auto& left : list_wrapped_keys(storage)) storage.remove(left);
  put_wrapped_keys(storage, id, 0, Keyring({new_data_key(base::utc_now())}), key);
  return {{"cipher", encrypting_cipher}, {"key_id", nullptr}, {"repository_id", id}};
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
  if (!location.key_file.empty()) static_cast<void>(read_key_file(location.key_file));  // before anything is made
  if (!fs::exists(root)) {
    make_directory(root, file_system);
  } else if (!fs::is_directory(root) || !holds_nothing(root)) {
    throw Error(ErrorKind::already_exists, fmt::format("{} is not an empty directory", root.string()))
        .with_remedy("name an empty or absent directory; nothing was touched");
  }
  PosixStorage storage(root, file_system);
  auto document = new_document(repository_format);
  document["created_at"] = base::to_rfc3339(base::utc_now());
  if (location.key_file.empty()) {
    document["encryption"] = {{"cipher", "none"}, {"key_id", nullptr}};
  } else {
    document["encryption"] = make_keys(storage, location.key_file);
  }
  storage.put(repository_document(), to_sealed_text(document), Durability::now);
  // The directory's own entry, also where it was there already: nobody may have synced it.
  file_system.sync_directory(root.has_filename() ? root.parent_path() : root.parent_path().parent_path());
}

std::unique_ptr<Storage> open_storage(const RepositoryLocation& location, base::FileSystem& file_system) {
  const auto root = root_of(location);
  auto storage = std::make_unique<PosixStorage>(root, file_system);
  if (fs::is_directory(root) && storage->size(repository_document())) return storage;
  throw base::Refusal(refusal::no_repository,
                      Error(ErrorKind::not_found, fmt::format("{} is no Lifeboat repository", root.string()))
                          .with_remedy("check the path, or make one with: lifeboat repo init --repo DIRECTORY"));
}

RepositoryIdentity check_repository(Storage& storage) {
  const auto name = repository_document();
  return read_document(storage.read_text(name), name, repository_format, [&](const Json& document) {
    const auto& encryption = document.at("encryption");
    const auto cipher = encryption.at("cipher").get<std::string>();
    if (cipher == "none") return RepositoryIdentity{};
    if (cipher == encrypting_cipher) {
      return RepositoryIdentity{Cipher::aes_256_gcm, encryption.at("repository_id").get<std::string>()};
    }
    throw Error(ErrorKind::unsupported, fmt::format("{}: an unknown cipher: {}", name, cipher));
  });
}

OpenedKeys open_repository_keys(Storage& storage, const RepositoryIdentity& identity,
                                const RepositoryLocation& location) {
  if (location.key_file.empty()) {
    throw base::Refusal(
        refusal::key_missing,
        Error(ErrorKind::usage, fmt::format("{} is encrypted, and no key file was named", storage.location()))
            .with_remedy("name it with --key-file FILE, or in the environment: LIFEBOAT_KEY_FILE"));
  }
  auto opened = open_wrapped_keys(storage, identity.id, location.key_file);
  storage.set_keys(opened.keys);
  return opened;
}

void require_no_key_file(const Storage& storage, const RepositoryLocation& location) {
  if (location.key_file.empty()) return;
  throw Error(ErrorKind::mismatch, fmt::format("{} is not encrypted, and a key file was named: {}", storage.location(),
                                               location.key_file.string()))
      .with_remedy("leave out --key-file and LIFEBOAT_KEY_FILE, or check which repository --repo names");
}

std::unique_ptr<Storage> open_repository(const RepositoryLocation& location, base::FileSystem& file_system) {
  auto storage = open_storage(location, file_system);
  const auto identity = check_repository(*storage);
  if (identity.cipher == Cipher::none) {
    require_no_key_file(*storage, location);
  } else {
    open_repository_keys(*storage, identity, location);
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
