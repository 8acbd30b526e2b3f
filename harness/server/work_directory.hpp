// Where server data lies: the wanted directory when the server's user can reach it, else a private folder under
// /var/tmp (a drill directory below /root is reachable for nobody else).
#pragma once

#include <filesystem>
#include <optional>

#include "harness/process/subprocess.hpp"
#include "harness/server/owned_directory.hpp"

namespace harness::server {

// Tried as that user, so that access lists count too: whether it may pass through every parent and enter `directory`.
[[nodiscard]] bool can_reach(const std::filesystem::path& directory, const std::optional<process::OsUser>& run_as);

class WorkDirectory {
 public:
  // `wanted` must exist; it stays the caller's. Throws base::Error.
  [[nodiscard]] static WorkDirectory choose(const std::filesystem::path& wanted,
                                            const std::optional<process::OsUser>& run_as);

  [[nodiscard]] const std::filesystem::path& path() const { return fallback_ ? fallback_->path() : wanted_; }
  [[nodiscard]] bool is_fallback() const { return fallback_.has_value(); }
  void keep();                         // the fallback stays when its owner goes
  [[nodiscard]] std::string remove();  // the fallback, now; what could not be removed is the text

 private:
  std::filesystem::path wanted_;
  std::optional<OwnedDirectory> fallback_;
};

}  // namespace harness::server
