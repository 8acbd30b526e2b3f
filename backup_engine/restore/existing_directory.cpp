#include "backup_engine/restore/existing_directory.hpp"

#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>
#include <optional>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/is_there.hpp"
#include "backup_engine/postgres/control_file.hpp"
#include "backup_engine/restore/running_server.hpp"
#include "backup_engine/safety_copy.hpp"

namespace backup_engine::restore {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;

namespace {

Error not_empty(const fs::path& to, const std::string& remedy) {
  return Error(ErrorKind::already_exists, fmt::format("{} is not empty; nothing was touched", to.string()))
      .with_remedy(remedy);
}

bool is_safety_copy(const fs::directory_entry& entry) {
  return entry.path().filename() == safety_copy_name;
}

bool is_empty_but_for_a_safety_copy(const fs::path& to, std::error_code& error) {
  for (fs::directory_iterator entry(to, error), end; !error && entry != end; entry.increment(error)) {
    if (!is_safety_copy(*entry)) return false;
  }
  return true;
}

// Absent, or there and empty.
bool is_free(const fs::path& to) {
  std::error_code error;
  const auto status = fs::symlink_status(to, error);
  if (status.type() == fs::file_type::not_found) return true;
  const bool empty = fs::is_directory(status) && is_empty_but_for_a_safety_copy(to, error);
  if (error) throw Error(ErrorKind::permission, fmt::format("cannot look into {}: {}", to.string(), error.message()));
  if (!fs::is_directory(status)) throw not_empty(to, "Restore into an absent or empty directory.");
  return empty;
}

void require_cluster(const fs::path& to, const postgres::ControlFile& control, const std::string& cluster,
                     std::uint64_t system_identifier) {
  if (control.system_identifier == system_identifier) return;
  throw Error(ErrorKind::mismatch,
              fmt::format("{} is the data directory of another cluster: its system identifier is {}, that of {} is {}; "
                          "nothing was touched",
                          to.string(), control.system_identifier, cluster, system_identifier))
      .with_remedy("Look whether --to and --cluster are the right ones.");
}

postgres::ControlFile read_control(const fs::path& to, const char* name) {
  try {
    const auto text = base::read_file(to / "global" / name);
    return postgres::parse_control_file(std::as_bytes(std::span(text)));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt && error.kind() != ErrorKind::unsupported) throw;
    throw Error(ErrorKind::already_exists,
                fmt::format("{} is not empty, and cannot be told to be of this cluster: its global/{} is no pg_control "
                            "of PostgreSQL 15 to 18 ({}); nothing was touched",
                            to.string(), name, error.what()))
        .with_remedy("Restore into an absent or empty directory.");
  }
}

void note_tablespaces(const fs::path& to, ExistingDirectory& existing) {
  std::error_code error;
  for (fs::directory_iterator entry(to / "pg_tblspc", error), end; !error && entry != end; entry.increment(error)) {
    if (!entry->is_symlink()) continue;
    const auto place = fs::read_symlink(entry->path()).lexically_normal();
    existing.tablespaces.insert(place);
    existing.links[(fs::path("pg_tblspc") / entry->path().filename()).string()] = place;
  }
}

}  // namespace

bool holds_nothing_but_a_mark(const fs::path& to) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(to, error)) {
    if (is_safety_copy(entry)) continue;
    if (entry.path().filename() != "global" || !entry.is_directory() || entry.is_symlink()) return false;
  }
  for (const auto& entry : fs::directory_iterator(to / "global", error)) {
    if (entry.path().filename() != mark_name) return false;
  }
  return !error;
}

ExistingDirectory examine(const fs::path& to, ExistingFiles wanted, const std::string& cluster,
                          std::uint64_t system_identifier) {
  if (is_free(to)) return {};
  ExistingDirectory existing;
  if (base::is_there(to / "global" / control_name)) {
    if (wanted == ExistingFiles::refuse) {
      throw not_empty(to,
                      "Restore into an absent or empty directory; --delta or --in-place restore over a data directory "
                      "of this cluster.");
    }
    require_cluster(to, read_control(to, control_name), cluster, system_identifier);
    require_no_server(to);
    existing.found = Found::cluster;
  } else if (holds_nothing_but_a_mark(to)) {
    existing.found = Found::begun;
  } else if (base::is_there(to / "global" / mark_name)) {
    require_cluster(to, read_control(to, mark_name), cluster, system_identifier);
    require_no_server(to);
    existing.found = Found::begun;
  } else {
    throw not_empty(to, wanted == ExistingFiles::refuse
                            ? "Restore into an absent or empty directory."
                            : "It has no global/pg_control and no mark of a restore, so it is no data directory that "
                              "could be told to be of this cluster. Restore into an absent or empty directory.");
  }
  note_tablespaces(to, existing);
  return existing;
}

void require_no_server(const fs::path& to) {
  const auto server = find_server_of(to);
  if (!server) return;
  throw Error(ErrorKind::usage, fmt::format("a server runs in {}: {}; nothing was touched", to.string(), *server))
      .with_remedy(fmt::format("Stop it first: pg_ctl stop -D {}", to.string()));
}

DirectoryLock::DirectoryLock(const fs::path& directory) : fd_(base::open_for_reading(directory)) {
  if (::flock(fd_.get(), LOCK_EX | LOCK_NB) == 0) return;
  if (errno != EWOULDBLOCK) throw base::system_error(errno, "lock", directory.string());
  throw Error(ErrorKind::usage, fmt::format("another restore into {} is at work", directory.string()))
      .with_remedy("Let it end, or end it, and restore again.");
}

}  // namespace backup_engine::restore
