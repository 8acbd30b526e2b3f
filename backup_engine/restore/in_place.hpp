// A restore in place, as far as it is about the cluster that is there: what it needs to be confirmed, where its safety
// copy goes, and setting it aside. Defined in docs/restore.md, "In place, with a safety copy".
#pragma once

#include <filesystem>
#include <optional>

#include "backup_engine/base/error.hpp"
#include "backup_engine/restore/existing_directory.hpp"
#include "backup_engine/restore/plan.hpp"
#include "backup_engine/restore/safety_journal.hpp"

namespace backup_engine::restore {

class InPlace {
 public:
  // `request.to` is resolved. An earlier one that was cut off before it had set everything aside is put back first; one
  // that was cut off later goes on. Throws Error, and nothing was touched: usage (no confirmation; a server runs; a
  // mount point in the way; somebody else is at it), mismatch (another identifier), not_found (no cluster there),
  // already_exists (a safety copy is there, or something else than a cluster).
  InPlace(const RestoreRequest& request, base::FileSystem& file_system);

  // Of the restore that goes on; null when one begins.
  [[nodiscard]] const SafetyJournal* begun() const { return going_on_ ? &journal_ : nullptr; }
  // Durably. Behind it `plan.to` is absent, or holds the safety copy alone, or is the unfinished restore's. On an error
  // the old cluster is where it was, as far as that can be done.
  void set_aside(Plan& plan, const std::string& backup_label);

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  // Of a restore that failed: with how to get the old cluster back.
  [[nodiscard]] base::Error with_way_back(const base::Error& error) const;

 private:
  void go_on_from(const std::filesystem::path& folder);
  void begin();
  void require_confirmed(std::uint64_t found) const;
  void note_tablespaces(const Plan& plan);
  void make_folder();

  const RestoreRequest& request_;
  base::FileSystem& files_;
  std::filesystem::path folder_;
  std::optional<DirectoryLock> lock_;
  SafetyJournal journal_;
  bool going_on_ = false, holds_ = false;
};

}  // namespace backup_engine::restore
