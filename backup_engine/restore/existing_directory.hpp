// What lies where a restore is to go, and whether it may be written over. Defined in docs/restore.md.
//
// A restore first puts its mark, global/pg_control.lifeboat-restoring: the pg_control of the cluster that was there,
// renamed, or the backup's. The mark is durable before anything else is touched; the last rename takes it away and puts
// pg_control in place. So whatever has a mark belongs to a restore that did not end, and no server starts in it.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "backup_engine/base/file.hpp"
#include "backup_engine/restore.hpp"

namespace backup_engine::restore {

inline constexpr const char* control_name = "pg_control";
inline constexpr const char* mark_name = "pg_control.lifeboat-restoring";
inline constexpr const char* next_control_name = "pg_control.lifeboat-next";

enum class Found { nothing, begun, cluster };  // begun: a restore that did not end

struct ExistingDirectory {
  Found found = Found::nothing;
  std::set<std::filesystem::path> tablespaces;         // where its links in pg_tblspc lead; absolute
  std::map<std::string, std::filesystem::path> links;  // the same by link: pg_tblspc/16388
};

// `to` is absolute. Throws Error: already_exists (neither empty nor a data directory, or one that `wanted` does not let
// be written over), mismatch (another cluster's), usage (its server runs).
[[nodiscard]] ExistingDirectory examine(const std::filesystem::path& to, ExistingFiles wanted,
                                        const std::string& cluster, std::uint64_t system_identifier);

// A restore that was ended before its mark was durable has made nothing but this. A safety copy in it does not count.
[[nodiscard]] bool holds_nothing_but_a_mark(const std::filesystem::path& to);

// Throws Error(usage) when a server runs in `to`.
void require_no_server(const std::filesystem::path& to);

// Kept while a restore works in a directory; gone with the process however it ends.
class DirectoryLock {
 public:
  // `directory` exists. Throws Error(usage) when another restore holds it.
  explicit DirectoryLock(const std::filesystem::path& directory);

 private:
  base::UniqueFd fd_;
};

}  // namespace backup_engine::restore
