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
#include "harness/server/quarantine.hpp"
#include "harness/server/work_directory.hpp"

namespace harness::restore {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
using base::Deadline;
using base::Error;
using base::ErrorKind;

namespace {

std::string name_of(const std::optional<process::OsUser>& user) {
  return user ? user->name : "(you)";
}

// What find, run as that user, prints first below a directory: a path, or its complaint; empty when all is readable.
std::string first_unreadable(const fs::path& directory, const std::optional<process::OsUser>& user) {
  constexpr auto patience = std::chrono::minutes(5);
  process::Command command;
  command.program = "/usr/bin/find";
  command.arguments = {directory.string(), "!", "-readable", "-print", "-quit"};
  command.run_as = user;
  const auto output = process::run(command, Deadline::after(patience)).output;
  return output.substr(0, output.find('\n'));
}

// restore_command runs as the server's user.
void require_reachable(const ScratchOrder& order) {
  if (!server::can_reach(order.parent, order.run_as)) {
    throw Error(ErrorKind::usage, fmt::format("the scratch server's user {} cannot reach {}", name_of(order.run_as),
                                              order.parent.string()))
        .with_remedy("name a directory with --work-dir that this user may pass through, or another user with --run-as");
  }
  const auto unreadable = first_unreadable(order.files.repository, order.run_as);
  if (!unreadable.empty()) {
    throw Error(ErrorKind::usage, fmt::format("the scratch server's user {} cannot read the repository: {}",
                                              name_of(order.run_as), unreadable))
        .with_remedy("it takes WAL from there itself: name the repository's owner with --run-as, or let it be read");
  }
  const auto& key_file = order.files.key_file;
  if (!key_file.empty() && !first_unreadable(fs::absolute(key_file), order.run_as).empty()) {
    throw Error(ErrorKind::usage, fmt::format("the scratch server's user {} cannot read the key file {}",
                                              name_of(order.run_as), key_file.string()))
        .with_remedy(
            "it takes WAL itself: name the key file's owner with --run-as, or give that user a copy of its own");
  }
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

// A restore leaves the files to the source's owner; here another user runs the server.
void give_to(const std::optional<process::OsUser>& user, const fs::path& top) {
  if (!user || ::geteuid() != 0) return;
  const auto give = [&](const fs::path& path) {
    if (::lchown(path.c_str(), user->uid, user->gid) != 0) {
      throw base::system_error(errno, fmt::format("give to {}", user->name), path.string());
    }
  };
  give(top);
  if (!fs::is_directory(top)) return;
  for (const auto& entry : fs::recursive_directory_iterator(top)) give(entry.path());
}

// What the source's rules of access ask for (a certificate, an operating system user) is not here; the socket's
// directory lets nobody else in.
fs::path write_access_rules(const ScratchOrder& order, const fs::path& directory) {
  auto rules = directory / "pg_hba.conf";
  base::write_file_atomically(rules, "local all all trust\n", 0600);
  give_to(order.run_as, rules);
  return rules;
}

// Quarantine, and little of this machine: the source's settings were made for a host of its own, and this one may be
// the very host.
std::map<std::string, std::string> settings_for(const ScratchOrder& order, const fs::path& access_rules) {
  auto settings = server::quarantine_settings(order.installation.version.major());
  settings["recovery_init_sync_method"] = "syncfs";  // the restore has synced every file: docs/adr/0003
  settings["hba_file"] = access_rules.string();
  settings["shared_buffers"] = "128MB";
  settings["huge_pages"] = "off";
  settings["autovacuum"] = "off";
  settings["default_transaction_isolation"] = "read committed";  // a standby refuses serializable
  settings["default_transaction_read_only"] = "off";
  settings["log_line_prefix"] = "%m [%p] ";
  settings["log_timezone"] = "UTC";
  settings["lc_messages"] = "C";
  return settings;
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

Restored restore_into(const ScratchOrder& order, const fs::path& directory, base::Progress& progress,
                      const std::stop_token& stop) {
  auto files = order.files;
  files.to = directory / "data";
  files.other_tablespaces = directory / "tablespaces";
  files.target.action = Action::promote;
  files.lifeboat = executable_for(order, directory);
  try {
    return restore_wanted(files, progress, stop);
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
  scratch.restored_ = restore_into(order, directory, progress, stop);
  give_to(order.run_as, directory / "data");
  give_to(order.run_as, directory / "tablespaces");

  server::ServerOptions options;
  options.installation = order.installation;
  options.data_directory = directory / "data";
  options.log_file = order.log_file.empty() ? directory / "server.log" : order.log_file;
  options.settings = settings_for(order, write_access_rules(order, directory));
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
