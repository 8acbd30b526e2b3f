#include "harness/server/work_directory.hpp"

namespace harness::server {

namespace fs = std::filesystem;

namespace {

constexpr auto fallback_parent = "/var/tmp";
constexpr auto patience = std::chrono::seconds(20);

}  // namespace

bool can_reach(const fs::path& directory, const std::optional<process::OsUser>& run_as) {
  process::Command command;
  command.program = "/usr/bin/test";
  command.arguments = {"-d", directory.string(), "-a", "-x", directory.string()};
  command.run_as = run_as;
  return process::run(command, backup_engine::base::Deadline::after(patience)).status.success();
}

WorkDirectory WorkDirectory::choose(const fs::path& wanted, const std::optional<process::OsUser>& run_as) {
  WorkDirectory chosen;
  chosen.wanted_ = fs::canonical(wanted);
  if (can_reach(chosen.wanted_, run_as)) return chosen;
  reclaim_abandoned(fallback_parent);
  chosen.fallback_.emplace(OwnedDirectory::create(fallback_parent, run_as));
  return chosen;
}

void WorkDirectory::keep() {
  if (fallback_) fallback_->keep();
}

std::string WorkDirectory::remove() {
  return fallback_ ? fallback_->remove() : std::string();
}

}  // namespace harness::server
