#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <set>

#include "backup_engine/base/error.hpp"
#include "harness/backup/engine_backup.hpp"

namespace harness::backup {

namespace base = backup_engine::base;
namespace fs = std::filesystem;

namespace {

// A backup puts its intent before its first block (docs/formats/intent.md).
std::set<std::string> labels_of_intents(const fs::path& intents) {
  std::set<std::string> labels;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(intents, absent)) {
    if (entry.path().extension() == ".json") labels.insert(entry.path().stem().string());
  }
  return labels;
}

std::uint64_t bytes_in(const fs::path& directory) {
  std::uint64_t bytes = 0;
  std::error_code gone;
  for (auto each = fs::recursive_directory_iterator(directory, gone); !gone && each != fs::end(each);
       each.increment(gone)) {
    std::error_code vanished;
    const auto size = each->is_regular_file(vanished) ? each->file_size(vanished) : 0;
    if (!vanished) bytes += size;
  }
  return bytes;
}

// So slow that it is still under way when it is seen, however little has changed since the backup before.
constexpr auto slow_rate = "200kB";

process::Command command_of(const Repository& repository, const BackupOptions& options, const fs::path& log) {
  process::Command command;
  command.program = repository.lifeboat;
  command.arguments = {"backup",
                       "--repo",
                       repository.directory.string(),
                       "--cluster",
                       repository.cluster,
                       "--dbname",
                       options.conninfo,
                       "--type",
                       std::string(scenario::to_string(options.type)),
                       "--jobs",
                       std::to_string(options.jobs),
                       "--max-rate",
                       slow_rate};
  if (options.by == scenario::BackupMethod::files) {
    command.arguments.insert(command.arguments.end(), {"--pgdata", options.data_directory.string()});
  }
  if (!repository.key_file.empty()) {
    command.arguments.insert(command.arguments.end(), {"--key-file", repository.key_file.string()});
  }
  command.output_file = log;
  command.run_as = repository.owner;
  return command;
}

// What little has changed may be stored only at the end: then the backup is killed while it still reads.
void wait_for_bytes(process::Subprocess& backup, const fs::path& directory, const std::stop_token& stop) {
  const auto enough = base::Deadline::after(std::chrono::seconds(1));
  base::poll_until(
      base::Deadline::after(std::chrono::minutes(1)), "a backup to have stored something",
      [&]() -> std::optional<std::string> {
        if (backup.poll() || enough.expired() || bytes_in(directory) > 0) return std::nullopt;
        return "nothing is stored yet";
      },
      stop);
}

}  // namespace

std::string interrupt_backup(const Repository& repository, const BackupOptions& options, const fs::path& log,
                             const base::Deadline& deadline, const std::stop_token& stop) {
  const auto cluster = repository.directory / "clusters" / repository.cluster;
  const auto before = labels_of_intents(cluster / "intents");
  auto backup = process::Subprocess::start(command_of(repository, options, log));
  std::string label;
  base::poll_until(
      deadline, "a backup to be under way",
      [&]() -> std::optional<std::string> {
        if (backup.poll()) return std::nullopt;
        for (const auto& each : labels_of_intents(cluster / "intents")) {
          if (!before.contains(each)) label = each;
        }
        return label.empty() ? std::optional<std::string>("it has not begun to copy") : std::nullopt;
      },
      stop);
  if (!label.empty()) wait_for_bytes(backup, cluster / "backups" / label, stop);
  backup.send(SIGKILL);
  const auto ended = backup.wait(deadline, stop);
  if (ended.signal == SIGKILL && !label.empty()) return label;
  throw base::Error(base::ErrorKind::process,
                    fmt::format("the backup that was to be interrupted ended with {}", process::to_text(ended)))
      .with_remedy("read " + log.string());
}

}  // namespace harness::backup
