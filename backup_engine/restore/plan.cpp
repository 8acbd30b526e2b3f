#include "backup_engine/restore/plan.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

#include "backup_engine/base/digits.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/path_order.hpp"
#include "backup_engine/base/space.hpp"
#include "backup_engine/postgres/control_file.hpp"
#include "backup_engine/restore/hollow_databases.hpp"
#include "backup_engine/restore/restored_texts.hpp"
#include "backup_engine/restore/running_server.hpp"

namespace backup_engine::restore {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;

namespace {

// A cluster among a repository's objects would be debris there, and go with them.
void require_outside(const RepositoryLocation& repository, const fs::path& path) {
  std::error_code ignored;
  const auto place = fs::weakly_canonical(path, ignored), objects = fs::weakly_canonical(repository.text, ignored);
  if (place.empty() || objects.empty() || (!base::lies_in(place, objects) && !base::lies_in(objects, place))) return;
  throw Error(ErrorKind::usage,
              fmt::format("{} and the repository {} would be in one another", path.string(), repository.text))
      .with_remedy("Restore into a directory beside the repository.");
}

bool is_data_directory(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path / "PG_VERSION", ignored) && fs::exists(path / "global" / control_name, ignored);
}

// PG_15_202209061: what a tablespace has of a cluster.
bool is_version_directory(const fs::path& path) {
  const auto name = path.filename().string();
  const std::string_view prefix = "PG_";
  if (!name.starts_with(prefix)) return false;
  const auto rest = std::string_view(name).substr(prefix.size());
  const auto separator = rest.find('_');
  return separator != std::string_view::npos && base::is_number(rest.substr(0, separator)) &&
         base::is_number(rest.substr(separator + 1));
}

// A server takes what lies among its files for its own: a restore's would go with them, or stand in their way.
void require_outside_of_clusters(const fs::path& path) {
  std::error_code ignored;
  auto place = fs::weakly_canonical(path, ignored);
  if (place.empty()) place = path;
  for (auto above = place; above.has_relative_path(); above = above.parent_path()) {
    const bool in_cluster = above != place && is_data_directory(above);
    if (!in_cluster && !is_version_directory(above)) continue;
    throw Error(ErrorKind::usage,
                fmt::format("{} would lie inside {}, which is {}; nothing was touched", path.string(), above.string(),
                            in_cluster ? "another data directory" : "a tablespace's directory of a cluster"))
        .with_remedy("Name a directory outside of every cluster's files.");
  }
}

// pg_tblspc/OID/… belongs below its tablespace's new place, everything else below `to`.
fs::path place_of(const std::string& path, const Plan& plan) {
  for (const auto& tablespace : plan.tablespaces) {
    if (path.starts_with(tablespace.link + "/")) return tablespace.location / path.substr(tablespace.link.size() + 1);
  }
  return plan.to / path;
}

// A repository is data that came from elsewhere: no name in it may lead out of the directory.
void require_relative(const std::string& path) {
  const fs::path checked(path);
  const bool climbs = std::find(checked.begin(), checked.end(), "..") != checked.end();
  if (checked.is_absolute() || climbs || path.empty()) {
    throw Error(ErrorKind::corrupt, fmt::format("the backup names a file outside its data directory: {}", path));
  }
}

std::vector<std::string> names_of(const std::set<fs::path>& paths) {
  std::vector<std::string> names;
  names.reserve(paths.size());
  for (const auto& path : paths) names.push_back(path.string());
  return names;
}

// The directory's own link leads to it; but the directory may be a copy of one that is in use.
void require_unused(const fs::path& location, const Plan& plan) {
  const auto server = find_server_with_tablespace(location);
  if (!server) return;
  throw Error(ErrorKind::usage, fmt::format("a running server has a tablespace at {}: {}; nothing was touched",
                                            location.string(), *server))
      .with_remedy(fmt::format("Map it to an absent or empty directory; the link in {} is a copy of that server's.",
                               (plan.to / "pg_tblspc").string()));
}

// An existing tablespace is written over only where the directory's own link leads to it.
void require_free_or_own(const fs::path& location, const Plan& plan) {
  if (plan.existing.tablespaces.contains(location)) return require_unused(location, plan);
  std::error_code error;
  const auto status = fs::symlink_status(location, error);
  if (status.type() == fs::file_type::not_found) return;
  if (fs::is_directory(status) && fs::is_empty(location, error) && !error) return;
  if (error)
    throw Error(ErrorKind::permission, fmt::format("cannot look into {}: {}", location.string(), error.message()));
  auto refusal =
      Error(ErrorKind::already_exists, fmt::format("{} is not empty; nothing was touched", location.string()));
  if (plan.existing.tablespaces.empty())
    throw refusal.with_remedy("Put the tablespace into an absent or empty directory.");
  throw refusal.with_remedy(
      fmt::format("Put the tablespace into an absent or empty directory, or where a link of {} leads: {}.",
                  (plan.to / "pg_tblspc").string(), fmt::join(names_of(plan.existing.tablespaces), ", ")));
}

void plan_tablespace(const store::FileEntry& entry, const RestoreRequest& request, Plan& plan) {
  const auto mapped = request.tablespace_map.find(entry.link_target);
  const bool is_mapped = mapped != request.tablespace_map.end();
  // In place it goes where it was, unless it is told otherwise.
  const auto link = plan.existing.links.find(entry.path);
  const bool stays = !is_mapped && request.existing == ExistingFiles::set_aside && link != plan.existing.links.end();
  if (!is_mapped && !stays && request.other_tablespaces.empty()) {
    throw Error(ErrorKind::usage,
                fmt::format("the backup has a tablespace at {} and nothing says where to put it", entry.link_target))
        .with_remedy(fmt::format(
            "Add --tablespace-map '{}=NEW_DIRECTORY'{}.", entry.link_target,
            entry.link_target.find('=') == std::string::npos ? "" : ", with each = of the old path written \\="));
  }
  const auto unnamed = stays ? link->second : request.other_tablespaces / fs::path(entry.path).filename();
  const auto location = normal_absolute(is_mapped ? mapped->second : unnamed);
  require_outside(request.repository, location);
  require_outside_of_clusters(location);
  if (base::lies_in(location, plan.to) || base::lies_in(plan.to, location)) {
    throw Error(ErrorKind::usage,
                fmt::format("the tablespace of {} cannot lie at {}: it and the data directory {} would "
                            "be in one another",
                            entry.link_target, location.string(), plan.to.string()));
  }
  require_free_or_own(location, plan);
  for (const auto& other : plan.tablespaces) {
    if (other.location == location) {
      throw Error(ErrorKind::usage, fmt::format("two tablespaces cannot both be put at {}", location.string()));
    }
  }
  plan.tablespaces.push_back({entry.path, location, entry});
}

struct Space {
  fs::path place;
  std::uint64_t needed_bytes = 0, there_bytes = 0;  // there: of files that are reused or go
};

// Places on one file system share its space.
class SpaceByDevice {
 public:
  void need(const fs::path& place, std::uint64_t bytes) {
    auto existing = place;
    while (!fs::exists(existing) && existing.has_relative_path()) existing = existing.parent_path();
    auto& space = spaces_[status_of(existing).st_dev];
    if (space.place.empty()) space.place = place;
    space.needed_bytes += bytes;
  }
  void count_existing(const fs::path& directory) {
    std::error_code error;
    for (fs::recursive_directory_iterator entry(directory, error), end; !error && entry != end;
         entry.increment(error)) {
      if (entry->path() == directory / safety_copy_name) entry.disable_recursion_pending();
      if (entry->is_symlink(error) || !entry->is_regular_file(error)) continue;
      const auto status = status_of(entry->path());
      constexpr std::uint64_t unit_bytes = 512;  // of st_blocks, whatever the file system's blocks are
      if (status.st_nlink != 1) continue;
      spaces_[status.st_dev].there_bytes += static_cast<std::uint64_t>(status.st_blocks) * unit_bytes;
    }
  }
  void require(std::string_view what) const {
    for (const auto& [device, space] : spaces_) {
      if (space.needed_bytes <= space.there_bytes) continue;
      base::require_space(what, space.place, space.needed_bytes - space.there_bytes);
    }
  }

