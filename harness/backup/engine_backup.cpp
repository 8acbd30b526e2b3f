#include "harness/backup/engine_backup.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <vector>

#include "backup_engine/backup.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/encryption.hpp"
#include "backup_engine/postgres/connection.hpp"

namespace harness::backup {

namespace base = backup_engine::base;
using backup_engine::postgres::Connection;

namespace {

std::string log_tail(const std::filesystem::path& log) {
  constexpr std::size_t tail_bytes = 2000;
  const auto text = std::filesystem::exists(log) ? base::read_file(log) : std::string();
  return text.size() > tail_bytes ? text.substr(text.size() - tail_bytes) : text;
}

backup_engine::BackupType engine_type(scenario::BackupType type) {
  switch (type) {
    case scenario::BackupType::full:
      return backup_engine::BackupType::full;
    case scenario::BackupType::differential:
      return backup_engine::BackupType::differential;
    case scenario::BackupType::incremental:
      return backup_engine::BackupType::incremental;
  }
  return backup_engine::BackupType::full;
}

reports::record::BackupRecord record_of(const backup_engine::BackupSummary& summary, double seconds) {
  reports::record::BackupRecord record;
  record.label = summary.label;
  record.type = backup_engine::to_string(summary.type);
  record.parent_label = summary.parent_label;
  record.source = summary.source;
  record.source_bytes = summary.source_bytes;
  record.stored_bytes = summary.stored_bytes;
  record.seconds = seconds;
  record.start_lsn = backup_engine::postgres::to_string(summary.start_lsn);
  record.stop_lsn = backup_engine::postgres::to_string(summary.stop_lsn);
  record.timeline = summary.timeline.number();
  record.damaged_pages = summary.damaged_pages;
  return record;
}

}  // namespace

void init_repository(const Repository& repository) {
  if (!repository.key_file.empty()) backup_engine::make_key_file(repository.key_file);
  backup_engine::init_repository({repository.directory.string(), repository.key_file});
  if (!repository.owner) return;
  const auto give = [&](const std::filesystem::path& path) {
    if (::lchown(path.c_str(), repository.owner->uid, repository.owner->gid) != 0) {
      throw base::system_error(errno, "change the owner of", path.string());
    }
  };
  if (!repository.key_file.empty()) give(repository.key_file);
  give(repository.directory);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(repository.directory)) give(entry.path());
}

WalReceiver WalReceiver::start(const Repository& repository, const Options& options) {
  process::Command command;
  command.program = repository.lifeboat;
  command.arguments = {"wal",       "receive",          "--repo",       repository.directory.string(),
                       "--cluster", repository.cluster, "--dbname",     options.conninfo,
                       "--slot",    options.slot,       "--create-slot"};
  if (!repository.key_file.empty())
    command.arguments.insert(command.arguments.end(), {"--key-file", repository.key_file});
  command.output_file = options.log;
  command.run_as = repository.owner;
  return {process::Subprocess::start(command), options};
}

void WalReceiver::wait_until_streaming(const std::string& conninfo, const base::Deadline& deadline,
                                       const std::stop_token& stop) {
  Connection connection(conninfo, "lifeboat drill");
  base::poll_until(
      deadline, "the WAL receiver to stream",
      [&]() -> std::optional<std::string> {
        if (const auto ended = process_.poll()) {
          throw base::Error(base::ErrorKind::process,
                            fmt::format("the WAL receiver ended with {}", process::to_text(*ended)))
              .with_log_tail(log_tail(options_.log));
        }
        const auto rows = connection.query(
            "SELECT r.state FROM pg_replication_slots s JOIN pg_stat_replication r ON r.pid = s.active_pid "
            "WHERE s.slot_name = $1 AND r.flush_lsn IS NOT NULL",
            {options_.slot});
        const auto state = rows.empty() ? std::string("no walsender on the slot") : rows[0][0].value_or("no state");
        return state == "streaming" ? std::nullopt : std::optional(state);
      },
      stop);
}

