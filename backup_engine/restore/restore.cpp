#include "backup_engine/restore.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "backup_engine/base/file.hpp"
#include "backup_engine/base/is_there.hpp"
#include "backup_engine/base/refusal.hpp"
#include "backup_engine/postgres/control_file.hpp"
#include "backup_engine/refusal.hpp"
#include "backup_engine/restore/choose_recovery.hpp"
#include "backup_engine/restore/file_writer.hpp"
#include "backup_engine/restore/in_place.hpp"
#include "backup_engine/restore/lost_objects.hpp"
#include "backup_engine/restore/new_tablespaces.hpp"
#include "backup_engine/restore/plan.hpp"
#include "backup_engine/restore/restore_directory.hpp"
#include "backup_engine/restore/restored_texts.hpp"
#include "backup_engine/restore/roll_back.hpp"
#include "backup_engine/restore/stale_files.hpp"
#include "backup_engine/restore/target_value.hpp"
#include "backup_engine/restore/wal_left_behind.hpp"
#include "backup_engine/store/copied_database.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/wal/copied_databases.hpp"

namespace backup_engine {

namespace restore {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;

namespace {

constexpr mode_t directory_mode = 0700;

// What is not there yet will be made on the same file system.
fs::path existing_part(fs::path path) {
  while (!base::is_there(path) && path.has_relative_path()) path = path.parent_path();
  return path;
}

class Restore {
 public:
  Restore(const store::BackupReader& reader, const Plan& plan, base::FileSystem& file_system)
      : reader_(reader),
        plan_(plan),
        files_(file_system),
        global_(plan.to / "global"),
        control_(global_ / control_name),
        mark_(global_ / mark_name),
        control_bytes_(read_whole(reader, plan.control.entry)) {
    // Before the first write: what the disk loses from here on is reported at the end.
    held_.push_back(files_.hold(plan.to));
    for (const auto& tablespace : plan.tablespaces) held_.push_back(files_.hold(existing_part(tablespace.location)));
  }

  // From here on PostgreSQL cannot start, and whoever restores again knows that a restore did not end. Durable before
  // anything else is touched.
  void put_mark() {
    if (plan_.existing.found == Found::cluster) {
      rename_control_away();
    } else {
      if (!base::is_there(global_)) files_.create_directory(global_, directory_mode);
      if (!holds_mark()) write_bytes(mark_, plan_.control.entry.mode, control_bytes_);
    }
    // Whoever put it may have died before it was durable.
    const auto mark = files_.open(mark_);
    mark->sync();
    mark->close();
    files_.sync_directory(global_);
    files_.sync_directory(plan_.to);
    files_.sync_directory(plan_.to.parent_path());
  }

  void make_directories() {
    make_top(plan_.to, plan_.uid, plan_.gid);
    for (const auto& directory : plan_.directories) {
      if (!in_tablespace(directory)) make(directory);
    }
    for (const auto& tablespace : plan_.tablespaces) {
      const auto link = plan_.to / tablespace.link;
      if (!base::is_there(link)) files_.create_symlink(tablespace.location, link);
      own(link, tablespace.entry.uid, tablespace.entry.gid);
    }
    // Nothing is written into a tablespace before the link that says whose it is is durable.
    if (!plan_.tablespaces.empty()) {
      files_.sync_directory(plan_.to / "pg_tblspc");
      files_.sync_directory(plan_.to);
    }
    for (const auto& tablespace : plan_.tablespaces) {
      make_top(tablespace.location, tablespace.entry.uid, tablespace.entry.gid);
    }
    // A tablespace's own directories come after their top.
    for (const auto& directory : plan_.directories) {
      if (in_tablespace(directory)) make(directory);
    }
  }

  void write_texts() {
    for (const auto& text : plan_.texts) {
      write_bytes(plan_.to / text.path, text.mode, std::as_bytes(std::span(text.text)));
    }
    write_bytes(global_ / next_control_name, plan_.control.entry.mode, control_bytes_);
  }

  // The mark becomes the backup's pg_control, and then goes by becoming what PostgreSQL looks for: everything else is
  // durable already.
  void put_control_in_place() {
    for (const auto& held : held_) held->sync();
    files_.sync_directory(plan_.to.parent_path());
    files_.rename(global_ / next_control_name, mark_);
    files_.rename(mark_, control_);
    files_.sync_directory(global_);
  }

 private:
  void rename_control_away() {
    files_.rename(control_, mark_);
    try {
      require_no_server(plan_.to);  // one may have started since it was looked for
    } catch (const Error&) {
      files_.rename(mark_, control_);
      throw;
    }
  }

  // The data directory or a tablespace: absent, or there.
  void make_top(const fs::path& path, uid_t user, gid_t group) {
    if (!fs::exists(path)) files_.create_directory(path, directory_mode);
    files_.set_mode(path, directory_mode);
    own(path, user, group);
  }

