#include "backup_engine/backup/source_files.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>
#include <utility>

#include "backup_engine/backup/file_rules.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/page.hpp"

namespace backup_engine::backup {

namespace fs = std::filesystem;

namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// The names in a directory, sorted; nullopt when it has gone.
std::optional<std::vector<std::string>> names_in(const fs::path& path) {
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
  if (!directory) {
    if (errno == ENOENT) return std::nullopt;
    throw base::system_error(errno, "open the directory", path.string());
  }
  std::vector<std::string> names;
  errno = 0;
  while (const auto* entry = ::readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  if (errno != 0) throw base::system_error(errno, "read the directory", path.string());
  std::sort(names.begin(), names.end());
  return names;
}

// Follows links; nullopt when it has gone, or is a link that leads nowhere: to itself, or through a file.
std::optional<struct stat> status_of(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) return status;
  if (errno == ENOENT || errno == ELOOP || errno == ENOTDIR) return std::nullopt;
  throw base::system_error(errno, "look at", path.string());
}

SourceEntry entry_of(const struct stat& status, std::string path) {
  return {std::move(path), status.st_mode & 07777U, status.st_uid, status.st_gid};
}

base::UtcTime modification_time(const struct stat& status) {
  const auto since_epoch =
      std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
  return base::UtcTime(std::chrono::duration_cast<std::chrono::microseconds>(since_epoch));
}

// Which directory it is, by whatever path it is reached.
using DirectoryId = std::pair<dev_t, ino_t>;

DirectoryId id_of(const struct stat& status) {
  return {status.st_dev, status.st_ino};
}

class Lister {
 public:
  Lister(fs::path data_directory, std::string tablespace_version)
      : data_directory_(std::move(data_directory)), tablespace_version_(std::move(tablespace_version)) {}

  SourceListing list() {
    find_linked_tablespaces();
    listing_.data_directory = data_directory_.string();
    walk(data_directory_, "");
    return std::move(listing_);
  }

 private:
  // What a link of pg_tblspc leads to may lie inside the data directory (PostgreSQL warns, and does it): it is stored
  // as the tablespace that it is, not as a directory on the way to it.
  void find_linked_tablespaces() {
    const auto folder = data_directory_ / "pg_tblspc";
    for (const auto& oid : names_in(folder).value_or(std::vector<std::string>())) {
      std::error_code error;
      if (!parse_relation_file(oid) || !fs::is_symlink(folder / oid, error)) continue;
      if (const auto status = status_of(folder / oid / tablespace_version_)) linked_tablespaces_.insert(id_of(*status));
    }
  }

  void walk(const fs::path& location, const std::string& path) {
    const auto status = status_of(location);
    if (!status || linked_tablespaces_.contains(id_of(*status))) return;
    walk_into(location, path, *status);
  }

  void walk_into(const fs::path& location, const std::string& path, const struct stat& status) {
    // A link leads back to where we are. One that leads elsewhere in the data directory is followed like any other.
    if (std::find(ancestors_.begin(), ancestors_.end(), id_of(status)) != ancestors_.end()) return;
    const auto names = names_in(location);
    if (!names) return;
    listing_.directories.push_back(entry_of(status, path));
    ancestors_.push_back(id_of(status));
    list_names(location, path, *names);
    ancestors_.pop_back();
  }

  void list_names(const fs::path& location, const std::string& path, const std::vector<std::string>& names) {
    if (is_kept_empty(path)) return keep_subdirectories(location, path, names);
    if (path == "pg_tblspc") return walk_tablespaces(location, names);
    const bool relations = holds_relations(path);
    const auto unlogged = relations ? unlogged_relations(names) : std::set<std::string>();
    for (const auto& name : names) {
      if (is_left_out(name) || (path.empty() && is_left_out_at_top(name))) continue;
      if (relations && is_temporary_relation(name)) continue;
      const auto relation = relations ? parse_relation_file(name) : std::nullopt;
      if (relation && relation->fork != "init" && unlogged.contains(relation->relation)) continue;
      add(location / name, path.empty() ? name : fmt::format("{}/{}", path, name), relation);
    }
  }

