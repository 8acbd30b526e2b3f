// A directory that Lifeboat made and may therefore remove again. A marker in it says which process made it, so that
// what a killed Lifeboat left behind is recognised, and removed, by the next one. Nothing without it is ever removed.
//
// The marker, .lifeboat-owner, four lines: "lifeboat-owner 1", "pid PID", "started TICKS" (field 22 of /proc/PID/stat),
// "boot BOOT_ID namespace PID_NAMESPACE".
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/process/subprocess.hpp"

namespace harness::server {

class OwnedDirectory {
 public:
  // A fresh PARENT/lifeboat-XXXXXX, mode 0700, given to `user` (the marker stays the caller's). Throws base::Error.
  [[nodiscard]] static OwnedDirectory create(const std::filesystem::path& parent,
                                             const std::optional<process::OsUser>& user);
  OwnedDirectory(OwnedDirectory&& other) noexcept;
  OwnedDirectory& operator=(OwnedDirectory&&) = delete;
  ~OwnedDirectory();  // removes the tree unless kept

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // Stays for good: the marker goes, so that no later run takes it for a leftover.
  void keep();
  // Removes the tree now; what could not be removed is the text, empty when all went.
  [[nodiscard]] std::string remove();

 private:
  explicit OwnedDirectory(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
  bool ours_ = true;  // false: nothing to remove any more
};

struct Reclaimed {
  std::vector<std::filesystem::path> removed;
  std::vector<std::string> left;  // path and reason, of those whose maker is dead
};

// Removes each PARENT/lifeboat-XXXXXX whose marker is the caller's own file and whose maker is dead, unless a server
// still runs on a socket in it. Never throws for a single directory; a parent that does not exist holds none.
Reclaimed reclaim_abandoned(const std::filesystem::path& parent);

}  // namespace harness::server
