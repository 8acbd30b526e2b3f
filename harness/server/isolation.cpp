#include "harness/server/isolation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/process/subprocess.hpp"

namespace harness::server {

namespace base = backup_engine::base;
namespace fs = std::filesystem;

namespace {

bool is_below(const fs::path& path, const fs::path& top) {
  return std::mismatch(top.begin(), top.end(), path.begin(), path.end()).first == top.end();
}

// Programs, libraries and what they are configured with. PostgreSQL of Debian links its dictionaries into /var/cache.
process::IsolatedView view_of_programs() {
  process::IsolatedView view;
  for (const auto* const path :
       {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix/store", "/gnu/store",
        "/var/cache/postgresql", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}) {
    if (fs::exists(path)) view.readable.emplace_back(path);
  }
  view.fresh = {"/tmp", "/var/tmp", "/dev/shm"};
  return view;
}

// Nobody should listen where programs lie. Who does is hidden with the directory that the socket is in.
void cover_sockets(process::IsolatedView& view, const std::vector<fs::path>& but) {
  for (const auto& socket : listening_sockets()) {
    const auto directory = socket.parent_path();
    const auto holds = [&](const fs::path& top) { return is_below(directory, top) && top != directory; };
    const auto wanted = [&](const fs::path& top) { return is_below(directory, top); };
    const bool shown = std::any_of(view.readable.begin(), view.readable.end(), holds);
    if (shown && std::none_of(but.begin(), but.end(), wanted)) view.fresh.push_back(directory);
  }
}

void add_links_of(const fs::path& data_directory, std::vector<fs::path>& writable) {
  for (const auto& place : {data_directory, data_directory / "pg_tblspc"}) {
    std::error_code absent;
    for (const auto& entry : fs::directory_iterator(place, absent)) {
      if (entry.is_symlink() && fs::exists(entry.path())) writable.push_back(fs::canonical(entry.path()));
    }
  }
}

}  // namespace

const std::string& why_not_isolated() {
  static const std::string reason = []() -> std::string {
    constexpr auto patience = std::chrono::seconds(20);
    process::Command command;
    command.program = "/usr/bin/true";
    try {
      command.isolated = view_of_programs();
      const auto status = process::run(command, base::Deadline::after(patience)).status;
      return status.success() ? "" : fmt::format("a process in namespaces of its own ended with {}", to_text(status));
    } catch (const base::Error& error) {
      return error.what();
    }
  }();
  return reason;
}

fs::path top_of_installation(const fs::path& bin_directory) {
  // TOP/usr/lib/postgresql/15/bin, as Debian has it also elsewhere; else TOP/bin.
  const auto major = bin_directory.parent_path(), family = major.parent_path();
  const auto lib = family.parent_path(), usr = lib.parent_path();
  const bool debian = family.filename() == "postgresql" && lib.filename() == "lib" && usr.filename() == "usr";
  return debian ? usr.parent_path() : bin_directory.parent_path();
}

process::IsolatedView view_for_server(const Isolation& isolation, const Installation& installation,
                                      const fs::path& data_directory, const fs::path& socket_directory) {
  auto view = view_of_programs();
  const auto bin = fs::canonical(installation.bin_directory);
  const bool shown =
      std::any_of(view.readable.begin(), view.readable.end(), [&](const auto& top) { return is_below(bin, top); });
  if (!shown) view.readable.push_back(top_of_installation(bin));
  view.writable = {data_directory, socket_directory};
  add_links_of(data_directory, view.writable);
  cover_sockets(view, isolation.visible);
  view.readable.insert(view.readable.end(), isolation.visible.begin(), isolation.visible.end());
  return view;
}

std::vector<fs::path> listening_sockets() {
  return listening_sockets_in(base::read_file("/proc/net/unix"));
}

std::vector<fs::path> listening_sockets_in(const std::string& proc_net_unix) {
  // Num RefCount Protocol Flags Type St Inode Path; __SO_ACCEPTCON is 1 << 16.
  constexpr unsigned long listens = 1UL << 16U;
  std::vector<fs::path> found;
  std::istringstream lines(proc_net_unix);
  for (std::string line; std::getline(lines, line);) {
    const auto path = line.find(" /");
    std::istringstream words(line);
    std::string number, references, protocol, flags;
    if (path == std::string::npos || !(words >> number >> references >> protocol >> flags)) continue;
    if ((std::stoul(flags, nullptr, 16) & listens) != 0) found.emplace_back(line.substr(path + 1));
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace harness::server
