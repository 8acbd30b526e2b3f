// A source that reads the data directory by path, in parallel, between pg_backup_start and pg_backup_stop.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <set>

#include "backup_engine/backup/copy_files.hpp"
#include "backup_engine/backup/required_places.hpp"
#include "backup_engine/backup/session.hpp"
#include "backup_engine/backup/source.hpp"
#include "backup_engine/backup/source_files.hpp"
#include "backup_engine/base/error.hpp"

namespace backup_engine::backup {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;

namespace {

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

std::set<std::string> places_in(const SourceListing& listing) {
  std::set<std::string> places;
  const auto add = [&](const SourceEntry& entry) {
    if (shows_place(entry.path)) places.insert(entry.path);
  };
  std::for_each(listing.directories.begin(), listing.directories.end(), add);
  std::for_each(listing.files.begin(), listing.files.end(), add);
  return places;
}

std::uint32_t number_of(const std::string& oid) {
  std::uint32_t number = 0;
  std::from_chars(oid.data(), oid.data() + oid.size(), number);
  return number;
}

void add_directories(const SourceListing& listing, BackupContents& contents) {
  for (const auto& directory : listing.directories) {
    const auto tablespace =
        std::find_if(listing.tablespaces.begin(), listing.tablespaces.end(), [&](const SourceTablespace& each) {
          return !each.location.empty() && directory.path == "pg_tblspc/" + each.oid;
        });
    if (directory.path.empty()) {
      contents.add_data_directory(directory);
    } else if (tablespace != listing.tablespaces.end()) {
      contents.add_tablespace(number_of(tablespace->oid), tablespace->location.string(), directory);
    } else {
      contents.add_directory(directory);
    }
  }
}

class FilesSource final : public Source {
 public:
  explicit FilesSource(const BackupRequest& request) : request_(request), session_(request.conninfo) {}

  [[nodiscard]] std::string name() const override { return "files"; }

  [[nodiscard]] ServerFacts check() override {
    control_ = read_control(request_.pgdata);
    session_.require_serving(request_.pgdata, control_);
    tablespace_version_ = fmt::format("PG_{}_{}", control_.major, control_.catalog_version);
    places_ = {session_.setting_path("data_directory"), session_.setting_path("config_file"),
               session_.setting_path("hba_file"), session_.setting_path("ident_file")};
    return {control_.major, control_.system_identifier, control_.segment_size, control_.page_bytes,
            control_.data_checksums};
  }

  [[nodiscard]] StartedBackup start(const std::string& label, const std::stop_token& /*stop*/) override {
    const auto start_lsn = session_.start(label);
    return {start_lsn, session_.timeline(), total_bytes(list_source(request_.pgdata, tablespace_version_))};
  }

  void end_segment() override { session_.end_segment(); }

  void copy(BackupContents& contents, base::Progress& progress, const std::stop_token& stop) override {
    const RequiredPlaces required([this] { return session_.inventory(); },
                                  [this](std::uint32_t oid) { return location_of(oid); });
    auto listing = list_source(request_.pgdata, tablespace_version_);
    required.require(places_in(listing), tablespace_version_, stop);
    const auto reader = local_configuration();
    const auto configuration = capture_configuration(places_, reader);
    // What stands in for a file that lies elsewhere replaces a left-over one of the same name.
    std::erase_if(listing.files, [&](const SourceFile& file) {
      return std::any_of(configuration.links.begin(), configuration.links.end(),
                         [&](const ConfigurationLink& link) { return link.name == file.path; });
    });
    add_directories(listing, contents);
    progress.begin("copy", total_bytes(listing));
    base::Pace pace(request_.max_bytes_per_second, request_.on_held_back);
    CopyOptions options{.jobs = request_.jobs, .verify_pages = control_.data_checksums};
    options.pace = &pace;
    contents.add_stored(copy_files(listing, contents.writer(), options, progress, stop));
    progress.end();
    required.require(still_there(contents.places()), tablespace_version_, stop);
    contents.add_configuration(configuration, reader,
                               [](const fs::path& path) { return describe_entry(path, path.string()); });
    // Last: recovery starts from the label, but whatever pg_control says must not be older than the files.
    const auto control = describe_entry(request_.pgdata / "global" / "pg_control", "global/pg_control");
    contents.add_file(control, base::utc_now(), postgres::read_control_file_bytes(request_.pgdata));
  }

  [[nodiscard]] StoppedBackup stop(const std::stop_token& /*stop*/) override { return session_.stop(); }

 private:
  [[nodiscard]] std::string location_of(std::uint32_t tablespace) const {
    std::error_code none;
    return fs::read_symlink(request_.pgdata / "pg_tblspc" / std::to_string(tablespace), none).string();
  }

  // A disk that went while files were copied took them away like files that are dropped.
  [[nodiscard]] std::set<std::string> still_there(std::set<std::string> places) const {
    std::erase_if(places, [&](const std::string& path) {
      std::error_code error;
      return path.starts_with("pg_tblspc/") && !fs::exists(request_.pgdata / path, error);
    });
    return places;
  }

  const BackupRequest& request_;
  Session session_;
  postgres::ControlFile control_;
  std::string tablespace_version_;
  ConfigurationPlaces places_;
};

}  // namespace

std::unique_ptr<Source> files_source(const BackupRequest& request) {
  return std::make_unique<FilesSource>(request);
}

}  // namespace backup_engine::backup
