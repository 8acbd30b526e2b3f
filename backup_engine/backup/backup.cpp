#include "backup_engine/backup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>

#include "backup_engine/backup/configuration_capture.hpp"
#include "backup_engine/backup/copy_files.hpp"
#include "backup_engine/backup/session.hpp"

#include "backup_engine/backup/wal_arrival.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/space.hpp"
#include "backup_engine/store/repository_store.hpp"

namespace backup_engine {

namespace fs = std::filesystem;

namespace backup {
namespace {

using base::Error;
using base::ErrorKind;

postgres::ControlFile read_control(const fs::path& data_directory) {
  try {
    return postgres::read_control_file(data_directory);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::permission) {
      throw Error(error.kind(), error.what()).with_remedy("Run as the owner of the data directory, or as root.");
    }
    if (error.kind() == ErrorKind::not_found) {
      throw Error(error.kind(), fmt::format("{} is no data directory: {}", data_directory.string(), error.what()))
          .with_remedy("Give the data directory of the server that --dbname connects to.");
    }
    throw;
  }
}

std::uint64_t total_bytes(const SourceListing& listing) {
  return std::accumulate(listing.files.begin(), listing.files.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const SourceFile& file) { return sum + file.size_bytes; });
}

std::int64_t nanoseconds_now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(base::utc_now().time_since_epoch()).count();
}

std::uint32_t number_of(const std::string& oid) {
  std::uint32_t number = 0;
  std::from_chars(oid.data(), oid.data() + oid.size(), number);
  return number;
}

// One backup from the checks to the manifest. take_backup reads as its table of contents.
class Backup {
 public:
  Backup(const BackupRequest& request, base::Progress& progress, const std::stop_token& stop)
      : request_(request), progress_(progress), stop_(stop), session_(request.conninfo) {}

  // Nothing is touched before all of this holds.
  void check() {
    control_ = read_control(request_.pgdata);
    session_.require_serving(request_.pgdata, control_);
    storage_ = store::open_repository(request_.repository);
    identity_ = {control_.system_identifier, control_.major, control_.segment_size, control_.data_checksums};
    // A cluster that nobody has received WAL of yet is not made here: then the wait below says what is missing.
    const auto known = store::list_clusters(*storage_);
    if (std::find(known.begin(), known.end(), request_.cluster) != known.end()) {
      store::open_or_create_cluster(*storage_, request_.cluster, identity_);
    }
    tablespace_version_ = fmt::format("PG_{}_{}", control_.major, control_.catalog_version);
    places_ = {session_.setting_path("data_directory"), session_.setting_path("config_file"),
               session_.setting_path("hba_file"), session_.setting_path("ident_file")};
    base::require_space("the repository", storage_->location(),
                        total_bytes(list_source(request_.pgdata, tablespace_version_)));
    const auto written = session_.write_wal();
    arrival().wait_for(session_.timeline(), written, stop_);
  }

  void start() {
    summary_.started_at = base::utc_now();
    const auto label = store::new_backup_label(*storage_, request_.cluster, request_.type, summary_.started_at);
    writer_.emplace(*storage_, request_.cluster, label, store::BackupLayout{request_.compression});
    summary_.start_lsn = session_.start("lifeboat " + label);
  }

  void copy() {
    auto listing = list_source(request_.pgdata, tablespace_version_);
    const auto configuration = capture_configuration(places_);
    // What stands in for a file that lies elsewhere replaces a left-over one of the same name.
    std::erase_if(listing.files, [&](const SourceFile& file) {
      return std::any_of(configuration.links.begin(), configuration.links.end(),
                         [&](const ConfigurationLink& link) { return link.name == file.path; });
    });
    add_directories(listing);
    progress_.begin("copy", total_bytes(listing));
    copied_ = copy_files(listing.files, *writer_, {request_.jobs, control_.data_checksums}, progress_, stop_);
    progress_.end();
    blocks_ = writer_->make_block_writer();
    add_configuration(configuration);
    // Last: recovery starts from the label, but whatever pg_control says must not be older than the files.
    auto control_entry = describe_entry(request_.pgdata / "global" / "pg_control", "global/pg_control");
    add_bytes(file_entry(control_entry, store::FileKind::file), postgres::read_control_file_bytes(request_.pgdata));
  }

