#include "harness/faults/lose_server.hpp"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <string>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/remove_tree.hpp"

namespace harness::faults {

namespace fs = std::filesystem;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

namespace {

// A killed postmaster leaves its pid file behind and the number may belong to another process by now; PostgreSQL's
// processes work in their data directory, which tells them apart.
bool server_works_in(const fs::path& data_directory) {
  const auto pid_file = data_directory / "postmaster.pid";
  if (!fs::exists(pid_file)) return false;
  const auto text = backup_engine::base::read_file(pid_file);
  int pid = 0;
  std::from_chars(text.data(), text.data() + text.size(), pid);
  if (pid <= 0) return false;
  std::error_code gone;
  const auto works_in = fs::read_symlink(fmt::format("/proc/{}/cwd", pid), gone);
  return !gone && works_in == data_directory;
}

}  // namespace

void kill_server(server::Server& server) {
  server.kill();
}

void lose_data_directory(const ExpendableDirectory& data_directory) {
  const auto& path = data_directory.path();
  if (server_works_in(path)) {
    throw Error(ErrorKind::usage,
                fmt::format("the data directory will not be lost under a running server: {}", path.string()))
        .with_remedy("kill the server first");
  }
  const auto failed = backup_engine::base::remove_tree(path);
  if (failed) throw backup_engine::base::system_error(failed.value(), "remove the data directory", path.string());
}

}  // namespace harness::faults