process::ExitStatus WalReceiver::stop(const base::Deadline& deadline) {
  process_.send(SIGTERM);
  return process_.wait(deadline);
}

reports::record::BackupRecord take_backup(const Repository& repository, const BackupOptions& options,
                                          base::Progress& progress, const std::stop_token& stop) {
  backup_engine::BackupRequest request;
  request.repository = {repository.directory.string(), repository.key_file};
  request.cluster = repository.cluster;
  request.conninfo = options.conninfo;
  if (options.by == scenario::BackupMethod::files) request.pgdata = options.data_directory;
  request.type = engine_type(options.type);
  request.jobs = options.jobs;
  const auto result = backup_engine::take_backup(request, progress, stop);
  return record_of(result.summary, result.seconds);
}

StoredCluster read_stored_cluster(const Repository& repository, const std::string& label) {
  const auto clusters = backup_engine::list_repository({repository.directory.string(), repository.key_file});
  const auto found = std::find_if(clusters.begin(), clusters.end(),
                                  [&](const auto& cluster) { return cluster.name == repository.cluster; });
  if (found == clusters.end()) {
    throw base::Error(base::ErrorKind::not_found, fmt::format("the repository {} holds no cluster {}",
                                                              repository.directory.string(), repository.cluster))
        .with_remedy("`lifeboat list` shows what it holds");
  }
  StoredCluster stored{found->postgres_major, {}, found->unreadable, {}};
  for (const auto& range : found->wal) {
    stored.wal.push_back({range.timeline.number(), backup_engine::postgres::to_string(range.start),
                          backup_engine::postgres::to_string(range.end)});
  }
  for (const auto& summary : found->backups) {
    const std::chrono::duration<double> took = summary.finished_at - summary.started_at;
    stored.backups.push_back(record_of(summary, took.count()));
  }
  const bool there = std::any_of(stored.backups.begin(), stored.backups.end(),
                                 [&](const auto& backup) { return label.empty() || backup.label == label; });
  if (there || !stored.unreadable.empty()) return stored;
  throw base::Error(base::ErrorKind::not_found,
                    fmt::format("the repository {} holds no backup {}of the cluster {}", repository.directory.string(),
                                label.empty() ? "" : label + " ", repository.cluster))
      .with_remedy("`lifeboat list` shows what it holds");
}

namespace {

// Pages of `fd` that are in memory, as mincore sees them; nullopt where the kernel does not say.
std::optional<std::size_t> cached_pages(int fd, std::size_t size_bytes) {
  auto* const mapped = ::mmap(nullptr, size_bytes, PROT_READ, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) return std::nullopt;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> resident((size_bytes + page - 1) / page);
  const bool told = ::mincore(mapped, size_bytes, resident.data()) == 0;
  ::munmap(mapped, size_bytes);
  if (!told) return std::nullopt;
  return static_cast<std::size_t>(
      std::count_if(resident.begin(), resident.end(), [](auto r) { return (r & 1U) != 0; }));
}

// True for what is not there any more: a receiver joins parts of WAL while the repository is drilled.
bool is_evicted(const std::filesystem::path& file) {
  std::error_code gone;
  if (!std::filesystem::is_regular_file(file, gone)) return true;
  const auto bytes = std::filesystem::file_size(file, gone);
  if (gone || bytes == 0) return true;
  try {
    const auto fd = base::open_for_reading(file);
    const bool asked = ::fdatasync(fd.get()) == 0 && ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED) == 0;
    const auto cached = cached_pages(fd.get(), bytes);
    return asked && cached && *cached == 0;
  } catch (const base::Error&) {
    return !std::filesystem::exists(file, gone);
  }
}

}  // namespace

bool evict_from_page_cache(const Repository& repository) {
  bool all_cold = true;
  std::error_code unreadable;
  std::filesystem::recursive_directory_iterator entry(repository.directory, unreadable), end;
  for (; entry != end; entry.increment(unreadable)) {
    if (!is_evicted(entry->path())) all_cold = false;
  }
  return all_cold && !unreadable;
}

}  // namespace harness::backup