 private:
  static struct stat status_of(const fs::path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) throw base::system_error(errno, "look at", path.string());
    return status;
  }
  std::map<dev_t, Space> spaces_;
};

const fs::path& top_of(std::string_view path, const Plan& plan) {
  for (const auto& tablespace : plan.tablespaces) {
    if (path.starts_with(tablespace.link + "/")) return tablespace.location;
  }
  return plan.to;
}

void require_space(const Plan& plan, ExistingFiles wanted) {
  SpaceByDevice spaces;
  std::map<fs::path, std::uint64_t> needed;
  for (const auto& file : plan.files) {
    needed[top_of(plan.table->path(file.row), plan)] += file.hollow ? 0 : plan.table->size_bytes(file.row);
  }
  for (const auto& [place, bytes] : needed) spaces.need(place, bytes);
  const bool stays = plan.existing.found == Found::cluster && wanted == ExistingFiles::set_aside;
  if (plan.existing.found != Found::nothing && !stays) {
    spaces.count_existing(plan.to);
    for (const auto& tablespace : plan.tablespaces) spaces.count_existing(tablespace.location / plan.version_directory);
  }
  spaces.require(stays ? "the restore beside the safety copy" : "the restore");
}

std::string version_directory(const store::BackupReader& reader, const store::FileEntry& control_entry) {
  const auto control = postgres::parse_control_file(read_whole(reader, control_entry));
  return fmt::format("PG_{}_{}", control.major, control.catalog_version);
}

}  // namespace

