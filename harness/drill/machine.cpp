#include "harness/drill/machine.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <fstream>
#include <string_view>
#include <thread>

namespace harness::drill {

namespace {

// The value of `key` in a file of "key<separator>value" lines; empty when it is not there.
std::string field_of(const char* file, std::string_view key, char separator) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    const auto at = line.find(separator);
    if (at == std::string::npos || !line.starts_with(key)) continue;
    auto value = line.substr(at + 1);
    value.erase(0, value.find_first_not_of(" \t\""));
    value.erase(value.find_last_not_of(" \t\"") + 1);
    return value;
  }
  return {};
}

std::string filesystem_name(const std::filesystem::path& directory) {
  struct statfs info {};
  if (::statfs(directory.c_str(), &info) != 0) return "unknown";
  switch (static_cast<unsigned long>(info.f_type)) {  // magic numbers of linux/magic.h
    case 0xEF53:
      return "ext4";
    case 0x58465342:
      return "xfs";
    case 0x9123683E:
      return "btrfs";
    case 0x01021994:
      return "tmpfs";
    case 0x2FC12FC1:
      return "zfs";
    case 0x794C7630:
      return "overlayfs";
    case 0x6969:
      return "nfs";
    default:
      return fmt::format("{:#x}", static_cast<unsigned long>(info.f_type));
  }
}

std::string user_name() {
  const auto* const entry = ::getpwuid(::geteuid());
  return entry != nullptr ? entry->pw_name : std::to_string(::geteuid());
}

}  // namespace

reports::record::Environment describe_machine(const std::filesystem::path& directory) {
  reports::record::Environment environment;
  struct utsname kernel {};
  ::uname(&kernel);
  struct sysinfo memory {};
  ::sysinfo(&memory);
  environment.os = field_of("/etc/os-release", "PRETTY_NAME", '=');
  environment.kernel = kernel.release;
  environment.cpu = field_of("/proc/cpuinfo", "model name", ':');
  environment.cores = std::max(1U, std::thread::hardware_concurrency());
  environment.memory_bytes = static_cast<std::uint64_t>(memory.totalram) * memory.mem_unit;
  environment.filesystem = filesystem_name(directory);
  return environment;
}

reports::record::Initiator describe_initiator(const std::string& reason) {
  struct utsname host {};
  ::uname(&host);
  return {user_name(), host.nodename, reason, ""};
}

}  // namespace harness::drill
