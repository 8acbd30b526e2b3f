#include <fmt/format.h>

#include <csignal>
#include <set>

#include "backup_engine/base/error.hpp"
#include "harness/backup/engine_backup.hpp"

namespace harness::backup {

namespace base = backup_engine::base;
namespace fs = std::filesystem;

namespace {

std::set<std::string> labels_in(const fs::path& backups) {
  std::set<std::string> labels;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(backups, absent)) labels.insert(entry.path().filename().string());
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
                       "4MB"};
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

}  // namespace

std::string interrupt_backup(const Repository& repository, const BackupOptions& options, const fs::path& log,
                             const base::Deadline& deadline, const std::stop_token& stop) {
  const auto backups = repository.directory / "clusters" / repository.cluster / "backups";
  const auto before = labels_in(backups);
  auto backup = process::Subprocess::start(command_of(repository, options, log));
  std::string label;
  base::poll_until(
      deadline, "a backup to have stored something",
      [&]() -> std::optional<std::string> {
        if (backup.poll()) return std::nullopt;
        for (const auto& each : labels_in(backups)) {
          if (before.contains(each) || bytes_in(backups / each) == 0) continue;
          label = each;
          return std::nullopt;
        }
        return "nothing is stored yet";
      },
      stop);
  backup.send(SIGKILL);
  const auto ended = backup.wait(deadline, stop);
  if (ended.signal == SIGKILL && !label.empty()) return label;
  throw base::Error(base::ErrorKind::process,
                    fmt::format("the backup that was to be interrupted ended with {}", process::to_text(ended)))
      .with_remedy("read " + log.string());
}

}  // namespace harness::backup
