#include "backup_engine/backup/file_rules.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "backup_engine/safety_copy.hpp"

namespace backup_engine::backup {

namespace {

template <std::size_t count>
bool one_of(const std::array<std::string_view, count>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Takes the digits at the front of `text` away and returns them.
std::string_view take_digits(std::string_view& text) {
  std::size_t count = 0;
  while (count < text.size() && text[count] >= '0' && text[count] <= '9') ++count;
  const auto digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

}  // namespace

std::optional<RelationFile> parse_relation_file(std::string_view name) {
  RelationFile file;
  file.relation = take_digits(name);
  if (file.relation.empty() || file.relation.front() == '0') return std::nullopt;
  for (const std::string_view fork : {"fsm", "vm", "init"}) {
    if (name.starts_with('_') && name.substr(1).starts_with(fork)) {
      file.fork = fork;
      name.remove_prefix(1 + fork.size());
      break;
    }
  }
  if (name.empty()) return file;
  if (name.front() != '.') return std::nullopt;
  name.remove_prefix(1);
  const auto digits = take_digits(name);
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), file.segment);
  if (digits.empty() || !name.empty() || result.ec != std::errc()) return std::nullopt;
  return file;
}

bool is_temporary_relation(std::string_view name) {
  if (!name.starts_with('t')) return false;
  name.remove_prefix(1);
  if (take_digits(name).empty() || !name.starts_with('_')) return false;
  return parse_relation_file(name.substr(1)).has_value();
}

bool is_left_out(std::string_view name) {
  constexpr std::array<std::string_view, 7> names = {
      "postmaster.pid", "postmaster.opts", "postgresql.auto.conf.tmp", "current_logfiles.tmp",
      "backup_label",   "tablespace_map",  "backup_manifest"};
  return one_of(names, name) || name.starts_with("pg_internal.init") || name.starts_with("pgsql_tmp");
}

bool is_left_out_at_top(std::string_view name) {
  constexpr std::array<std::string_view, 6> names = {"standby.signal",   "recovery.signal",    "recovery.conf",
                                                     "backup_label.old", "tablespace_map.old", safety_copy_name};
  return one_of(names, name);
}

bool is_of_postgres(std::string_view path) {
  // Configuration is looked after elsewhere; log_directory was pg_log before PostgreSQL 10.
  if (path == "pg_hba.conf" || path == "pg_ident.conf") return false;
  const auto top = path.substr(0, path.find('/'));
  if (top == "pg_log") return false;
  return top.empty() || top == "base" || top == "global" || top.starts_with("pg_");
}

bool holds_relations(std::string_view directory) {
  const auto depth = std::count(directory.begin(), directory.end(), '/') + 1;
  if (directory == "global") return true;
  if (depth == 2) return directory.starts_with("base/");
  return depth == 4 && directory.starts_with("pg_tblspc/");
}

std::optional<RelationFile> relation_at(std::string_view path) {
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos || !holds_relations(path.substr(0, slash))) return std::nullopt;
  return parse_relation_file(path.substr(slash + 1));
}

bool belongs_to_backup(std::string_view path) {
  const auto top = path.substr(0, path.find('/'));
  if ((top.size() == path.size() || top == safety_copy_name) && is_left_out_at_top(top)) return false;
  if (top.size() != path.size() && is_kept_empty(top)) {
    return path == "pg_wal/archive_status" || path == "pg_wal/summaries";
  }
  for (auto rest = path; !rest.empty();) {
    const auto name = rest.substr(0, rest.find('/'));
    if (is_left_out(name)) return false;
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
  }
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos || !holds_relations(path.substr(0, slash)) ||
         !is_temporary_relation(path.substr(slash + 1));
}

bool is_kept_empty(std::string_view top_directory) {
  constexpr std::array<std::string_view, 8> names = {"pg_wal",    "pg_replslot",  "pg_dynshmem", "pg_notify",
                                                     "pg_serial", "pg_snapshots", "pg_subtrans", "pg_stat_tmp"};
  return one_of(names, top_directory);
}

}  // namespace backup_engine::backup
