// Which files of a data directory a backup holds, decided by name alone (docs/formats/backup.md, "What is left out").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace backup_engine::backup {

// A relation's file: OID[_fsm|_vm|_init][.SEGMENT].
struct RelationFile {
  std::string relation;  // the digits
  std::string fork;      // empty for the main fork, else fsm, vm or init
  std::uint32_t segment = 0;
};
[[nodiscard]] std::optional<RelationFile> parse_relation_file(std::string_view name);

// tBACKEND_OID…: a temporary relation, gone with its session.
[[nodiscard]] bool is_temporary_relation(std::string_view name);

// Files and directories that are never part of a backup, wherever they lie.
[[nodiscard]] bool is_left_out(std::string_view name);

// As above, but only directly in the data directory: what would make a restored server recover in another way.
[[nodiscard]] bool is_left_out_at_top(std::string_view name);

// Directories at the top whose contents are left out while they themselves are kept.
[[nodiscard]] bool is_kept_empty(std::string_view top_directory);

// Whether PostgreSQL keeps its own data at `path` (relative to the data directory) or below.
[[nodiscard]] bool is_of_postgres(std::string_view path);

// Whether the files of a directory (relative to the data directory) are relations: global, base/DB,
// pg_tblspc/OID/PG_…/DB.
[[nodiscard]] bool holds_relations(std::string_view directory);

// The relation that the file at `path` belongs to, when it is one's.
[[nodiscard]] std::optional<RelationFile> relation_at(std::string_view path);

// All of the above at once, for who only has the path: whether a backup holds what lies there. Other forks of unlogged
// relations than _init are not known by their name.
[[nodiscard]] bool belongs_to_backup(std::string_view path);

}  // namespace backup_engine::backup