  void stop_and_label() {
    stopped_ = session_.stop();
    const auto start = parse_label_start(stopped_.backup_label);
    if (start.lsn != summary_.start_lsn) {
      throw Error(ErrorKind::internal, fmt::format("the backup started at {} but its label says {}",
                                                   to_string(summary_.start_lsn), to_string(start.lsn)));
    }
    summary_.timeline = start.timeline;
    summary_.stop_lsn = stopped_.stop_lsn;
    add_bytes(made_here("backup_label"), std::as_bytes(std::span(stopped_.backup_label)));
    std::sort(copied_.files.begin(), copied_.files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    const auto manifest =
        postgres::render_backup_manifest({copied_.files, summary_.timeline, summary_.start_lsn, summary_.stop_lsn});
    add_bytes(made_here("backup_manifest"), std::as_bytes(std::span(manifest)));
    blocks_->finish();
  }

  // The backup is complete only with its WAL.
  BackupResult publish() {
    auto manifest = writer_->finish();
    progress_.begin("wait for WAL", 0);
    arrival().wait_for(summary_.timeline, summary_.start_lsn, summary_.stop_lsn, stop_);
    progress_.end();
    BackupResult result;
    result.damaged_pages = damaged_among(copied_.suspects, summary_.start_lsn, summary_.stop_lsn);
    fill(manifest, result.damaged_pages);
    writer_->publish(manifest);
    result.summary = manifest.summary;
    return result;
  }

 private:
  [[nodiscard]] WalArrival arrival() const {
    return {*storage_, request_.cluster, control_.segment_size, request_.wal_timeout};
  }

  void add_directories(const SourceListing& listing) {
    for (const auto& directory : listing.directories) {
      auto entry = file_entry(directory, store::FileKind::directory);
      for (const auto& tablespace : listing.tablespaces) {
        if (tablespace.location.empty() || entry.path != "pg_tblspc/" + tablespace.oid) continue;
        entry.kind = store::FileKind::symlink;
        entry.link_target = tablespace.location.string();
        tablespaces_.push_back({number_of(tablespace.oid), entry.link_target});
      }
      if (directory.path.empty()) {
        top_ = directory;
        entry.path = ".";
      }
      writer_->add_file(std::move(entry));
    }
  }

  void add_configuration(const CapturedConfiguration& configuration) {
    for (const auto& link : configuration.links) {
      auto entry = file_entry(describe_entry(link.target, link.name), store::FileKind::symlink);
      entry.link_target = link.target.string();
      writer_->add_file(std::move(entry));
    }
    for (const auto& path : configuration.files) {
      auto entry = file_entry(describe_entry(path, path.string()), store::FileKind::file);
      entry.area = store::FileArea::external;
      entry.modified_ns = nanoseconds_now();
      const auto text = base::read_file(path);
      static_cast<void>(store_bytes(*writer_, *blocks_, std::move(entry), std::as_bytes(std::span(text))));
      external_files_.push_back(path.string());
    }
  }

  [[nodiscard]] store::FileEntry made_here(const std::string& path) const {
    return file_entry({path, 0600, top_.user, top_.group}, store::FileKind::file);
  }

  void add_bytes(store::FileEntry entry, std::span<const std::byte> bytes) {
    entry.modified_ns = nanoseconds_now();
    copied_.files.push_back(store_bytes(*writer_, *blocks_, std::move(entry), bytes));
  }

  void fill(store::Manifest& manifest, const std::vector<DamagedPage>& damaged) {
    auto& summary = manifest.summary;
    summary.cluster = request_.cluster;
    summary.label = writer_->label();
    summary.type = request_.type;
    summary.source = "files";
    summary.started_at = summary_.started_at;
    summary.finished_at = base::utc_now();
    summary.stopped_at = stopped_.stopped_at;
    summary.start_lsn = summary_.start_lsn;
    summary.stop_lsn = summary_.stop_lsn;
    summary.timeline = summary_.timeline;
    summary.postgres_major = control_.major;
    summary.system_identifier = control_.system_identifier;
    summary.damaged_pages = damaged.size();
    summary.data_checksums = control_.data_checksums;
    manifest.page_size_bytes = control_.page_bytes;
    manifest.wal_segment_size = control_.segment_size;
    manifest.tablespaces = tablespaces_;
    manifest.databases = stopped_.databases;
    manifest.backup_label_text = stopped_.backup_label;
    manifest.tablespace_map_text = stopped_.tablespace_map;
    manifest.external_files = external_files_;
    for (const auto& page : damaged) manifest.damaged_pages.push_back({page.file, page.block});
  }

  const BackupRequest& request_;
  base::Progress& progress_;
  const std::stop_token stop_;
  Session session_;
  postgres::ControlFile control_;
  std::unique_ptr<store::Storage> storage_;
  store::ClusterIdentity identity_;
  std::string tablespace_version_;
  ConfigurationPlaces places_;
  std::optional<store::BackupWriter> writer_;
  std::unique_ptr<store::BlockWriter> blocks_;  // for what is stored from memory
  BackupSummary summary_;
  SourceEntry top_;
  std::vector<store::Tablespace> tablespaces_;
  std::vector<std::string> external_files_;
  CopiedFiles copied_;
  StoppedBackup stopped_;
};

void refuse_what_cannot_be_done(const BackupRequest& request) {
  if (request.type != BackupType::full) {
    throw Error(ErrorKind::unsupported, fmt::format("{} backups are not delivered yet", to_string(request.type)))
        .with_remedy("Take a full backup.");
  }
  if (request.pgdata.empty()) {
    throw Error(ErrorKind::unsupported, "backups over the connection alone are not delivered yet")
        .with_remedy("Give the data directory (--pgdata).");
  }
}

}  // namespace
}  // namespace backup

BackupResult take_backup(const BackupRequest& request, base::Progress& progress, const std::stop_token& stop) {
  const auto begin = std::chrono::steady_clock::now();
  backup::refuse_what_cannot_be_done(request);
  backup::Backup backup(request, progress, stop);
  backup.check();
  backup.start();
  backup.copy();
  backup.stop_and_label();
  auto result = backup.publish();
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

}  // namespace backup_engine
