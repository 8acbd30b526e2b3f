#include "backup_engine/backup/stream_configuration.hpp"

#include <fmt/format.h>

#include <array>

#include "backup_engine/backup/server_questions.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/path_order.hpp"

namespace backup_engine::backup {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;

namespace {

constexpr std::array<const char*, 3> file_names = {"postgresql.conf", "pg_hba.conf", "pg_ident.conf"};

Error out_of_reach(const std::string& what) {
  return Error(ErrorKind::permission,
               fmt::format("{} lies outside the data directory, where BASE_BACKUP does not reach, and the role may not "
                           "read it; without it a restored server would not start as this one does",
                           what))
      .with_remedy(
          "In the database of --dbname: GRANT pg_read_all_settings, pg_read_server_files TO the role; GRANT EXECUTE ON "
          "FUNCTION pg_read_binary_file(text, bigint, bigint, boolean), pg_ls_dir(text, boolean, boolean) TO the role. "
          "Or run beside the server and give --pgdata.");
}

// Only who has pg_read_all_settings may see them.
std::optional<ConfigurationPlaces> ask_for_places(postgres::BaseBackupConnection& connection) {
  const auto path = [&](std::string_view setting) { return fs::path(connection.show(setting)).lexically_normal(); };
  try {
    return ConfigurationPlaces{path("data_directory"), path("config_file"), path("hba_file"), path("ident_file")};
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::permission) throw;
    return std::nullopt;
  }
}

ConfigurationPlaces default_places(const fs::path& data_directory) {
  return {data_directory, data_directory / file_names[0], data_directory / file_names[1],
          data_directory / file_names[2]};
}

// What came over the wire, as if it lay in `data_directory`.
postgres::ConfigurationReader kept_configuration(const StreamEntries& entries, const fs::path& data_directory) {
  const auto require_inside = [data_directory](const fs::path& path) {
    if (!base::lies_in(path, data_directory)) throw out_of_reach(path.string());
  };
  return {[&entries, data_directory, require_inside](const fs::path& path) -> std::optional<std::string> {
            require_inside(path);
            const auto* const kept = entries.kept(path.lexically_relative(data_directory).string());
            return kept == nullptr ? std::nullopt : std::optional(kept->bytes);
          },
          [&entries, data_directory, require_inside](const fs::path& directory) {
            require_inside(directory);
            std::vector<std::string> names;
            for (const auto& [path, kept] : entries.kept()) {
              const auto file = data_directory / path;
              if (file.parent_path() == directory) names.push_back(file.filename().string());
            }
            return names;
          }};
}

}  // namespace

void StreamConfiguration::find(postgres::BaseBackupConnection& connection, const std::string& conninfo) {
  places_ = ask_for_places(connection);
  if (!places_) return;
  if (const auto sql = connect_if_allowed(conninfo); sql && may_read_server_files(*sql)) {
    reader_ = server_configuration(sql);
    captured_ = capture_configuration(*places_, reader_);
    // Everything that will be asked for, while the connection is there.
    for (const auto& path : captured_->files) static_cast<void>(reader_.read(path));
    for (const auto* const name : file_names) static_cast<void>(reader_.read(places_->data_directory / name));
    return;
  }
  const auto usual = default_places(places_->data_directory);
  for (const auto& [place, usual_place] :
       {std::pair(places_->config_file, usual.config_file), std::pair(places_->hba_file, usual.hba_file),
        std::pair(places_->ident_file, usual.ident_file)}) {
    if (place != usual_place) throw out_of_reach(place.string());
  }
}

std::set<std::string> StreamConfiguration::replaced() const {
  std::set<std::string> names;
  if (!captured_) return names;
  for (const auto& link : captured_->links) names.insert(link.name);
  return names;
}

void StreamConfiguration::add_to(BackupContents& contents, const StreamEntries& entries) const {
  if (captured_) {
    add_captured(contents, entries);
  } else {
    require_self_contained(entries);
  }
}

void StreamConfiguration::add_captured(BackupContents& contents, const StreamEntries& entries) const {
  const auto& owner = contents.data_directory();
  contents.add_configuration(*captured_, reader_, [&](const fs::path& path) {
    return SourceEntry{path.string(), 0600, owner.user, owner.group};
  });
  // The server sends no links: a file that is where it belongs and did not come is one.
  const auto linked = replaced();
  for (const auto* const name : file_names) {
    if (entries.stored(name) || linked.contains(name)) continue;
    if (const auto text = reader_.read(places_->data_directory / name)) contents.add_made_here(name, *text);
  }
}

void StreamConfiguration::require_self_contained(const StreamEntries& entries) const {
  for (const auto* const name : {file_names[0], file_names[1]}) {
    if (!entries.stored(name)) throw out_of_reach(name);
  }
  // Which directory it is does not matter: whatever names one is refused.
  const auto places = default_places(places_ ? places_->data_directory : fs::path("/the-data-directory"));
  const auto captured = capture_configuration(places, kept_configuration(entries, places.data_directory));
  if (!captured.links.empty()) throw out_of_reach("something that " + captured.links.front().name + " names");
}

}  // namespace backup_engine::backup
