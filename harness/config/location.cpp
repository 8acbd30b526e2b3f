#include "harness/config/location.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup_engine/base/error.hpp"

namespace harness::config {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
namespace fs = std::filesystem;

namespace {

fs::path named(const fs::path& file, const char* how) {
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0) return file;
  throw Error(ErrorKind::usage, fmt::format("there is no configuration {} ({})", file.string(), how))
      .with_remedy(fmt::format("correct or remove {}; docs/configuration.md has an example", how));
}

// Whoever writes this file says where backups go.
void refuse_strangers_file(const fs::path& file, const struct stat& status) {
  const bool others_write = (status.st_mode & S_IWOTH) != 0;
  if (!others_write && (status.st_uid == 0 || status.st_uid == ::geteuid())) return;
  throw Error(ErrorKind::usage, fmt::format("the configuration {} {}, and nobody named it", file.string(),
                                            others_write ? "can be written by everybody" : "belongs to another user"))
      .with_remedy(fmt::format("name it with --config {} if it is right, or take it away", file.string()));
}

}  // namespace

std::optional<fs::path> find_config(const Surroundings& surroundings) {
  if (!surroundings.given.empty()) return named(surroundings.given, "--config");
  if (!surroundings.environment.empty()) return named(surroundings.environment, "LIFEBOAT_CONFIG");
  for (const auto& directory : {surroundings.working_directory, surroundings.system_directory}) {
    const auto file = directory / "lifeboat.yaml";
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) continue;
    refuse_strangers_file(file, status);
    return file;
  }
  return std::nullopt;
}

}  // namespace harness::config
