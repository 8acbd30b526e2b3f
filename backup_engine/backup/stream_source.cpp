// A source that the server sends over a replication connection: BASE_BACKUP, one stream of tar archives. A role with
// REPLICATION is enough; SQL is used where the role may connect, for what the protocol does not tell.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "backup_engine/backup/file_rules.hpp"
#include "backup_engine/backup/required_places.hpp"
#include "backup_engine/backup/server_manifest.hpp"
#include "backup_engine/backup/server_questions.hpp"
#include "backup_engine/backup/source.hpp"
#include "backup_engine/backup/stream_configuration.hpp"
#include "backup_engine/backup/stream_entries.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/pace.hpp"
#include "backup_engine/postgres/base_backup_connection.hpp"
#include "backup_engine/postgres/control_file.hpp"
#include "backup_engine/postgres/page.hpp"

namespace backup_engine::backup {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::uint32_t tablespace_mode = 0700;

std::string tablespace_map_of(const std::vector<store::Tablespace>& tablespaces) {
  std::string text;
  for (const auto& tablespace : tablespaces) {
    text += fmt::format("{} ", tablespace.oid);
    for (const char c : tablespace.path) {
      if (c == '\n' || c == '\r' || c == '\\') text += '\\';
      text += c;
    }
    text += '\n';
  }
  return text;
}

// A link among PostgreSQL's own data would be missing from the backup. A socket at the top is no loss.
bool is_needed(std::string_view path) {
  if (path.starts_with("./")) path.remove_prefix(2);
  return is_of_postgres(path);
}

// It was sent once, and may have been written just then.
postgres::ControlFile parse_control(const std::string& bytes) {
  try {
    return postgres::parse_control_file(std::as_bytes(std::span(bytes)));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt) throw;
    throw Error(error.kind(), error.what())
        .with_remedy("Take the backup again; if this comes back, the server's own global/pg_control is damaged.");
  }
}

class StreamSource final : public Source {
 public:
  explicit StreamSource(const BackupRequest& request)
      : request_(request), connection_(request.conninfo, "lifeboat backup") {}

  [[nodiscard]] std::string name() const override { return "stream"; }

  [[nodiscard]] ServerFacts check() override {
    const auto version = connection_.server_version();
    if (!postgres::supported(version.major())) {
      throw Error(ErrorKind::unsupported, fmt::format("the server is PostgreSQL {}", to_string(version)))
          .with_remedy(fmt::format("Lifeboat backs up PostgreSQL {} to {}.", postgres::oldest_supported_major,
                                   postgres::newest_supported_major));
    }
    if (connection_.show("block_size") != std::to_string(postgres::page_bytes)) {
      throw Error(ErrorKind::unsupported,
                  fmt::format("the server was built with pages of {} bytes", connection_.show("block_size")))
          .with_remedy(fmt::format("Lifeboat backs up servers with pages of {} bytes.", postgres::page_bytes));
    }
    configuration_.find(connection_, request_.conninfo);
    facts_ = {version.major(), connection_.identify_system().system_identifier,
              postgres::parse_segment_size(connection_.show("wal_segment_size")), postgres::page_bytes,
              connection_.show("data_checksums") == "on"};
    data_directory_mode_ = static_cast<mode_t>(std::stoul(connection_.show("data_directory_mode"), nullptr, 8));
    return facts_;
  }

  [[nodiscard]] StartedBackup start(const std::string& label, const std::stop_token& stop) override {
    require_what_there_is_now();
    try {
      started_ = connection_.start(label, stop);
    } catch (const Error& error) {
      explain_standby(error);
      throw;
    }
    return {started_.lsn, started_.timeline, started_.size_bytes};
  }

  void end_segment() override {
    if (const auto sql = connect_if_allowed(request_.conninfo)) end_archived_segment(*sql);
  }

  void copy(BackupContents& contents, base::Progress& progress, const std::stop_token& stop) override {
    BlockPipeline pipeline(contents.writer(), request_.jobs);
    StreamEntries entries(contents, pipeline,
                          {facts_.data_checksums, configuration_.replaced(), configuration_.depends_on_stream()});
    progress.begin("copy", started_.size_bytes);
    const auto announced = receive_all(entries, progress, stop);
    contents.add_stored(pipeline.finish());
    progress.end();
    require_nothing_skipped();
    add_control_and_directories(contents, entries);
    require_places(contents, entries, stop);
    announced.require_same(contents.files(), [&](const std::string& path) {
      return belongs_to_backup(path) && !configuration_.replaced().contains(path);
    });
    configuration_.add_to(contents, entries);
    backup_label_ = text_of(entries, "backup_label");
    tablespace_map_ = entries.kept("tablespace_map") != nullptr ? text_of(entries, "tablespace_map")
                                                                : tablespace_map_of(contents.tablespaces());
  }

  [[nodiscard]] StoppedBackup stop(const std::stop_token& stop) override {
    StoppedBackup stopped;
    stopped.stop_lsn = ended_.lsn;
    stopped.backup_label = backup_label_;
    stopped.tablespace_map = tablespace_map_;
    if (const auto sql = connect_if_allowed(request_.conninfo)) {
      stopped.stopped_at = server_clock(*sql);
      stopped.databases = list_databases(*sql);
    } else {
      stopped.stopped_at = connection_.server_clock(ended_.lsn, ended_.timeline, stop);
    }
    return stopped;
  }

