// The safety copy of a restore in place: the cluster that was there, moved aside by rename before anything is written,
// until somebody puts it back or lets it go. Defined in docs/restore.md, "In place, with a safety copy"; its journal in
// docs/formats/safety-copy.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/postgres/timeline.hpp"
#include "backup_engine/repository.hpp"

namespace backup_engine {

// Beside the data directory (main.lifeboat-safety-copy), or in one that is a mount point. No backup takes the latter.
inline constexpr std::string_view safety_copy_name = "lifeboat-safety-copy";

// How far it got. At every moment the old cluster is whole in one of two places; what has been begun is ended by doing
// the same again.
enum class SafetyCopyState {
  setting_aside,  // the old cluster is being moved aside; nothing new is there
  set_aside,      // it is all aside; what lies in its place is the restore's
  clearing,       // rolling back: what the restore put there is being moved away
  returning,      // rolling back, or a restore that was refused after all: the old cluster is being moved back
  returned,       // it is all back; what the restore had put there is being removed
  dropping,       // the safety copy is being removed
};
[[nodiscard]] std::string_view to_string(SafetyCopyState state);

enum class InItsPlace { nothing, unfinished_restore, cluster };  // of the old cluster

struct SafetyCopy {
  std::filesystem::path folder, data_directory;
  SafetyCopyState state = SafetyCopyState::setting_aside;
  base::UtcTime taken_at;
  std::string cluster;            // as the repository calls it
  RepositoryLocation repository;  // that was restored from
  std::string backup_label;       // that was restored
  std::uint64_t system_identifier = 0;
  postgres::TimelineId timeline;                   // of the old cluster
  std::vector<std::filesystem::path> tablespaces;  // their folders, where they are kept
  InItsPlace in_its_place = InItsPlace::nothing;
};

// All below take the data directory. Throw Error: not_found (it has no safety copy), corrupt (its journal), mismatch
// (it is another directory's), permission.
[[nodiscard]] SafetyCopy find_safety_copy(const std::filesystem::path& data_directory);
// Of what it keeps, on disk.
[[nodiscard]] std::uint64_t size_bytes(const SafetyCopy& copy);

// Puts the old cluster back as it was, and then removes what the restore and the restored server had put in its place.
// Throws also: usage (a server runs there, it is being dropped, somebody else is at it), mismatch and already_exists
// (what lies in its place is no restore of it), io. What was begun is ended by calling it again.
void roll_back_safety_copy(const std::filesystem::path& data_directory);

// Removes it. Throws also: usage (the restore has not ended, or a roll-back has begun; somebody else is at it), io.
void drop_safety_copy(const std::filesystem::path& data_directory);

}  // namespace backup_engine
