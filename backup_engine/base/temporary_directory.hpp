// A private (0700) directory that goes when its owner goes, unless kept.
#pragma once

#include <filesystem>
#include <string_view>

namespace backup_engine::base {

class TemporaryDirectory {
 public:
  // A fresh directory `parent`/`prefix`-XXXXXX. Throws Error.
  TemporaryDirectory(const std::filesystem::path& parent, std::string_view prefix);
  ~TemporaryDirectory();  // removes the tree; never follows links out of it
  TemporaryDirectory(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  void keep() { kept_ = true; }

 private:
  std::filesystem::path path_;
  bool kept_ = false;
};

}  // namespace backup_engine::base
