#include "harness/drill/second_disaster.hpp"

#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/quantity_text.hpp"
#include "backup_engine/base/remove_tree.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "harness/process/subprocess.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
namespace record = reports::record;
using base::Deadline;

namespace {

constexpr auto limit = std::chrono::seconds(60);
constexpr int most_attempts = 10;

record::DisasterRecord struck(const char* kind, std::string detail) {
  return {kind, base::to_rfc3339(base::utc_now()), std::move(detail)};
}

std::vector<std::string> target_arguments(const restore::Target& target) {
  const auto valued = [&](const char* option) {
    std::vector<std::string> arguments{option, target.value};
    if (!target.inclusive) arguments.emplace_back("--target-exclusive");
    return arguments;
  };
  switch (target.stop) {
    case restore::Stop::end_of_wal:
      return {};
    case restore::Stop::immediate:
      return {"--target-immediate"};
    case restore::Stop::name:
      return {"--target-name", target.value};
    case restore::Stop::time:
      return valued("--target-time");
    case restore::Stop::lsn:
      return valued("--target-lsn");
    case restore::Stop::xid:
      return valued("--target-xid");
  }
  return {};
}

// `lifeboat restore`, of which a kill leaves what it leaves of an operator's.
process::Command restore_command(const Context& context, const restore::RestoreOrder& order) {
  process::Command command;
  command.program = order.lifeboat;
  command.arguments = {"restore",         "--repo",      order.repository.string(),
                       "--cluster",       order.cluster, "--to",
                       order.to.string(), "--jobs",      "1"};
  if (!order.key_file.empty()) command.arguments.insert(command.arguments.end(), {"--key-file", order.key_file});
  for (const auto& database : order.databases)
    command.arguments.insert(command.arguments.end(), {"--database", database});
  const auto target = target_arguments(order.target);
  command.arguments.insert(command.arguments.end(), target.begin(), target.end());
  command.output_file = context.directory.log("killed-restore");
  command.run_as = context.workplace.user();
  return command;
}

std::uint64_t bytes_below(const fs::path& directory) {
  std::uint64_t bytes = 0;
  std::error_code vanished;
  for (auto each = fs::recursive_directory_iterator(directory, vanished); !vanished && each != fs::end(each);
       each.increment(vanished)) {
    std::error_code gone;
    const auto size = each->is_regular_file(gone) ? each->file_size(gone) : 0;
    if (!gone) bytes += size;
  }
  return bytes;
}

void remove_directory(const fs::path& directory) {
  const auto failed = base::remove_tree(directory);
  if (failed) throw base::system_error(failed.value(), "remove", directory.string());
}

// The bytes that were written when it was killed; nullopt: it ended before.
std::optional<std::uint64_t> kill_begun_restore(const Context& context, const restore::RestoreOrder& order) {
  constexpr std::uint64_t begun_bytes = 1'000'000;
  auto restoring = process::Subprocess::start(restore_command(context, order));
  base::poll_until(
      Deadline::after(limit), "a restore to have begun",
      [&]() -> std::optional<std::string> {
        if (restoring.poll() || bytes_below(order.to) >= begun_bytes) return std::nullopt;
        return "nothing is there yet";
      },
      context.stop);
  restoring.send(SIGKILL);
  const auto ended = restoring.wait(Deadline::after(limit));
  if (ended.signal == SIGKILL) return bytes_below(order.to);
  if (!ended.success()) {
    throw base::Error(base::ErrorKind::process, fmt::format("the restore ended with {}", process::to_text(ended)))
        .with_remedy("read logs/killed-restore.log in the drill's directory");
  }
  return std::nullopt;
}

record::DisasterRecord kill_restore(const Context& context, const restore::RestoreOrder& order) {
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    if (const auto bytes = kill_begun_restore(context, order)) {
      return struck("kill_restore", fmt::format("the restore killed (SIGKILL) when {} were in place; it is begun again "
                                                "over what it left",
                                                base::bytes_text(*bytes)));
    }
    remove_directory(order.to);  // it was quicker
  }
  throw base::Error(base::ErrorKind::timed_out, "the restore ended each time before it could be killed")
      .with_remedy("give the dataset a larger scale");
}

bool says(const fs::path& log, std::string_view words) {
  return base::read_file(log).find(words) != std::string::npos;
}

// Nothing when it had ended its recovery by then.
std::optional<pid_t> kill_recovering_server_once(const Context& context, const restore::RestoreOrder& order,
                                                 const server::ServerOptions& options) {
  (void)restore::restore_files(order, context.observer.progress(context.plan.drill_id), context.stop);
  auto first = options;
  first.log_file = context.directory.log("killed-server");
  fs::remove(first.log_file);  // of an attempt before this one
  auto server = server::Server::start(first);
  base::poll_until(
      Deadline::after(limit), "the restored server to begin recovery",
      [&]() -> std::optional<std::string> {
        if (says(first.log_file, "redo starts at")) return std::nullopt;
        if (!server.running()) {
          throw base::Error(base::ErrorKind::process, "the restored server ended before it recovered")
              .with_remedy("read logs/killed-server.log in the drill's directory");
        }
        return "it has not begun";
      },
      context.stop);
  const auto pid = server.pid();
  const bool ended = !server.running();  // where the target's action is to shut down
  server.kill();
  if (ended || says(first.log_file, "archive recovery complete")) return std::nullopt;
  return pid;
}

record::DisasterRecord kill_recovering_server(const Context& context, const restore::RestoreOrder& order,
                                              const server::ServerOptions& options) {
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    const auto pid = kill_recovering_server_once(context, order, options);
    remove_directory(order.to);
    if (!pid) continue;
    return struck("kill_server", fmt::format("the restored server killed (SIGKILL) while it recovered, postmaster {}; "
                                             "its directory is removed, and the restore begun again",
                                             *pid));
  }
  throw base::Error(base::ErrorKind::timed_out, "the restored server had recovered each time before it could be killed")
      .with_remedy("give the load more time between the backup and the disaster");
}

}  // namespace

record::DisasterRecord strike_restore(const Context& context, const restore::RestoreOrder& order,
                                      const server::ServerOptions& options) {
  const auto by = context.plan.scenario.restore.struck_by.value();
  auto record = by == scenario::SecondDisaster::kill_restore ? kill_restore(context, order)
                                                             : kill_recovering_server(context, order, options);
  context.journal.append("disaster.struck", {{"kind", record.kind}, {"at", record.at}, {"detail", record.detail}});
  return record;
}

}  // namespace harness::drill
