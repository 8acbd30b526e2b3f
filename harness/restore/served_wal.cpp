#include "harness/restore/served_wal.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "backup_engine/base/error.hpp"
#include "harness/server/socket_directory.hpp"

namespace harness::restore {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;

namespace {

// What find, run as that user, prints first below a path: a path, or its complaint; empty when all is readable.
std::string first_unreadable(const fs::path& path, const std::optional<process::OsUser>& user) {
  constexpr auto patience = std::chrono::minutes(5);
  process::Command command;
  command.program = "/usr/bin/find";
  // What vanishes meanwhile (a receiver joins parts of WAL) nobody has to read.
  command.arguments = {fs::absolute(path).string(), "-ignore_readdir_race", "!", "-readable", "-print", "-quit"};
  command.run_as = user;
  const auto output = process::run(command, base::Deadline::after(patience)).output;
  return output.substr(0, output.find('\n'));
}

bool is_caller(const std::optional<process::OsUser>& user) {
  return !user || user->uid == ::geteuid();
}

// Passing through is all that others may do here.
server::OwnedDirectory make_directory(const process::OsUser& user) {
  auto directory = server::make_socket_directory(server::socket_parent({}, user), std::nullopt);
  if (::chmod(directory.path().c_str(), 0711) != 0) {
    throw base::system_error(errno, "change the mode of", directory.path().string());
  }
  return directory;
}

backup_engine::WalServeRequest request_for(const WalOrigin& origin, const process::OsUser& user,
                                           const fs::path& socket) {
  backup_engine::WalServeRequest request;
  request.repository = {origin.repository.string(), origin.key_file};
  request.cluster = origin.cluster;
  request.socket = socket;
  request.asker = user.uid;
  return request;
}

}  // namespace

std::unique_ptr<ServedWal> ServedWal::where_needed(const WalOrigin& origin, const std::optional<process::OsUser>& user,
                                                   Surroundings surroundings) {
  if (is_caller(user)) return nullptr;
  if (surroundings == Surroundings::isolated) return std::make_unique<ServedWal>(origin, *user);
  const bool without_key = origin.key_file.empty() || first_unreadable(origin.key_file, user).empty();
  if (without_key && first_unreadable(origin.repository, user).empty()) return nullptr;
  return std::make_unique<ServedWal>(origin, *user);
}

ServedWal::ServedWal(const WalOrigin& origin, const process::OsUser& user)
    : directory_(make_directory(user)), server_(request_for(origin, user, socket_in(directory_.path()))) {}

void require_readable(const fs::path& repository, const fs::path& key_file,
                      const std::optional<process::OsUser>& user) {
  if (!is_caller(user)) return;
  constexpr auto remedy = "run lifeboat as the owner of both, or as root";
  if (const auto unreadable = first_unreadable(repository, user); !unreadable.empty()) {
    throw Error(ErrorKind::usage, fmt::format("you cannot read the repository: {}", unreadable)).with_remedy(remedy);
  }
  if (key_file.empty() || first_unreadable(key_file, user).empty()) return;
  throw Error(ErrorKind::usage, fmt::format("you cannot read the key file {}", key_file.string())).with_remedy(remedy);
}

}  // namespace harness::restore
