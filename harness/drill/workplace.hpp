// Where a drill's servers and repository lie while it runs: one private folder that Lifeboat made and removes again.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/plan/plan.hpp"
#include "harness/process/subprocess.hpp"
#include "harness/server/owned_directory.hpp"

namespace harness::drill {

class Workplace {
 public:
  // Below --work-dir, else the drill directory, else (when the servers' user cannot reach that) /var/tmp. Throws
  // base::Error(permission | no_space …) before anything is started.
  [[nodiscard]] static Workplace create(const plan::Plan& plan);
  // Throws base::Error(usage) when the servers' user cannot reach the --work-dir; touches nothing.
  static void refuse_unreachable(const std::filesystem::path& work_directory,
                                 const std::optional<process::OsUser>& user);

  // The data directory of the server that is the source now.
  [[nodiscard]] const std::filesystem::path& source() const { return source_; }
  void move_source(std::filesystem::path to) { source_ = std::move(to); }
  [[nodiscard]] std::filesystem::path repository() const { return directory_.path() / "repository"; }
  [[nodiscard]] std::filesystem::path key_file() const { return directory_.path() / "repository.key"; }
  [[nodiscard]] std::filesystem::path restored() const { return directory_.path() / "restored"; }
  [[nodiscard]] std::filesystem::path witness() const { return directory_.path() / "witness"; }
  [[nodiscard]] std::filesystem::path stored_wal() const { return directory_.path() / "wal"; }
  [[nodiscard]] const std::filesystem::path& path() const { return directory_.path(); }
  [[nodiscard]] const std::optional<process::OsUser>& user() const { return user_; }
  // An executable that the servers' user can run: this one, or a copy in the workplace.
  [[nodiscard]] const std::filesystem::path& lifeboat() const { return lifeboat_; }

  // Removes everything; what could not be, empty when all went.
  [[nodiscard]] std::string remove() { return directory_.remove(); }
  void keep() { directory_.keep(); }

 private:
  Workplace(server::OwnedDirectory directory, std::optional<process::OsUser> user, std::filesystem::path lifeboat)
      : directory_(std::move(directory)),
        source_(directory_.path() / "source"),
        user_(std::move(user)),
        lifeboat_(std::move(lifeboat)) {}

  server::OwnedDirectory directory_;
  std::filesystem::path source_;
  std::optional<process::OsUser> user_;
  std::filesystem::path lifeboat_;
};

}  // namespace harness::drill
