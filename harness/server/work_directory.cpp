#include "harness/server/work_directory.hpp"

namespace harness::server {

namespace fs = std::filesystem;

namespace {

constexpr auto patience = std::chrono::seconds(20);

}  // namespace

bool can_reach(const fs::path& directory, const std::optional<process::OsUser>& run_as) {
  process::Command command;
  command.program = "/usr/bin/test";
  command.arguments = {"-d", directory.string(), "-a", "-x", directory.string()};
  command.run_as = run_as;
  return process::run(command, backup_engine::base::Deadline::after(patience)).status.success();
}

}  // namespace harness::server
