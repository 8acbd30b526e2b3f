// A repository in a temporary directory with one cluster of 1 MB segments, and WAL-like bytes to put there.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "backup_engine/base/file.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/wal.hpp"
#include "backup_engine/wal/wal_archive.hpp"

namespace backup_engine::wal {

constexpr std::uint64_t megabyte = 1024 * 1024;

// Every position has a byte of its own making, so that misplaced bytes show; `salt` makes another server's WAL.
inline std::vector<std::byte> wal_bytes(postgres::Lsn from, postgres::Lsn to, unsigned salt = 0) {
  std::vector<std::byte> bytes(to - from);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto position = from.position_bytes() + i;
    bytes[i] = static_cast<std::byte>((position * 31 + position / 251 + salt) & 0xFFU);
  }
  return bytes;
}

class TemporaryArchive {
 public:
  explicit TemporaryArchive(Codec codec = Codec::lz4) {
    init_repository(location());
    storage_ = store::open_repository(location());
    store::open_or_create_cluster(*storage_, cluster, {42, 15, size, false});
    archive_ = std::make_unique<WalArchive>(*storage_, cluster, size, Compression{codec, 1});
  }

  [[nodiscard]] RepositoryLocation location() const { return {(directory_.path() / "repository").string()}; }
  [[nodiscard]] store::Storage& storage() { return *storage_; }
  [[nodiscard]] WalArchive& archive() { return *archive_; }
  [[nodiscard]] std::filesystem::path target() const { return directory_.path() / "RECOVERYXLOG"; }
  // Names below the WAL folder, without the cluster's prefix.
  [[nodiscard]] std::vector<std::string> objects() {
    std::vector<std::string> names;
    const auto prefix = store::wal_prefix(cluster);
    for (const auto& listed : storage_->list(prefix)) names.push_back(listed.name.substr(prefix.size()));
    return names;
  }
  [[nodiscard]] WalFetchOutcome fetch(const std::string& file_name) {
    return fetch_wal({location(), cluster, file_name, target()});
  }
  [[nodiscard]] std::string fetched() const { return base::read_file(target()); }

  static constexpr auto cluster = "main";
  const postgres::SegmentSize size = postgres::SegmentSize::of_bytes(megabyte);

 private:
  // In memory where there is such a place: these tests sync thousands of times.
  static std::filesystem::path parent() {
    return std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path();
  }
  base::TemporaryDirectory directory_{parent(), "lifeboat-wal"};
  std::unique_ptr<store::Storage> storage_;
  std::unique_ptr<WalArchive> archive_;
};

inline std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace backup_engine::wal
