// A directory with a key file and a repository that it opens, for the tests of encryption.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "backup_engine/base/file.hpp"
#include "backup_engine/encryption.hpp"
#include "tests/fault/faulty_file_system.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"

namespace tests {

class EncryptedRepository {
 public:
  EncryptedRepository() {
    backup_engine::make_key_file(key_file());
    backup_engine::store::init_repository(location(), files_);
    storage_ = open();
    backup_engine::store::open_or_create_cluster(*storage_, "main", some_cluster());
  }
  [[nodiscard]] std::filesystem::path path(const std::string& name) const { return directory_.path() / name; }
  [[nodiscard]] std::filesystem::path key_file() const { return path("key"); }
  [[nodiscard]] backup_engine::RepositoryLocation location() const { return {path("repository").string(), key_file()}; }
  [[nodiscard]] std::unique_ptr<backup_engine::store::Storage> open(const std::filesystem::path& key = {}) {
    return backup_engine::store::open_repository({path("repository").string(), key.empty() ? key_file() : key}, files_);
  }
  [[nodiscard]] backup_engine::store::Storage& storage() { return *storage_; }
  [[nodiscard]] FaultyFileSystem& files() { return files_; }

  [[nodiscard]] std::filesystem::path object(const std::string& name) const { return path("repository") / name; }
  [[nodiscard]] std::string bytes_of(const std::string& name) const {
    return backup_engine::base::read_file(object(name));
  }
  // What somebody else could do who can write there.
  void overwrite(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories(object(name).parent_path());
    backup_engine::base::write_file_atomically(object(name), bytes);
  }

 private:
  backup_engine::base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-encrypted"};
  FaultyFileSystem files_{directory_.path()};  // without a fault: does not wait for the disk
  std::unique_ptr<backup_engine::store::Storage> storage_;
};

}  // namespace tests
