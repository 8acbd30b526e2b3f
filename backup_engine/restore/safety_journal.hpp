// What a safety copy says of itself: whose cluster it keeps, what was moved whence, and how far that got. Durable
// before the first move, and after each step. Defined in docs/formats/safety-copy.md.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "backup_engine/base/file_system.hpp"
#include "backup_engine/restore.hpp"
#include "backup_engine/safety_copy.hpp"

namespace backup_engine::restore {

inline constexpr const char* safety_journal_name = "journal.json";
inline constexpr const char* next_safety_journal_name = "journal.json.next";

// A place that the restore writes a tablespace to.
struct SafetyTablespace {
  std::string link;                // pg_tblspc/16388
  std::filesystem::path location;  // absolute
  std::string version_directory;   // PG_15_202209061
  bool keeps = false;              // the old cluster's is set aside there
  bool made = false;               // the restore made the location itself

  [[nodiscard]] std::filesystem::path in_use() const { return location / version_directory; }
  [[nodiscard]] std::filesystem::path aside() const;
  [[nodiscard]] std::filesystem::path undone() const;
};

struct SafetyJournal {
  SafetyCopyState state = SafetyCopyState::setting_aside;
  SafetyCopyLayout layout = SafetyCopyLayout::beside;  // never automatic
  base::UtcTime taken_at;
  std::filesystem::path data_directory;  // absolute
  std::string cluster;
  RepositoryLocation repository;
  std::string backup_label;
  std::uint64_t system_identifier = 0;
  postgres::TimelineId timeline;  // of the old cluster
  std::vector<SafetyTablespace> tablespaces;
};

[[nodiscard]] std::string encode(const SafetyJournal& journal);
// Throws Error: corrupt naming `object`, unsupported (a later version).
[[nodiscard]] SafetyJournal decode_safety_journal(const std::string& text, const std::string& object);

// The folder of the safety copy that `data_directory` has; nullopt when it has none. One that was made and holds no
// journal is none yet.
[[nodiscard]] std::optional<std::filesystem::path> find_safety_folder(const std::filesystem::path& data_directory);
[[nodiscard]] std::filesystem::path safety_folder(const std::filesystem::path& data_directory, SafetyCopyLayout layout);

// Throws Error: corrupt, unsupported, mismatch (of another data directory), permission.
[[nodiscard]] SafetyJournal read_safety_journal(const std::filesystem::path& folder,
                                                const std::filesystem::path& data_directory);
// Whole or not at all, and durable. The folder exists; the journal belongs to whom the folder belongs.
void write_safety_journal(const SafetyJournal& journal, const std::filesystem::path& folder,
                          base::FileSystem& file_system);

}  // namespace backup_engine::restore
