// A server that is restored only so that something can be taken out of it, and that is thrown away afterwards: one
// database of a cluster as it was at a target, in quarantine, promoted, so that it may be changed at will. Everything
// of it lies in one private directory that goes with it on every path (docs/extract.md, "The scratch server").
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

#include "backup_engine/base/progress.hpp"
#include "harness/process/subprocess.hpp"
#include "harness/restore/restore.hpp"
#include "harness/server/installation.hpp"
#include "harness/server/owned_directory.hpp"
#include "harness/server/server.hpp"

namespace harness::restore {

struct ScratchOrder {
  RestoreOrder files;                 // `to` and what becomes of tablespaces are chosen here, as is the action: promote
  server::Installation installation;  // of the backup's major
  std::optional<process::OsUser> run_as;
  std::filesystem::path parent;        // the private directory is made below it; the server's user can reach it
  std::string superuser = "postgres";  // the cluster's first one
  std::filesystem::path log_file;      // empty: in the private directory
  std::chrono::seconds recovery_limit{3600};
};

class Scratch {
 public:
  // Reclaims what dead runs left below `parent`, restores (of files.databases only these have content), recovers,
  // promotes. Blocks until the server takes writes. Throws base::Error as restore_files and wait_until_writable do,
  // corrupt when WAL refers to pages of a wanted database that the backup lacks; no_space and what is unreachable for
  // the server's user (usage) are found out before anything is written. What was made is gone when it throws.
  [[nodiscard]] static Scratch make(const ScratchOrder& order, backup_engine::base::Progress& progress,
                                    const std::stop_token& stop);
  Scratch(Scratch&&) noexcept = default;
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch() = default;  // as remove(), without a word

  [[nodiscard]] server::Server& server() { return *server_; }
  [[nodiscard]] std::string conninfo(const std::string& database) const { return server_->conninfo(database); }
  [[nodiscard]] const Restored& restored() const { return restored_; }
  [[nodiscard]] const Milestones& milestones() const { return milestones_; }

  // Ends the server and removes the directory; what could not be removed is the text, empty when all went.
  [[nodiscard]] std::string remove();

 private:
  explicit Scratch(server::OwnedDirectory directory) : directory_(std::move(directory)) {}

  server::OwnedDirectory directory_;
  std::optional<server::Server> server_;  // goes before its directory
  Restored restored_;
  Milestones milestones_;
};

}  // namespace harness::restore
