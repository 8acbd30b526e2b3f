// A repository in a directory. A put writes a temporary file beside its final place, syncs it, renames it there
// unless the name is taken, and syncs the directory; directories are made, and made durable, as they are needed.
// What makes bytes durable goes through base::FileSystem, so that tests can make each step fail.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "backup_engine/base/file_system.hpp"
#include "backup_engine/store/posix_listing.hpp"
#include "backup_engine/store/storage.hpp"

namespace backup_engine::store {

class PosixPut;

class PosixStorage final : public Storage {
 public:
  // `root` exists and is a directory; `file_system` outlives this. Every PutStream ends before this does.
  PosixStorage(std::filesystem::path root, base::FileSystem& file_system);
  ~PosixStorage() override;

  [[nodiscard]] std::unique_ptr<PutStream> begin_put(const std::string& name) override;
  [[nodiscard]] std::unique_ptr<StoredObject> open(const std::string& name) override;
  [[nodiscard]] std::optional<std::uint64_t> size(const std::string& name) override;
  [[nodiscard]] std::vector<ListedObject> list(const std::string& prefix) override;
  [[nodiscard]] std::vector<std::string> list_debris(const std::string& prefix) override;
  void remove(const std::string& name) override;
  [[nodiscard]] std::optional<base::UtcTime> changed_at(const std::string& name) override;
  [[nodiscard]] std::vector<std::string> list_folders(const std::string& prefix) override;
  void remove_empty_folders(const std::string& prefix) override;
  void sync() override;
  void make_durable(const std::string& folder) override;
  [[nodiscard]] std::string location() const override { return root_.string(); }

 private:
  friend class PosixPut;
  // Written whole under its temporary name, and waiting for sync().
  struct Pending {
    std::unique_ptr<base::WritableFile> file;
    std::filesystem::path temporary, final_path;
  };

  [[nodiscard]] std::filesystem::path path_of(const std::string& name) const;
  void make_durable_directory(const std::filesystem::path& directory);
  // What root writes belongs to whom the repository belongs to, who could not read it otherwise.
  void give_to_owner(const std::filesystem::path& path);
  void put_later(Pending pending);
  void sync_removals(std::filesystem::path directory);
  [[nodiscard]] std::vector<ListedObject> walk(const std::string& prefix, Listed wanted) const;

  std::filesystem::path root_;
  base::FileSystem& file_system_;
  std::optional<std::pair<uid_t, gid_t>> owner_;  // set when we are root and the repository is another's
  std::mutex mutex_;                              // guards what follows
  std::set<std::filesystem::path> durable_directories_;
  std::set<std::filesystem::path> unsynced_directories_;  // with a removal that is not durable yet
  std::vector<Pending> pending_;
};

}  // namespace backup_engine::store