  void add(const fs::path& location, const std::string& path, const std::optional<RelationFile>& relation) {
    const auto status = status_of(location);
    if (!status) return require_no_link(location, path);
    if (path == "global/pg_control") return;
    if (S_ISDIR(status->st_mode)) return walk(location, path);
    if (!S_ISREG(status->st_mode)) return;  // sockets and pipes are no data
    SourceFile file{entry_of(*status, path), static_cast<std::uint64_t>(status->st_size), modification_time(*status),
                    std::nullopt};
    if (relation) file.first_block = relation->segment * postgres::pages_per_segment_file;
    listing_.files.push_back(std::move(file));
  }

  // Elsewhere a link that leads nowhere is nobody's loss; here the server's data were behind it.
  static void require_no_link(const fs::path& location, const std::string& path) {
    std::error_code error;
    const auto target = fs::read_symlink(location, error);
    if (error || !is_of_postgres(path) || is_kept_empty(path)) return;
    throw base::Error(base::ErrorKind::io,
                      fmt::format("the link {} leads to {}, and nothing is there", location.string(), target.string()))
        .with_remedy("Mount what belongs there, and take the backup where the server's files are to be seen.");
  }

  // pg_wal/archive_status and pg_wal/summaries: the server wants them; what is in pg_replslot is a slot.
  void keep_subdirectories(const fs::path& location, const std::string& path, const std::vector<std::string>& names) {
    if (path != "pg_wal") return;
    for (const auto& name : names) {
      const auto status = name == "archive_status" || name == "summaries" ? status_of(location / name) : std::nullopt;
      if (status && S_ISDIR(status->st_mode))
        listing_.directories.push_back(entry_of(*status, fmt::format("{}/{}", path, name)));
    }
  }

  void walk_tablespaces(const fs::path& location, const std::vector<std::string>& names) {
    for (const auto& oid : names) {
      if (!parse_relation_file(oid)) continue;  // not a number
      const auto link = location / oid;
      const auto status = status_of(link);
      if (!status || !S_ISDIR(status->st_mode)) continue;
      std::error_code error;
      const auto target = fs::read_symlink(link, error);  // fails for an in-place tablespace
      const auto absolute = target.empty() || target.is_absolute() ? target : (location / target).lexically_normal();
      listing_.tablespaces.push_back({oid, absolute});
      listing_.directories.push_back(entry_of(*status, "pg_tblspc/" + oid));
      // Another major's server may use the same place (pg_upgrade): only this one's directory is ours.
      const auto ours = status_of(link / tablespace_version_);
      if (ours) walk_into(link / tablespace_version_, "pg_tblspc/" + oid + "/" + tablespace_version_, *ours);
    }
  }

  static std::set<std::string> unlogged_relations(const std::vector<std::string>& names) {
    std::set<std::string> relations;
    for (const auto& name : names) {
      const auto file = parse_relation_file(name);
      if (file && file->fork == "init") relations.insert(file->relation);
    }
    return relations;
  }

  fs::path data_directory_;
  std::string tablespace_version_;
  SourceListing listing_;
  std::set<DirectoryId> linked_tablespaces_;  // their directories of this version
  std::vector<DirectoryId> ancestors_;        // of what is being listed, from the data directory down
};

}  // namespace

SourceListing list_source(const fs::path& data_directory, const std::string& tablespace_version) {
  return Lister(data_directory, tablespace_version).list();
}

SourceEntry describe_entry(const fs::path& location, std::string path) {
  const auto status = status_of(location);
  if (!status) throw base::system_error(ENOENT, "look at", location.string());
  return entry_of(*status, std::move(path));
}

}  // namespace backup_engine::backup
