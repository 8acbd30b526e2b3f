#include "backup_engine/backup/configuration_capture.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/path_order.hpp"

namespace backup_engine::backup {

namespace fs = std::filesystem;
using postgres::ConfigurationKind;

namespace {

std::optional<std::string> read_if_there(const fs::path& path) {
  try {
    return base::read_file(path);
  } catch (const base::Error& error) {
    if (error.kind() == base::ErrorKind::not_found) return std::nullopt;
    throw;
  }
}

std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) names.push_back(entry.path().filename());
  return names;
}

// Whether a line ties the file to the place where it lies now.
bool names_a_place(std::string_view text) {
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    const auto setting = postgres::parse_setting(line);
    if (setting) {
      if (setting->name == "data_directory" || setting->name == "hba_file" || setting->name == "ident_file")
        return true;
      if (setting->name.starts_with("include") && setting->value.starts_with('/')) return true;
    }
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return false;
}

void capture(const fs::path& file, const std::string& name, ConfigurationKind kind, const fs::path& data_directory,
             const postgres::ConfigurationReader& reader, CapturedConfiguration& captured) {
  const auto files = postgres::included_files(file, kind, reader);
  const bool stays =
      file == data_directory / name && std::all_of(files.begin(), files.end(), [&](const fs::path& each) {
        return base::lies_in(each, data_directory) && !names_a_place(reader.read(each).value_or(""));
      });
  if (stays || files.empty()) return;
  captured.links.push_back({name, file});
  for (const auto& each : files) {
    if (std::find(captured.files.begin(), captured.files.end(), each) == captured.files.end()) {
      captured.files.push_back(each);
    }
  }
}

}  // namespace

CapturedConfiguration capture_configuration(const ConfigurationPlaces& places,
                                            const postgres::ConfigurationReader& reader) {
  CapturedConfiguration captured;
  const auto directory = places.data_directory.lexically_normal();
  capture(places.config_file, "postgresql.conf", ConfigurationKind::settings, directory, reader, captured);
  capture(places.hba_file, "pg_hba.conf", ConfigurationKind::records, directory, reader, captured);
  capture(places.ident_file, "pg_ident.conf", ConfigurationKind::records, directory, reader, captured);
  return captured;
}

postgres::ConfigurationReader local_configuration() {
  return {read_if_there, names_in};
}

}  // namespace backup_engine::backup