 private:
  void require_what_there_is_now() {
    if (!connect_if_allowed(request_.conninfo)) return;
    const auto ask = [this] {
      const auto sql = connect_if_allowed(request_.conninfo);
      if (!sql) throw Error(ErrorKind::connection, "the server answers no more questions in SQL");
      return take_inventory(*sql);
    };
    required_.emplace(ask, [this](std::uint32_t oid) {
      const auto tablespace = std::ranges::find(started_.tablespaces, oid, &postgres::BaseBackupTablespace::oid);
      return tablespace == started_.tablespaces.end() ? std::string() : tablespace->location;
    });
  }

  // The server sends an empty archive of a tablespace in which it finds nothing. Without SQL nobody knows whether it
  // was being dropped.
  void require_places(const BackupContents& contents, const StreamEntries& entries, const std::stop_token& stop) const {
    const auto control = parse_control(entries.kept("global/pg_control")->bytes);
    const auto version_directory = fmt::format("PG_{}_{}", control.major, control.catalog_version);
    const auto places = contents.places();
    if (required_) return required_->require(places, version_directory, stop);
    for (const auto& tablespace : started_.tablespaces) {
      if (places.contains(fmt::format("pg_tblspc/{}/{}", tablespace.oid, version_directory))) continue;
      throw Error(ErrorKind::io,
                  fmt::format("the server sent nothing of the tablespace with OID {} at {}, not even its "
                              "directory {}; without it the backup would not be whole",
                              tablespace.oid, tablespace.location, version_directory))
          .with_remedy(
              "Mount what belongs there; if it was being dropped just then, take the backup again. A role that may "
              "connect to a database lets the backup find out by itself.");
    }
  }

  void explain_standby(const Error& error) const {
    if (error.sqlstate() != not_in_prerequisite_state || !connection_.in_recovery()) return;
    throw Error(ErrorKind::unsupported, fmt::format("the standby cannot be backed up: {}", error.what()))
        .with_sqlstate(error.sqlstate())
        .with_remedy(std::string(standby_remedy));
  }

  ServerManifest receive_all(StreamEntries& entries, base::Progress& progress, const std::stop_token& stop) {
    try {
      auto announced = receive(entries, progress, stop);
      ended_ = connection_.finish(stop);
      return announced;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::server) throw;
      explain_standby(error);
      throw Error(error.kind(), error.what())
          .with_sqlstate(error.sqlstate())
          .with_remedy("What the server cannot send may be read beside it: give --pgdata.");
    }
  }

  // The archives one after the other, and behind them the server's own list of what it sent.
  ServerManifest receive(StreamEntries& entries, base::Progress& progress, const std::stop_token& stop) {
    ServerManifest announced;
    std::optional<TarReader> archive;
    base::Pace pace(request_.max_bytes_per_second, request_.on_held_back);
    for (;;) {
      const auto message = connection_.take(stop);
      if (const auto* const more = std::get_if<postgres::StreamedBytes>(&message)) {
        pace.take(more->bytes.size(), stop);  // the server waits with us once the connection's buffers are full
        progress.advance(more->bytes.size());
        if (archive) {
          archive->feed(more->bytes);
        } else {
          announced.feed(more->bytes);
        }
        continue;
      }
      if (archive) archive->finish();
      archive.reset();
      if (const auto* const begins = std::get_if<postgres::ArchiveBegins>(&message)) {
        entries.begin_archive(begins->tablespace);
        archive.emplace(entries);
      }
      if (std::holds_alternative<postgres::EndOfArchives>(message)) return announced;
    }
  }

  void require_nothing_skipped() const {
    const auto& skipped = connection_.skipped();
    const auto needed = std::find_if(skipped.begin(), skipped.end(), is_needed);
    if (needed == skipped.end()) return;
    throw Error(
        ErrorKind::unsupported,
        fmt::format("{} is neither a file nor a directory, and so BASE_BACKUP does not send what is there", *needed))
        .with_remedy("Run beside the server and give --pgdata: then links are followed.");
  }

  void add_control_and_directories(BackupContents& contents, const StreamEntries& entries) {
    const auto* const control = entries.kept("global/pg_control");
    if (control == nullptr) throw Error(ErrorKind::corrupt, "the server sent no global/pg_control");
    const auto parsed = parse_control(control->bytes);
    if (parsed.system_identifier != facts_.system_identifier || parsed.major != facts_.major) {
      throw Error(ErrorKind::mismatch, "the server sent the files of another cluster than it said it is");
    }
    const auto user = control->entry.user;
    const auto group = control->entry.group;
    contents.add_data_directory({"", data_directory_mode_, user, group});
    for (const auto& tablespace : started_.tablespaces) {
      const SourceEntry entry{fmt::format("pg_tblspc/{}", tablespace.oid), tablespace_mode, user, group};
      if (tablespace.location.starts_with('/')) {
        contents.add_tablespace(tablespace.oid, tablespace.location, entry);
      } else {
        contents.add_directory(entry);
      }
    }
    contents.add_file(control->entry, control->modified_at, std::as_bytes(std::span(control->bytes)));
  }

  [[nodiscard]] static std::string text_of(const StreamEntries& entries, const std::string& path) {
    const auto* const kept = entries.kept(path);
    if (kept == nullptr) throw Error(ErrorKind::corrupt, "the server sent no " + path);
    return kept->bytes;
  }

  const BackupRequest& request_;
  postgres::BaseBackupConnection connection_;
  StreamConfiguration configuration_;
  std::optional<RequiredPlaces> required_;  // when the server can be asked
  ServerFacts facts_;
  mode_t data_directory_mode_ = 0700;
  postgres::BaseBackupStart started_;
  postgres::BaseBackupEnd ended_;
  std::string backup_label_, tablespace_map_;
};

}  // namespace

std::unique_ptr<Source> stream_source(const BackupRequest& request) {
  return std::make_unique<StreamSource>(request);
}

}  // namespace backup_engine::backup
