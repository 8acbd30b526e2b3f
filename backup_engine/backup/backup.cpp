#include "backup_engine/backup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "backup_engine/backup/backup_contents.hpp"
#include "backup_engine/backup/block_reader.hpp"
#include "backup_engine/backup/parent.hpp"
#include "backup_engine/backup/session.hpp"
#include "backup_engine/backup/source.hpp"
#include "backup_engine/backup/take_backup.hpp"
#include "backup_engine/backup/wal_arrival.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/space.hpp"
#include "backup_engine/store/copied_database.hpp"
#include "backup_engine/store/intent.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/wal/copied_databases.hpp"

namespace backup_engine {

namespace backup {
namespace {

using base::Error;
using base::ErrorKind;

// One backup from the checks to the manifest. take_backup reads as its table of contents.
class Backup {
 public:
  Backup(const BackupRequest& request, Source& source, base::FileSystem& file_system, base::Progress& progress,
         const std::stop_token& stop)
      : request_(request), source_(source), file_system_(file_system), progress_(progress), stop_(stop) {}

  // Nothing is touched before all of this holds.
  void check() {
    facts_ = source_.check();
    storage_ = store::open_repository(request_.repository, file_system_);
    // A cluster that nobody has received WAL of yet is not made here: then the wait for WAL says what is missing.
    const auto known = store::list_clusters(*storage_);
    if (std::find(known.begin(), known.end(), request_.cluster) != known.end()) require_same_cluster();
    if (request_.type != BackupType::full) parent_ = open_parent(*storage_, request_.cluster, request_.type);
  }

  void start() {
    started_at_ = base::utc_now();
    started_ = source_.start("lifeboat " + new_label(), stop_);
    // How much has changed nobody knows before it was read.
    if (!parent_) base::require_space("the repository", storage_->location(), started_.source_bytes);
    // The checkpoint lies behind the start: WAL that was written just now. Streamed it is there at once; an
    // archive_command gets it when its segment ends.
    arrival().wait_for(started_.timeline, started_.start_lsn + 1, stop_, [&] { source_.end_segment(); });
    require_same_cluster();
    // Before the first block and behind the start, which it names: from here on nothing of this expires.
    const auto label = take_label();
    writer_.emplace(*storage_, request_.cluster, label, store::BackupLayout{request_.compression}, parent_);
    contents_.emplace(*writer_);
  }

  void copy() { source_.copy(*contents_, progress_, stop_); }

  void stop_and_label() {
    stopped_ = source_.stop(stop_);
    const auto start = parse_label_start(stopped_.backup_label);
    if (start.lsn != started_.start_lsn) {
      throw Error(ErrorKind::internal, fmt::format("the backup started at {} but its label says {}",
                                                   to_string(started_.start_lsn), to_string(start.lsn)));
    }
    timeline_ = start.timeline;
    contents_->add_made_here("backup_label", stopped_.backup_label);
    const auto& files = contents_->files();
    const postgres::ManifestWal wal{timeline_, started_.start_lsn, stopped_.stop_lsn};
    contents_->add_made_here("backup_manifest", [&](const auto& sink) { write_backup_manifest(files, wal, sink); });
    contents_->finish();
  }

  // The backup is complete only with its WAL.
  BackupResult publish() {
    auto manifest = writer_->finish();
    progress_.begin("wait for WAL", 0);
    arrival().wait_for(timeline_, started_.start_lsn, stopped_.stop_lsn, stop_);
    arrival().make_durable(timeline_, started_.start_lsn, stopped_.stop_lsn);
    BackupResult result;
    result.damaged_pages = damaged_among(contents_->suspects(), started_.start_lsn, stopped_.stop_lsn);
    fill(manifest, result.damaged_pages);
    result.wal_follows = find_copied_databases(manifest);
    progress_.end();
    require_what_was_copied(manifest.copied_databases);
    intent_->require();
    writer_->publish(manifest);
    intent_->confirm_published();
    result.summary = manifest.summary;
    result.copied_databases = manifest.copied_databases;
    return result;
  }

  // A revoked intent explains every failure that follows: what was put may have been removed under our hands.
  void throw_if_revoked() const {
    if (intent_) intent_->throw_if_revoked();
  }

 private:
  [[nodiscard]] std::string new_label() const {
    return store::new_backup_label(*storage_, request_.cluster, request_.type, started_at_);
  }

  // By its intent. Others may have begun since the server was told one, so it is asked for anew; and again when of two
  // in the same second the other was faster.
  std::string take_label() {
    constexpr int most_tries = 10;
    for (int tries = 1;; ++tries) {
      auto label = new_label();
      try {
        intent_.emplace(*storage_, request_.cluster,
                        store::make_intent(label, chain_of(parent_.get()), started_.timeline, started_.start_lsn));
        return label;
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::already_exists || tries == most_tries) throw;
      }
    }
  }

