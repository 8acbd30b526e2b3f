// Opening a repository and the clusters in it. Defined in docs/formats/repository.md.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backup_engine/base/file_system.hpp"
#include "backup_engine/postgres/wal_segment.hpp"
#include "backup_engine/repository.hpp"
#include "backup_engine/store/object_header.hpp"
#include "backup_engine/store/storage.hpp"
#include "backup_engine/store/wrapped_keys.hpp"

namespace backup_engine::store {

// As backup_engine::init_repository, over the given file system.
void init_repository(const RepositoryLocation& location, base::FileSystem& file_system);

// Throws Error: not_found (absent, or no repository), corrupt, unsupported (a future version), usage (it is encrypted
// and no key file was named), mismatch (the wrong key file, or one for a repository in the clear).
[[nodiscard]] std::unique_ptr<Storage> open_repository(const RepositoryLocation& location,
                                                       base::FileSystem& file_system = base::posix_file_system());

// What repository.json holds.
struct RepositoryIdentity {
  Cipher cipher = Cipher::none;
  std::string id;  // of an encrypted repository: ties its keys to it
};

// The parts of open_repository: open_storage throws only not_found; check_repository reads repository.json;
// open_repository_keys is for an encrypted one: it reads its keys and gives them to the storage.
[[nodiscard]] std::unique_ptr<Storage> open_storage(const RepositoryLocation& location,
                                                    base::FileSystem& file_system = base::posix_file_system());
RepositoryIdentity check_repository(Storage& storage);
OpenedKeys open_repository_keys(Storage& storage, const RepositoryIdentity& identity,
                                const RepositoryLocation& location);
// Throws Error(mismatch) when a key file was named and the repository is in the clear: nobody who has a key expects to
// write without it.
void require_no_key_file(const Storage& storage, const RepositoryLocation& location);

// What cluster.json holds: what every backup and WAL segment of the cluster must agree with.
struct ClusterIdentity {
  std::uint64_t system_identifier = 0;
  int postgres_major = 0;
  postgres::SegmentSize wal_segment_size;
  bool data_checksums = false;
};

// Throws Error(not_found) when the repository holds no such cluster.
[[nodiscard]] ClusterIdentity read_cluster(Storage& storage, const std::string& cluster);
// Puts cluster.json if absent; otherwise compares. Throws Error(mismatch), naming both, when system identifier, major
// or segment size differ. Durable when it returns.
ClusterIdentity open_or_create_cluster(Storage& storage, const std::string& cluster, const ClusterIdentity& identity);
[[nodiscard]] std::vector<std::string> list_clusters(Storage& storage);

}  // namespace backup_engine::store