  [[nodiscard]] bool in_tablespace(const PlannedFile& file) const {
    return std::any_of(plan_.tablespaces.begin(), plan_.tablespaces.end(), [&](const PlannedTablespace& tablespace) {
      return file.entry.path.starts_with(tablespace.link + "/");
    });
  }

  void make(const PlannedFile& directory) {
    if (!base::is_there(directory.location)) files_.create_directory(directory.location, directory_mode);
    set_mode_and_owner(files_, directory.location, directory.entry);
  }

  void own(const fs::path& path, uid_t user, gid_t group) {
    if (::geteuid() == 0) files_.set_owner(path, user, group);
  }

  // What a restore that was ended at once left may have no content yet, or be of another cluster: there is nothing else
  // in the directory then.
  [[nodiscard]] bool holds_mark() {
    if (!base::is_there(mark_)) return false;
    try {
      const auto text = base::read_file(mark_);
      const auto control = postgres::parse_control_file(std::as_bytes(std::span(text)));
      if (control.system_identifier == reader_.manifest().summary.system_identifier) return true;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::corrupt && error.kind() != ErrorKind::unsupported) throw;
    }
    files_.remove(mark_);
    return false;
  }

  void write_bytes(const fs::path& path, std::uint32_t mode, std::span<const std::byte> bytes) {
    auto file = files_.create(path, 0600);
    files_.set_mode(path, mode);
    own(path, plan_.uid, plan_.gid);
    file->write_at(0, bytes);
    file->close();
  }

