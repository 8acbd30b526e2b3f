#include "backup_engine/restore/safety_journal.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/is_there.hpp"
#include "backup_engine/store/json_document.hpp"

namespace backup_engine {

namespace {

constexpr std::array<std::pair<SafetyCopyState, std::string_view>, 6> state_names = {
    {{SafetyCopyState::setting_aside, "setting aside"},
     {SafetyCopyState::set_aside, "set aside"},
     {SafetyCopyState::clearing, "clearing"},
     {SafetyCopyState::returning, "returning"},
     {SafetyCopyState::returned, "returned"},
     {SafetyCopyState::dropping, "dropping"}}};

}  // namespace

std::string_view to_string(SafetyCopyState state) {
  for (const auto& [each, name] : state_names) {
    if (each == state) return name;
  }
  return "?";
}

namespace restore {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;
using store::Json;

namespace {

constexpr auto format_name = "lifeboat-safety-copy";

SafetyCopyState state_of(const std::string& text, const std::string& object) {
  for (const auto& [state, name] : state_names) {
    if (name == text) return state;
  }
  throw Error(ErrorKind::corrupt, fmt::format("{}: '{}' is no state of a safety copy", object, text));
}

// Names in it are renamed and removed: none may lead elsewhere.
void require_place(bool sound, const std::string& what, const std::string& object) {
  if (!sound) throw Error(ErrorKind::corrupt, fmt::format("{}: {} is no place that it can be about", object, what));
}

SafetyTablespace decode_tablespace(const Json& document, const std::string& object) {
  SafetyTablespace tablespace;
  tablespace.link = document.at("link").get<std::string>();
  tablespace.location = document.at("location").get<std::string>();
  tablespace.version_directory = document.at("version_directory").get<std::string>();
  tablespace.keeps = document.at("keeps").get<bool>();
  tablespace.made = document.at("made").get<bool>();
  require_place(tablespace.location.is_absolute(), tablespace.location.string(), object);
  require_place(
      tablespace.version_directory.starts_with("PG_") && tablespace.version_directory.find('/') == std::string::npos,
      tablespace.version_directory, object);
  return tablespace;
}

bool has_journal(const fs::path& folder) {
  std::error_code error;
  return fs::is_directory(fs::symlink_status(folder, error)) &&
         fs::exists(fs::symlink_status(folder / safety_journal_name, error));
}

}  // namespace

fs::path SafetyTablespace::aside() const {
  return location / fmt::format("{}.{}", version_directory, safety_copy_name);
}

fs::path SafetyTablespace::undone() const {
  return location / (version_directory + ".lifeboat-undone");
}

std::string encode(const SafetyJournal& journal) {
  auto document = store::new_document(format_name);
  document["state"] = to_string(journal.state);
  document["layout"] = journal.layout == SafetyCopyLayout::inside ? "inside" : "beside";
  document["taken_at"] = base::to_rfc3339(journal.taken_at);
  document["data_directory"] = journal.data_directory.string();
  document["cluster"] = journal.cluster;
  document["repository"] = journal.repository.text;
  document["key_file"] = journal.repository.key_file.string();
  document["backup"] = journal.backup_label;
  document["system_identifier"] = std::to_string(journal.system_identifier);
  document["timeline"] = journal.timeline.number();
  document["tablespaces"] = Json::array();
  for (const auto& tablespace : journal.tablespaces) {
    document["tablespaces"].push_back(Json{{"link", tablespace.link},
                                           {"location", tablespace.location.string()},
                                           {"version_directory", tablespace.version_directory},
                                           {"keeps", tablespace.keeps},
                                           {"made", tablespace.made}});
  }
  return store::to_sealed_text(document);
}

SafetyJournal decode_safety_journal(const std::string& text, const std::string& object) {
  return store::read_document(text, object, format_name, [&](const Json& document) {
    SafetyJournal journal;
    journal.state = state_of(document.at("state").get<std::string>(), object);
    const auto layout = document.at("layout").get<std::string>();
    require_place(layout == "inside" || layout == "beside", layout, object);
    journal.layout = layout == "inside" ? SafetyCopyLayout::inside : SafetyCopyLayout::beside;
    const auto taken_at = base::parse_rfc3339(document.at("taken_at").get<std::string>());
    if (!taken_at) throw Error(ErrorKind::corrupt, fmt::format("{}: taken_at is not readable", object));
    journal.taken_at = *taken_at;
    journal.data_directory = document.at("data_directory").get<std::string>();
    require_place(journal.data_directory.is_absolute(), journal.data_directory.string(), object);
    journal.cluster = document.at("cluster").get<std::string>();
    journal.repository.text = document.at("repository").get<std::string>();
    journal.repository.key_file = document.at("key_file").get<std::string>();
    journal.backup_label = document.at("backup").get<std::string>();
    journal.system_identifier = std::stoull(document.at("system_identifier").get<std::string>());
    journal.timeline = postgres::TimelineId(document.at("timeline").get<std::uint32_t>());
    for (const auto& each : document.at("tablespaces")) journal.tablespaces.push_back(decode_tablespace(each, object));
    return journal;
  });
}

fs::path safety_folder(const fs::path& data_directory, SafetyCopyLayout layout) {
  if (layout == SafetyCopyLayout::inside) return data_directory / safety_copy_name;
  return fmt::format("{}.{}", data_directory.string(), safety_copy_name);
}

std::optional<fs::path> find_safety_folder(const fs::path& data_directory) {
  for (const auto layout : {SafetyCopyLayout::beside, SafetyCopyLayout::inside}) {
    auto folder = safety_folder(data_directory, layout);
    if (has_journal(folder)) return folder;
  }
  return std::nullopt;
}

SafetyJournal read_safety_journal(const fs::path& folder, const fs::path& data_directory) {
  const auto file = folder / safety_journal_name;
  auto journal = decode_safety_journal(base::read_file(file), file.string());
  if (journal.data_directory == data_directory) return journal;
  throw Error(ErrorKind::mismatch, fmt::format("{} is the safety copy of {}, not of {}", folder.string(),
                                               journal.data_directory.string(), data_directory.string()))
      .with_remedy("Give the directories the names that they had, or --to the other one.");
}

void write_safety_journal(const SafetyJournal& journal, const fs::path& folder, base::FileSystem& file_system) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) throw base::system_error(errno, "look at", folder.string());
  const auto next = folder / next_safety_journal_name;
  if (base::is_there(next)) file_system.remove(next);
  auto file = file_system.create(next, 0600);
  if (::geteuid() == 0) file_system.set_owner(next, status.st_uid, status.st_gid);
  const auto text = encode(journal);
  file->write_at(0, std::as_bytes(std::span(text)));
  file->sync();
  file->close();
  file_system.rename(next, folder / safety_journal_name);
  file_system.sync_directory(folder);
}

}  // namespace restore
}  // namespace backup_engine
