#include "backup_engine/backup/backup_contents.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "backup_engine/backup/required_places.hpp"
#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/file_time.hpp"

namespace backup_engine::backup {

void BackupContents::add_data_directory(const SourceEntry& entry) {
  data_directory_ = entry;
  auto named = entry;
  named.path = ".";
  writer_.add_file(file_entry(named, store::FileKind::directory));
}

void BackupContents::add_directory(const SourceEntry& entry) {
  if (directories_.insert(entry.path).second) writer_.add_file(file_entry(entry, store::FileKind::directory));
}

void BackupContents::add_tablespace(std::uint32_t oid, const std::string& location, const SourceEntry& entry) {
  auto link = file_entry(entry, store::FileKind::symlink);
  link.path = fmt::format("pg_tblspc/{}", oid);
  link.link_target = location;
  directories_.insert(link.path);
  writer_.add_file(std::move(link));
  tablespaces_.push_back({oid, location});
}

void BackupContents::add_configuration(const CapturedConfiguration& configuration,
                                       const postgres::ConfigurationReader& reader,
                                       const std::function<SourceEntry(const std::filesystem::path&)>& describe) {
  for (const auto& link : configuration.links) {
    auto entry = file_entry(describe(link.target), store::FileKind::symlink);
    entry.path = link.name;
    entry.link_target = link.target.string();
    writer_.add_file(std::move(entry));
  }
  for (const auto& path : configuration.files) {
    auto entry = file_entry(describe(path), store::FileKind::file);
    entry.path = path.string();
    entry.area = store::FileArea::external;
    entry.modified_ns = base::to_nanoseconds(base::utc_now());
    const auto text = reader.read(path).value_or("");
    static_cast<void>(store_bytes(writer_, *blocks_, std::move(entry), std::as_bytes(std::span(text))));
  }
}

void BackupContents::add_stored(CopiedFiles copied) {
  if (copied_.files.empty()) {
    copied_.files = std::move(copied.files);
  } else {
    std::move(copied.files.begin(), copied.files.end(), std::back_inserter(copied_.files));
  }
  std::move(copied.suspects.begin(), copied.suspects.end(), std::back_inserter(copied_.suspects));
}

void BackupContents::add_file(const SourceEntry& entry, base::UtcTime modified_at, std::span<const std::byte> bytes) {
  auto stored = file_entry(entry, store::FileKind::file);
  stored.modified_ns = base::to_nanoseconds(modified_at);
  copied_.files.push_back(store_bytes(writer_, *blocks_, std::move(stored), bytes));
}

void BackupContents::add_made_here(const std::string& path, const std::string& text) {
  add_file({path, 0600, data_directory_.user, data_directory_.group}, base::utc_now(), std::as_bytes(std::span(text)));
}

std::set<std::string> BackupContents::places() const {
  std::set<std::string> places;
  std::copy_if(directories_.begin(), directories_.end(), std::inserter(places, places.end()), shows_place);
  for (const auto& file : copied_.files) {
    if (shows_place(file.path)) places.insert(file.path);
  }
  return places;
}

void BackupContents::add_made_here(const std::string& path, const TextMaker& make) {
  auto entry = file_entry({path, 0600, data_directory_.user, data_directory_.group}, store::FileKind::file);
  const auto now = base::utc_now();
  entry.modified_ns = base::to_nanoseconds(now);
  make([&](std::string_view piece) { entry.size_bytes += piece.size(); });
  postgres::ManifestFile stored{path, entry.size_bytes, now, 0};
  const auto file = writer_.add_file(std::move(entry));
  std::uint64_t next_block = 0;
  std::string waiting;
  const auto put = [&](std::size_t bytes) {
    const auto text = std::as_bytes(std::span(waiting)).first(bytes);
    stored.crc32c = base::crc32c_combine(stored.crc32c, blocks_->put(file, next_block, text), bytes);
    next_block += bytes / writer_.block_size_bytes();
    waiting.erase(0, bytes);
  };
  const std::size_t at_once = 64 * writer_.block_size_bytes();
  make([&](std::string_view piece) {
    waiting += piece;
    while (waiting.size() >= at_once) put(at_once);
  });
  if (!waiting.empty()) put(waiting.size());
  writer_.finish_file(file, stored.crc32c);
  copied_.files.push_back(std::move(stored));
}

const std::vector<postgres::ManifestFile>& BackupContents::files() {
  std::sort(copied_.files.begin(), copied_.files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return copied_.files;
}

}  // namespace backup_engine::backup