fs::path normal_absolute(const fs::path& path) {
  auto normal = fs::absolute(path).lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

PlannedFile Plan::file(std::size_t index) const {
  const auto& planned = files.at(index);
  auto entry = table->entry(planned.row);
  auto location = place_of(entry.path, *this).string();
  return {std::move(entry), std::move(location), planned.hollow};
}

namespace {

// What lies outside the data directory is not restored as a file.
void plan_tablespaces(const store::FileTable& table, const RestoreRequest& request, Plan& plan) {
  for (std::size_t row = 0; row < table.size(); ++row) {
    const auto entry = table.entry(row);
    if (entry.area == store::FileArea::external) continue;
    require_relative(entry.path);
    const bool tablespace = entry.kind == store::FileKind::symlink && entry.path.starts_with("pg_tblspc/");
    if (tablespace) plan_tablespace(entry, request, plan);
  }
}

// `replaced`: paths of files that this restore makes, or leaves out.
void plan_files(const store::FileTable& table, const HollowDatabases& hollow, const std::set<std::string>& replaced,
                Plan& plan) {
  for (std::size_t row = 0; row < table.size(); ++row) {
    auto entry = table.entry(row);
    if (entry.area == store::FileArea::external) continue;
    if (entry.path == ".") {
      plan.uid = entry.uid;
      plan.gid = entry.gid;
      continue;
    }
    if (entry.kind == store::FileKind::directory) {
      auto location = place_of(entry.path, plan).string();
      plan.directories.push_back({std::move(entry), std::move(location), false});
      continue;
    }
    if (entry.kind != store::FileKind::file || replaced.contains(entry.path) || hollow.removes(entry.path)) continue;
    const bool left_out = hollow.empties(entry.path);
    if (!left_out) plan.total_bytes += entry.size_bytes;
    if (entry.path == "global/pg_control") {
      auto location = place_of(entry.path, plan).string();
      plan.control = {std::move(entry), std::move(location), false};
    } else {
      plan.files.push_back({static_cast<std::uint32_t>(row), left_out});
    }
  }
}

void add_tablespaces(const SafetyJournal& begun, ExistingDirectory& existing) {
  for (const auto& tablespace : begun.tablespaces) {
    existing.tablespaces.insert(tablespace.location);
    existing.links[tablespace.link] = tablespace.location;
  }
}

}  // namespace

Plan make_plan(const store::BackupReader& reader, const RestoreRequest& request, const SafetyJournal* begun) {
  Plan plan;
  plan.to = request.to;
  require_outside(request.repository, plan.to);
  require_outside_of_clusters(plan.to);
  plan.existing = examine(plan.to, request.existing, request.cluster, reader.manifest().summary.system_identifier);
  if (begun != nullptr) add_tablespaces(*begun, plan.existing);
  plan.compares = plan.existing.found == Found::begun ||
                  (plan.existing.found == Found::cluster && request.existing == ExistingFiles::compare);

  const HollowDatabases hollow(reader.manifest(), request.databases);
  plan.hollow_databases = hollow.names();
  plan.table = &reader.files();
  plan_tablespaces(reader.files(), request, plan);
  auto texts = make_texts(reader, request);
  plan.texts = std::move(texts.files);
  plan.archiving_note = std::move(texts.archiving_note);
  std::set<std::string> replaced;
  for (const auto& text : plan.texts) replaced.insert(text.path);
  if (hollow.any()) replaced.insert("backup_manifest");  // it would vouch for files that are not there
  plan_files(reader.files(), hollow, replaced, plan);
  if (plan.control.entry.path.empty())
    throw Error(ErrorKind::corrupt, fmt::format("backup {} holds no pg_control", reader.manifest().summary.label));
  plan.version_directory = version_directory(reader, plan.control.entry);
  require_space(plan, request.existing);
  return plan;
}

}  // namespace backup_engine::restore
