#include "backup_engine/restore/restored_texts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file_time.hpp"
#include "backup_engine/postgres/backup_manifest.hpp"
#include "backup_engine/postgres/configuration.hpp"
#include "backup_engine/postgres/control_file.hpp"

namespace backup_engine::restore {

namespace fs = std::filesystem;

namespace {

constexpr const char* auto_conf = "postgresql.auto.conf";

std::string text_of(const store::BackupReader& reader, const store::FileEntry& entry) {
  const auto bytes = read_whole(reader, entry);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::optional<store::FileEntry> find(const store::BackupReader& reader, const std::string& path) {
  const auto index = reader.files().find(path);
  if (!index) return std::nullopt;
  return reader.files().entry(*index);
}

// Reads configuration that lay outside the data directory from the backup, under the names it had.
postgres::ConfigurationReader external_configuration(const store::BackupReader& reader) {
  const auto read = [&reader](const fs::path& path) -> std::optional<std::string> {
    const auto entry = find(reader, path.string());
    if (!entry || entry->area != store::FileArea::external) return std::nullopt;
    return text_of(reader, *entry);
  };
  const auto list = [&reader](const fs::path& directory) {
    std::vector<std::string> names;
    for (const auto& path : reader.manifest().external_files) {
      if (fs::path(path).parent_path() == directory) names.push_back(fs::path(path).filename());
    }
    return names;
  };
  return {read, list};
}

// Links in the backup stand for configuration that lay outside the data directory or named places of its own.
std::vector<PlannedText> configuration_texts(const store::BackupReader& reader) {
  std::vector<PlannedText> texts;
  for (const auto* const name : {"postgresql.conf", "pg_hba.conf", "pg_ident.conf"}) {
    const auto entry = find(reader, name);
    if (!entry || entry->kind != store::FileKind::symlink) continue;
    const bool settings = entry->path == "postgresql.conf";
    const auto kind = settings ? postgres::ConfigurationKind::settings : postgres::ConfigurationKind::records;
    auto text = postgres::flatten(entry->link_target, kind, external_configuration(reader));
    // These would lead the restored server back to the source's files.
    if (settings) text = postgres::without_settings(text, {"data_directory", "hba_file", "ident_file"});
    texts.push_back({entry->path, 0600, std::move(text)});
  }
  return texts;
}

std::string manifest_text(const store::BackupReader& reader, const std::vector<PlannedText>& texts) {
  const auto& summary = reader.manifest().summary;
  postgres::BackupManifest manifest{{}, {summary.timeline, summary.start_lsn, summary.stop_lsn}};
  manifest.files.reserve(reader.files().size() + texts.size());
  for (std::size_t i = 0; i < reader.files().size(); ++i) {
    auto entry = reader.files().entry(i);
    if (entry.kind != store::FileKind::file || entry.area == store::FileArea::external ||
        entry.path == "backup_manifest" || std::ranges::find(texts, entry.path, &PlannedText::path) != texts.end()) {
      continue;
    }
    const auto modified = base::from_nanoseconds(entry.modified_ns);
    manifest.files.push_back({std::move(entry.path), entry.size_bytes, modified, entry.crc32c});
  }
  for (const auto& text : texts) {
    manifest.files.push_back(
        {text.path, text.text.size(), base::utc_now(), base::crc32c(std::as_bytes(std::span(text.text)))});
  }
  std::ranges::sort(manifest.files, {}, &postgres::ManifestFile::path);
  return postgres::render_backup_manifest(manifest);
}

std::string command_of(const RestoreRequest& request) {
  const auto program = wal_fetch_program(request.lifeboat);
  if (!request.wal_socket.empty()) return served_restore_command(program, request.wal_socket);
  const auto& key_file = request.repository.key_file;
  return restore_command(program, fs::absolute(request.repository.text).lexically_normal().string(), request.cluster,
                         key_file.empty() ? fs::path() : fs::absolute(key_file).lexically_normal());
}

}  // namespace

std::vector<std::byte> read_whole(const store::BackupReader& reader, const store::FileEntry& entry) {
  constexpr std::uint64_t most_bytes = std::uint64_t{1} << 30U;  // of configuration, pg_control
  if (entry.size_bytes > most_bytes) {
    throw base::Error(base::ErrorKind::corrupt,
                      fmt::format("{}: {} has {} bytes, which no such file has", reader.manifest().summary.label,
                                  entry.path, entry.size_bytes));
  }
  std::vector<std::byte> bytes(entry.size_bytes);
  if (!bytes.empty()) reader.read_blocks(entry, 0, reader.block_count(entry), bytes);
  return bytes;
}

RestoredTexts make_texts(const store::BackupReader& reader, const RestoreRequest& request) {
  RestoredTexts made{configuration_texts(reader), {}};
  auto& texts = made.files;
  const bool whole = request.databases.empty();
  if (whole && !texts.empty()) texts.push_back({"backup_manifest", 0600, manifest_text(reader, texts)});

  std::string configuration;
  for (const auto& text : texts) {
    if (text.path == "postgresql.conf") configuration = text.text;
  }
  const auto own = find(reader, "postgresql.conf");
  if (own && own->kind == store::FileKind::file) configuration = text_of(reader, *own);
  const auto inherited = find(reader, auto_conf);
  auto inherited_text = inherited ? text_of(reader, *inherited) : std::string();
  // BASE_BACKUP pads with zeros what ALTER SYSTEM made shorter while it was sent; so did Lifeboat once.
  inherited_text.erase(inherited_text.find_last_not_of('\0') + 1);
  const auto control_entry = find(reader, "global/pg_control");
  if (!control_entry) return made;  // reported by the caller
  const auto control = postgres::parse_control_file(read_whole(reader, *control_entry));
  auto settings = recovery_configuration(inherited_text, configuration, control, request.target, command_of(request),
                                         request.archive_mode);
  made.archiving_note = archiving_note(inherited_text, configuration, request.archive_mode);
  // Replay meets pages of databases that were left out, and some of its records carry no full image of theirs.
  if (!request.databases.empty()) settings += "ignore_invalid_pages = on\n";
  texts.push_back({auto_conf, inherited ? inherited->mode : 0600, std::move(settings)});
  texts.push_back({"recovery.signal", 0600, ""});
  return made;
}

}  // namespace backup_engine::restore
