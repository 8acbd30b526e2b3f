#include "harness/drill/workplace.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/space.hpp"
#include "harness/server/server.hpp"
#include "harness/server/work_directory.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace fs = std::filesystem;

namespace {

// Where the private folder is made: --work-dir, the drill directory, or /var/tmp when the servers' user cannot reach
// it.
fs::path parent_for(const plan::Plan& plan, const std::optional<process::OsUser>& user) {
  const auto& asked = plan.circumstances.work_directory;
  if (asked.empty()) return server::can_reach(plan.drill_directory, user) ? plan.drill_directory : "/var/tmp";
  Workplace::refuse_unreachable(asked, user);
  return fs::absolute(asked);
}

// The servers' user runs restore_command; below /root, say, it could not even see this executable.
fs::path executable_for(const plan::Plan& plan, const std::optional<process::OsUser>& user, const fs::path& workplace) {
  const auto& own = plan.circumstances.lifeboat;
  if (server::can_reach(own.parent_path(), user)) return own;
  const auto copy_of = [&](const std::string& program) {
    auto copy = workplace / program;
    fs::copy_file(own.parent_path() / program, copy);
    if (::chmod(copy.c_str(), 0755) != 0) throw base::system_error(errno, "change the mode of", copy.string());
    return copy;
  };
  // restore_command prefers this one where it lies beside the other.
  if (const std::string faster = "lifeboat-wal-fetch"; fs::exists(own.parent_path() / faster)) (void)copy_of(faster);
  return copy_of(own.filename().string());
}

// What a Lifeboat that was killed left where this one works, or below the same --out:
// OUT/SCENARIO/START/lifeboat-XXXXXX.
void reclaim_leftovers(const fs::path& parent, const fs::path& out) {
  server::reclaim_abandoned(parent);
  std::error_code unreadable;
  for (const auto& scenario : fs::directory_iterator(out, unreadable)) {
    if (scenario.is_symlink() || !scenario.is_directory()) continue;
    for (const auto& drill : fs::directory_iterator(scenario, unreadable)) {
      if (!drill.is_symlink()) server::reclaim_abandoned(drill);
    }
  }
}

// A drill holds its source, a repository, two restored copies and the WAL of all: asked for before anything is
// started, 1.5 times over. Each unit of scale is about 20 MB of rows (docs/datasets.md).
// How large a stored backup is, each restore of it finds out and asks for itself.
void require_room(const plan::Plan& plan, const fs::path& parent) {
  if (plan.scenario.source.stored) return;
  constexpr std::uint64_t wal_and_catalogs_bytes = 400'000'000, unit_of_scale_bytes = 60'000'000;
  const auto scale = static_cast<std::uint64_t>(plan.scenario.source.provision.scale);
  base::require_space("the drill's servers and repository", parent,
                      wal_and_catalogs_bytes + scale * unit_of_scale_bytes);
}

}  // namespace

void Workplace::refuse_unreachable(const fs::path& work_directory, const std::optional<process::OsUser>& user) {
  if (server::can_reach(fs::absolute(work_directory), user)) return;
  throw base::Error(base::ErrorKind::usage, fmt::format("--work-dir {}: the servers' user {} cannot reach it",
                                                        work_directory.string(), user ? user->name : "(you)"))
      .with_remedy("make it and let that user pass through every directory above it, or name another");
}

Workplace Workplace::create(const plan::Plan& plan) {
  const auto user = server::resolve_server_user(plan.circumstances.run_as);
  const auto parent = parent_for(plan, user);
  reclaim_leftovers(parent, plan.drill_directory.parent_path().parent_path());
  require_room(plan, parent);
  auto directory = server::OwnedDirectory::create(parent, user);
  auto executable = executable_for(plan, user, directory.path());
  return {std::move(directory), user, std::move(executable)};
}

}  // namespace harness::drill
