// A directory that may be destroyed. Only a value of this type reaches the faults that destroy one, and there is one
// way to get it: naming a directory that this drill made, below the drill's own work directory.
#pragma once

#include <filesystem>

namespace harness::faults {

class ExpendableDirectory {
 public:
  // The caller's word that this drill made `directory`. Refused with base::Error(usage) unless it is a real directory
  // (no link in any part of it below `work_directory`) strictly below `work_directory`; not_found when it is absent.
  [[nodiscard]] static ExpendableDirectory made_by_this_drill(const std::filesystem::path& directory,
                                                              const std::filesystem::path& work_directory);
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }  // canonical

 private:
  explicit ExpendableDirectory(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace harness::faults