  const store::BackupReader& reader_;
  const Plan& plan_;
  base::FileSystem& files_;
  const fs::path global_, control_, mark_;
  const std::vector<std::byte> control_bytes_;
  std::vector<std::unique_ptr<base::HeldFileSystem>> held_;  // all that is written to
};

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

std::optional<DirectoryLock> lock_if_there(const fs::path& to) {
  if (!fs::is_directory(fs::symlink_status(to))) return std::nullopt;
  return std::make_optional<DirectoryLock>(to);
}

struct Means {
  base::FileSystem& file_system;
  base::Progress& progress;
  const std::stop_token& stop;
};

void write(const store::BackupReader& reader, const Plan& plan, unsigned jobs, const Means& means,
           RestoreResult& result) {
  means.progress.begin("restore", plan.total_bytes);
  Restore restore(reader, plan, means.file_system);
  restore.put_mark();
  if (plan.existing.found != Found::nothing) {
    auto removed = remove_stale_files(plan, means.file_system, jobs);
    result.removed_files = removed.files;
    result.notes.insert(result.notes.end(), removed.notes.begin(), removed.notes.end());
  }
  restore.make_directories();
  FileWriter files(reader, plan, means.file_system, means.progress, means.stop);
  files.write_all(jobs);
  result.reused_bytes = files.reused_bytes();
  restore.write_texts();
  restore.put_control_in_place();
  means.progress.end();
}

std::string hollow_note(const Plan& plan) {
  return fmt::format(
      "not restored, and not usable: {}. Their files hold zeros: drop each once recovery has ended (DROP DATABASE). No "
      "backup_manifest was put in place, and ignore_invalid_pages is on: take it out of postgresql.auto.conf "
      "afterwards",
      fmt::join(plan.hollow_databases, ", "));
}

// Of a backup that does not know them itself its WAL is asked.
void add_caveats(store::Storage& storage, const store::Manifest& manifest, unsigned jobs, const std::stop_token& stop,
                 RestoreResult& result) {
  auto copied = manifest.copied_databases;
  if (!copied) {
    const wal::WalArchive archive(storage, manifest.summary.cluster, manifest.wal_segment_size, Compression{});
    copied = wal::find_copied_databases(archive, manifest.summary, jobs, stop);
    if (copied) store::give_names(*copied, manifest.databases);
  }
  for (const auto& each : copied.value_or(std::vector<CopiedDatabase>{})) {
    result.notes.push_back("a caveat: " + warning_of(each));
  }
}

void require_executable(const fs::path& lifeboat) {
  if (lifeboat.is_absolute()) return;
  throw Error(ErrorKind::usage,
              fmt::format("the program that restore_command calls must be an absolute path: {}", lifeboat.string()));
}

// A repository that is not mounted any more has nothing at all, its cluster neither.
bool is_expired(store::Storage& storage, const std::string& cluster, const std::string& label) {
  return !storage.size(store::manifest_name(cluster, label)) && storage.size(store::cluster_document(cluster));
}

// A restore holds nothing of its backup: that may expire under it, its manifest first. What is missing then is no
// damage.
Error expired_meanwhile(const Error& error, const RestoreRequest& request, const std::string& label) {
  return Error(ErrorKind::io, fmt::format("backup {} of cluster '{}' expired while it was restored ({})", label,
                                          request.cluster, error.what()))
      .with_remedy(fmt::format(
          "what was written to {} cannot start. Restore again, to the same directory if you like: another backup is "
          "taken then, or name one that `lifeboat list` shows; and let `lifeboat expire` wait while a restore runs",
          request.to.string()));
}

// An error that was copied to say more has lost its reason.
[[noreturn]] void throw_for(const std::string& reason, const Error& error) {
  if (reason.empty()) throw error;
  throw base::Refusal(reason, error);
}

// A repository may have lost what the older one needs and hold the newer one whole.
Error of_older_backup(const Error& error, const RestoreResult& result) {
  const auto& newer = result.passed_over.front();
  return Error(error.kind(), fmt::format("{} (the restore began from backup {}, for {} holds damaged pages of its "
                                         "source: --backup {} begins from that all the same)",
                                         error.what(), result.backup_label, newer, newer))
      .with_remedy(error.remedy());
}

void restore_chosen(store::Storage& storage, const RestoreRequest& request, const Recovery& recovery,
                    const Means& means, InPlace* in_place, RestoreResult& result) {
  const auto begin = std::chrono::steady_clock::now();
  const store::BackupReader reader(storage, request.cluster, result.backup_label);
  // Before anything is looked at that another restore may be changing.
  auto lock = lock_if_there(request.to);
  auto plan = make_plan(reader, request, in_place == nullptr ? nullptr : in_place->begun());
  require_no_wal_left_behind(storage, request, plan);
  for (auto& note : require_harmless(recovery.tablespaces, reader.manifest().summary, request.new_tablespaces, plan)) {
    result.notes.push_back(std::move(note));
  }
  add_caveats(storage, reader.manifest(), request.jobs, means.stop, result);
  result.fetch_seconds += seconds_since(begin);

  const auto begin_of_files = std::chrono::steady_clock::now();
  if (in_place != nullptr) {
    in_place->set_aside(plan, result.backup_label);
    result.safety_copy = in_place->folder();
    if (!base::is_there(plan.to)) lock.reset();
  }
  if (!lock) {
    means.file_system.create_directory(plan.to, directory_mode);
    lock.emplace(plan.to);
  }
  write(reader, plan, request.jobs, means, result);
  result.continued = plan.existing.found == Found::begun;
  if (!plan.archiving_note.empty()) result.notes.push_back(plan.archiving_note);
  if (!plan.hollow_databases.empty()) result.notes.push_back(hollow_note(plan));
  result.restored_bytes = plan.total_bytes;
  result.file_count = plan.files.size() + plan.texts.size() + 1;
  result.restore_seconds = seconds_since(begin_of_files);
}

RestoreResult restore_into(RestoreRequest& request, const Means& means, InPlace* in_place) {
  const auto begin = std::chrono::steady_clock::now();
  const auto storage = store::open_repository(request.repository);
  RestoreResult result;
  auto recovery = choose_recovery(*storage, request, means.stop);
  result.backup_label = std::move(recovery.backup_label);
  result.notes = std::move(recovery.notes);
  result.passed_over = std::move(recovery.passed_over);
  result.fetch_seconds = seconds_since(begin);
  if (recovery.end && request.new_tablespaces == NewTablespaces::refuse) request.target = *recovery.end;
  try {
    restore_chosen(*storage, request, recovery, means, in_place, result);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::not_found && is_expired(*storage, request.cluster, result.backup_label)) {
      throw expired_meanwhile(error, request, result.backup_label);
    }
    const bool is_lost = error.kind() == ErrorKind::corrupt || error.kind() == ErrorKind::not_found;
    const auto whole = is_lost && !result.passed_over.empty() ? of_older_backup(error, result) : error;
    const bool is_damaged =
        error.kind() == ErrorKind::corrupt ||
        (error.kind() == ErrorKind::not_found && has_lost_objects(*storage, request.cluster, result.backup_label));
    const auto reason = base::reason_of(error);
    throw_for(reason.empty() && is_damaged ? std::string(refusal::backup_damaged) : reason, whole);
  }
  return result;
}

}  // namespace

RestoreResult restore_backup(const RestoreRequest& asked, base::FileSystem& file_system, base::Progress& progress,
                             const std::stop_token& stop) {
  auto request = asked;
  request.to = normal_absolute(asked.to);
  request.target = spelled_for_postgres(asked.target);
  require_executable(request.lifeboat);
  if (request.existing != ExistingFiles::set_aside)
    return restore_into(request, {file_system, progress, stop}, nullptr);
  request.to = resolved(request.to);
  InPlace in_place(request, file_system);
  try {
    return restore_into(request, {file_system, progress, stop}, &in_place);
  } catch (const Error& error) {
    throw_for(base::reason_of(error), in_place.with_way_back(error));
  }
}

}  // namespace restore

RestoreResult restore_backup(const RestoreRequest& request, base::Progress& progress, const std::stop_token& stop) {
  return restore::restore_backup(request, base::posix_file_system(), progress, stop);
}

}  // namespace backup_engine
