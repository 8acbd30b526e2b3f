#include "harness/restore/scratch.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <sstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/restore/foreign_cluster.hpp"
#include "harness/restore/surroundings.hpp"
#include "harness/server/work_directory.hpp"

namespace harness::restore {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
using base::Deadline;
using base::Error;
using base::ErrorKind;

namespace {

void require_reachable(const ScratchOrder& order) {
  if (!server::can_reach(order.parent, order.run_as)) {
    throw Error(ErrorKind::usage, fmt::format("the scratch server's user {} cannot reach {}",
                                              order.run_as ? order.run_as->name : "(you)", order.parent.string()))
        .with_remedy("name a directory with --work-dir that this user may pass through, or another user with --run-as");
  }
  require_readable(order.files.repository, order.files.key_file, order.run_as);
}

// The server's user may not be able to see the directory of this executable.
fs::path executable_for(const ScratchOrder& order, const fs::path& directory) {
  const auto& own = order.files.lifeboat;
  if (server::can_reach(own.parent_path(), order.run_as)) return own;
  auto copy = directory / "lifeboat";
  fs::copy_file(own, copy);
  if (::chmod(copy.c_str(), 0755) != 0) throw base::system_error(errno, "change the mode of", copy.string());
  return copy;
}

// Only the databases that are wanted. One that the backup does not have was made later, and comes from WAL alone,
// whichever are restored; a backup that names none is restored whole.
Restored restore_wanted(RestoreOrder files, base::Progress& progress, const std::stop_token& stop) {
  try {
    return restore_files(files, progress, stop);
  } catch (const Error& error) {
    const bool unknown = error.kind() == ErrorKind::not_found, nameless = error.kind() == ErrorKind::unsupported;
    if (files.databases.empty() || !(unknown || nameless)) throw;
    files.databases = unknown ? std::vector<std::string>{"postgres"} : std::vector<std::string>();
  }
  return restore_files(files, progress, stop);
}

Restored restore_into(RestoreOrder files, const fs::path& directory, base::Progress& progress,
                      const std::stop_token& stop) {
  files.to = directory / "data";
  files.other_tablespaces = directory / "tablespaces";
  files.target.action = Action::promote;
  try {
    return restore_wanted(std::move(files), progress, stop);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::no_space) throw;
    throw Error(ErrorKind::no_space, fmt::format("no room for the scratch server: {}", error.what()))
        .with_remedy("name a directory on a larger file system with --work-dir");
  }
}

// The number of the database whose file this is: base/OID/FILE, pg_tblspc/OID/PG_…/OID/FILE; 0 for global/FILE.
std::string database_of(const std::string& file) {
  if (file.starts_with("global/")) return "0";
  const auto parent = file.substr(0, file.rfind('/'));
  return parent.substr(parent.rfind('/') + 1);
}

// While other databases are hollow, replay passes over pages that are not there; in one that was wanted such a page is
// damage (docs/restore-database.md).
void refuse_lost_pages(server::Server& server, const std::vector<std::string>& wanted) {
  if (wanted.empty()) return;
  std::map<std::string, std::string> whole = {{"0", "what all databases share"}};
  for (const auto& row : server.connect().query("SELECT oid, datname FROM pg_database")) {
    const bool named = std::find(wanted.begin(), wanted.end(), *row[1]) != wanted.end();
    if (named || row[1] == "postgres" || row[1]->starts_with("template")) whole[*row[0]] = *row[1];
  }
  constexpr std::string_view before = " of relation ";
  std::istringstream log(base::read_file(server.options().log_file));
  for (std::string line; std::getline(log, line);) {
    const auto at = line.find(before);
    if (at == std::string::npos || line.find("page ") == std::string::npos) continue;
    const auto file = line.substr(at + before.size(), line.find(' ', at + before.size()) - at - before.size());
    const auto damaged = whole.find(database_of(file));
    if (damaged == whole.end()) continue;
    throw Error(ErrorKind::corrupt, fmt::format("the backup lacks a page of {} that its WAL refers to: {}",
                                                damaged->second, line.substr(line.find("page "))))
        .with_remedy("run `lifeboat verify`, and choose another backup with --backup");
  }
}

}  // namespace

Scratch Scratch::make(const ScratchOrder& order, base::Progress& progress, const std::stop_token& stop) {
  require_reachable(order);
  server::reclaim_abandoned(order.parent);
  Scratch scratch(server::OwnedDirectory::create(order.parent, order.run_as));
  const auto directory = scratch.directory_.path();
  fs::create_directory(directory / "tablespaces");
  // Until the server is promoted: then it asks for nothing more.
  const auto wal = ServedWal::where_needed({order.files.repository, order.files.cluster, order.files.key_file},
                                           order.run_as, surroundings());
  auto files = order.files;
  if (wal) files.wal_socket = wal->socket();
  files.lifeboat = executable_for(order, directory);
  scratch.restored_ = restore_into(files, directory, progress, stop);
  give_to(order.run_as, directory / "data");
  give_to(order.run_as, directory / "tablespaces");

  server::ServerOptions options;
  options.installation = order.installation;
  options.data_directory = directory / "data";
  options.log_file = order.log_file.empty() ? directory / "server.log" : order.log_file;
  const auto access_rules = write_access_rules(directory / "pg_hba.conf", order.run_as);
  options.settings = settings_of_foreign_cluster(order.installation.version.major(), access_rules);
  options.isolation = isolation_of(files, access_rules);
  options.run_as = order.run_as;
  options.superuser = order.superuser;
  const auto started = base::utc_now();
  scratch.server_.emplace(server::Server::start(std::move(options)));
  scratch.milestones_ = wait_until_writable(*scratch.server_, started, Deadline::after(order.recovery_limit), stop);
  refuse_lost_pages(*scratch.server_, order.files.databases);
  return scratch;
}

std::string Scratch::remove() {
  server_.reset();
  return directory_.remove();
}

}  // namespace harness::restore
