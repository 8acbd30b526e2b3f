#include "backup_engine/backup/stream_entries.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "backup_engine/backup/file_rules.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file_time.hpp"
#include "backup_engine/postgres/page.hpp"

namespace backup_engine::backup {

namespace {

constexpr std::uint64_t most_kept_bytes = 1U << 20U;

bool is_never_stored(const std::string& path) {
  return path == "backup_label" || path == "tablespace_map" || path == "global/pg_control";
}

SourceEntry source_entry(const TarEntry& entry, std::string path) {
  return {std::move(path), entry.mode, entry.uid, entry.gid};
}

}  // namespace

void StreamEntries::begin_archive(std::optional<std::uint32_t> tablespace) {
  tablespace_ = tablespace;
}

bool StreamEntries::is_remembered(const std::string& path, std::uint64_t size_bytes) const {
  if (!rules_.remember_configuration || tablespace_ || size_bytes > most_kept_bytes) return false;
  const auto slash = path.find('/');
  if (slash == std::string::npos) return true;
  const auto top = path.substr(0, slash);
  return top != "base" && top != "global" && top != "log" && !top.starts_with("pg_");
}

void StreamEntries::begin(const TarEntry& entry) {
  storing_ = false;
  keeping_ = nullptr;
  const auto path = tablespace_ ? fmt::format("pg_tblspc/{}/{}", *tablespace_, entry.path) : entry.path;
  // What a link in pg_tblspc says was said before the archives began.
  if (entry.kind == TarKind::symlink) return;
  const bool kept_only = !tablespace_ && is_never_stored(path);
  if (!kept_only && (!belongs_to_backup(path) || rules_.replaced.contains(path))) return;
  if (entry.kind == TarKind::directory) return contents_.add_directory(source_entry(entry, path));

  const base::UtcTime modified(std::chrono::seconds(entry.modified_seconds));
  if (kept_only || is_remembered(path, entry.size_bytes)) {
    if (entry.size_bytes > most_kept_bytes) {
      throw base::Error(base::ErrorKind::corrupt, fmt::format("{} has {} bytes", path, entry.size_bytes));
    }
    auto& kept = kept_[path] = {source_entry(entry, path), modified, {}};
    keeping_ = &kept.bytes;
  }
  if (kept_only) return;
  auto stored = file_entry(source_entry(entry, path), store::FileKind::file);
  stored.size_bytes = entry.size_bytes;
  stored.modified_ns = base::to_nanoseconds(modified);
  std::optional<std::uint32_t> first_block;
  if (const auto relation = relation_at(path); relation && rules_.verify_pages) {
    first_block = relation->segment * postgres::pages_per_segment_file;
  }
  if (path.find('/') == std::string::npos) stored_at_top_.insert(path);
  pipeline_.begin_file(std::move(stored), first_block);
  storing_ = true;
}

void StreamEntries::data(std::span<const std::byte> bytes) {
  if (keeping_ != nullptr) keeping_->append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (storing_) pipeline_.append(bytes);
}

void StreamEntries::end() {
  if (storing_) pipeline_.end_file();
  storing_ = false;
  keeping_ = nullptr;
}

const KeptFile* StreamEntries::kept(const std::string& path) const {
  const auto found = kept_.find(path);
  return found == kept_.end() ? nullptr : &found->second;
}

}  // namespace backup_engine::backup