  void require_same_cluster() {
    store::open_or_create_cluster(*storage_, request_.cluster,
                                  {facts_.system_identifier, facts_.major, facts_.segment_size, facts_.data_checksums});
  }

  [[nodiscard]] WalArrival arrival() const {
    return {*storage_, request_.cluster, facts_.segment_size, request_.wal_timeout};
  }

  void fill(store::Manifest& manifest, const std::vector<DamagedPage>& damaged) const {
    auto& summary = manifest.summary;
    summary.cluster = request_.cluster;
    summary.label = writer_->label();
    summary.type = request_.type;
    summary.source = source_.name();
    summary.started_at = started_at_;
    summary.finished_at = base::utc_now();
    summary.stopped_at = stopped_.stopped_at;
    summary.start_lsn = started_.start_lsn;
    summary.stop_lsn = stopped_.stop_lsn;
    summary.timeline = timeline_;
    summary.postgres_major = facts_.major;
    summary.system_identifier = facts_.system_identifier;
    summary.damaged_pages = damaged.size();
    summary.data_checksums = facts_.data_checksums;
    manifest.page_size_bytes = facts_.page_bytes;
    manifest.wal_segment_size = facts_.segment_size;
    manifest.tablespaces = contents_->tablespaces();
    manifest.databases = stopped_.databases;
    manifest.backup_label_text = stopped_.backup_label;
    manifest.tablespace_map_text = stopped_.tablespace_map;
    manifest.dropped_tablespaces = tablespaces_without_files(manifest);
    manifest.damaged_pages = damaged;
  }

  // The WAL that was written meanwhile is little beside what was copied, and its segments were written just now. None
  // of more than 64 MB is held in memory for a warning that verify gives too. False when that WAL cannot be followed.
  [[nodiscard]] bool find_copied_databases(store::Manifest& manifest) const {
    constexpr std::uint64_t most_segment_bytes = std::uint64_t{64} << 20U;
    constexpr unsigned most_threads = 2;
    if (facts_.segment_size.bytes() > most_segment_bytes) return true;
    const wal::WalArchive archive(*storage_, request_.cluster, facts_.segment_size, Compression{});
    auto& copied = manifest.copied_databases;
    copied = wal::find_copied_databases(archive, manifest.summary, std::min(request_.jobs, most_threads), stop_);
    if (copied) store::give_names(*copied, manifest.databases);
    return copied.has_value();
  }

  // Published, it would be the one that restores take, and an earlier one, with the WAL, brings all of it back.
  static void require_what_was_copied(const CopiedDatabases& copied) {
    if (!copied) return;
    const auto lost = std::ranges::find(*copied, true, &CopiedDatabase::source_went);
    if (lost == copied->end()) return;
    throw Error(ErrorKind::io, "the backup is not kept: " + store::what_recovery_does(*lost))
        .with_remedy(
            "take the backup again, and while one is taken move no database, and drop none that another is a copy of. "
            "Earlier backups, with the WAL that follows, bring that database back");
  }

  // The source saw to it that the server has none of them any more.
  [[nodiscard]] std::set<std::uint32_t> tablespaces_without_files(const store::Manifest& manifest) const {
    auto named = store::named_tablespaces(manifest);
    for (const auto& place : contents_->places()) {
      std::erase_if(named, [&](std::uint32_t oid) { return place.starts_with(fmt::format("pg_tblspc/{}/", oid)); });
    }
    return named;
  }

  const BackupRequest& request_;
  Source& source_;
  base::FileSystem& file_system_;
  base::Progress& progress_;
  const std::stop_token stop_;
  ServerFacts facts_;
  std::unique_ptr<store::Storage> storage_;
  std::shared_ptr<const store::BackupReader> parent_;  // null for a full
  base::UtcTime started_at_;
  StartedBackup started_;
  std::optional<store::HeldIntent> intent_;  // goes after the writer, which removes what it put when it fails
  std::optional<store::BackupWriter> writer_;
  std::optional<BackupContents> contents_;
  StoppedBackup stopped_;
  postgres::TimelineId timeline_;
};

}  // namespace

BackupResult take_backup(Source& source, const BackupRequest& request, base::FileSystem& file_system,
                         base::Progress& progress, const std::stop_token& stop) {
  const auto begin = std::chrono::steady_clock::now();
  Backup backup(request, source, file_system, progress, stop);
  backup.check();
  BackupResult result;
  try {
    backup.start();
    backup.copy();
    backup.stop_and_label();
    result = backup.publish();
  } catch (const Error&) {
    backup.throw_if_revoked();
    throw;
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

}  // namespace backup

BackupResult take_backup(const BackupRequest& request, base::Progress& progress, const std::stop_token& stop) {
  store::check_cluster_name(request.cluster);
  const auto source = request.pgdata.empty() ? backup::stream_source(request) : backup::files_source(request);
  return backup::take_backup(*source, request, base::posix_file_system(), progress, stop);
}

}  // namespace backup_engine
