#include "backup_engine/store/file_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "backup_engine/base/digits.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/store/little_endian.hpp"

namespace backup_engine::store {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::size_t head_bytes = 24, record_bytes = 80, extent_bytes = 16;

// Where each field of a record lies.
enum Field : std::size_t {
  at_size = 0,
  at_modified = 8,
  at_path = 16,
  at_target = 24,
  at_first_extent = 32,
  at_path_length = 40,
  at_target_length = 44,
  at_extent_count = 48,
  at_mode = 52,
  at_uid = 56,
  at_gid = 60,
  at_crc = 64,
  at_kind = 68,
  at_area = 69,
};

std::uint64_t get64(const std::byte* record, Field field) {
  return get_little_endian<std::uint64_t>(record + field);
}
std::uint32_t get32(const std::byte* record, Field field) {
  return get_little_endian<std::uint32_t>(record + field);
}

bool lies_within(std::uint64_t offset, std::uint64_t length, std::uint64_t whole) {
  return offset <= whole && length <= whole - offset;
}

constexpr std::uint64_t most_file_bytes = std::uint64_t{1} << 50U;

bool is_oid(std::string_view text) {
  return base::is_number(text) && text.size() <= 10 && text.front() != '0';
}

// Relative, and written as it is found: "a//b", "./a" and "a/../b" would be the same file by another name.
bool is_plain(std::string_view path) {
  for (;;) {
    const auto name = path.substr(0, path.find('/'));
    if (name.empty() || name == "." || name == "..") return false;
    if (name.size() == path.size()) return true;
    path.remove_prefix(name.size() + 1);
  }
}

// A restore writes what it is told, where it is told, often as root.
bool is_sound_path(std::string_view path, FileKind kind, FileArea area) {
  constexpr std::string_view tablespaces = "pg_tblspc/";
  if (path.find('\0') != std::string_view::npos) return false;  // the operating system would read a shorter one
  if (area == FileArea::external) return path.starts_with('/');
  if (path == ".") return kind == FileKind::directory;
  if (!is_plain(path)) return false;
  return kind != FileKind::symlink || !path.starts_with(tablespaces) || is_oid(path.substr(tablespaces.size()));
}

}  // namespace

FileTable::FileTable(std::vector<std::byte> clear, const std::string& object) : bytes_(std::move(clear)) {
  if (bytes_.size() < head_bytes) throw Error(ErrorKind::corrupt, fmt::format("{}: has no head", object));
  record_count_ = get_little_endian<std::uint64_t>(bytes_.data());
  extent_count_ = get_little_endian<std::uint64_t>(bytes_.data() + 8);
  text_bytes_ = get_little_endian<std::uint64_t>(bytes_.data() + 16);
  const auto room = bytes_.size() - head_bytes;
  const bool fits = record_count_ <= room / record_bytes && extent_count_ <= room / extent_bytes &&
                    text_bytes_ <= room &&
                    record_count_ * record_bytes + extent_count_ * extent_bytes + text_bytes_ == room;
  if (!fits) throw Error(ErrorKind::corrupt, fmt::format("{}: its head does not match its length", object));
  check(object);
}

void FileTable::check(const std::string& object) const {
  for (std::size_t i = 0; i < record_count_; ++i) {
    const auto* const at = record(i);
    const auto kind = static_cast<unsigned>(at[at_kind]);
    const bool good = lies_within(get64(at, at_path), get32(at, at_path_length), text_bytes_) &&
                      lies_within(get64(at, at_target), get32(at, at_target_length), text_bytes_) &&
                      lies_within(get64(at, at_first_extent), get32(at, at_extent_count), extent_count_) && kind >= 1 &&
                      kind <= 3 && static_cast<unsigned>(at[at_area]) <= 1;
    if (!good) throw Error(ErrorKind::corrupt, fmt::format("{}: record {} makes no sense", object, i));
    if (!is_sound_path(path(i), static_cast<FileKind>(kind), static_cast<FileArea>(at[at_area]))) {
      throw Error(
          ErrorKind::corrupt,
          fmt::format("{}: record {} names a file outside the data directory, or not plainly: {}", object, i, path(i)));
    }
    if (get64(at, at_size) > most_file_bytes) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: record {}, {}, has an impossible size", object, i, path(i)));
    }
    if (i > 0 && path(i - 1) >= path(i)) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: record {} is out of order", object, i));
    }
  }
}

void FileTable::check_blocks(std::uint32_t block_size_bytes, std::uint64_t block_count,
                             const std::string& object) const {
  for (std::size_t i = 0; i < record_count_; ++i) {
    const auto* const at = record(i);
    if (static_cast<FileKind>(at[at_kind]) != FileKind::file) continue;
    std::uint64_t blocks = 0;
    bool inside = true;
    const auto* extent = record(record_count_) + get64(at, at_first_extent) * extent_bytes;
    for (std::uint32_t n = 0; n < get32(at, at_extent_count); ++n, extent += extent_bytes) {
      const auto count = get_little_endian<std::uint64_t>(extent + 8);
      inside = inside && lies_within(get_little_endian<std::uint64_t>(extent), count, block_count);
      if (inside) blocks += count;
    }
    if (!inside) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: {} has blocks that the backup has not", object, path(i)));
    }
    const auto needed = (get64(at, at_size) + block_size_bytes - 1) / block_size_bytes;
    if (blocks < needed) {
      throw Error(ErrorKind::corrupt,
                  fmt::format("{}: {} has {} blocks and needs {}", object, path(i), blocks, needed));
    }
  }
}

const std::byte* FileTable::record(std::size_t index) const {
  return bytes_.data() + head_bytes + index * record_bytes;
}

std::string_view FileTable::text(std::uint64_t offset, std::uint64_t length) const {
  const auto* const area = record(record_count_) + extent_count_ * extent_bytes;
  return {reinterpret_cast<const char*>(area + offset), static_cast<std::size_t>(length)};
}

std::string_view FileTable::path(std::size_t index) const {
  const auto* const at = record(index);
  return text(get64(at, at_path), get32(at, at_path_length));
}

std::uint64_t FileTable::size_bytes(std::size_t index) const {
  return get64(record(index), at_size);
}

FileEntry FileTable::entry(std::size_t index) const {
  const auto* const at = record(index);
  FileEntry entry;
  entry.path = path(index);
  entry.kind = static_cast<FileKind>(at[at_kind]);
  entry.area = static_cast<FileArea>(at[at_area]);
  entry.mode = get32(at, at_mode);
  entry.uid = get32(at, at_uid);
  entry.gid = get32(at, at_gid);
  entry.size_bytes = get64(at, at_size);
  entry.modified_ns = static_cast<std::int64_t>(get64(at, at_modified));
  entry.crc32c = get32(at, at_crc);
  entry.link_target = text(get64(at, at_target), get32(at, at_target_length));
  const auto* extent = record(record_count_) + get64(at, at_first_extent) * extent_bytes;
  for (std::uint32_t i = 0; i < get32(at, at_extent_count); ++i, extent += extent_bytes) {
    entry.extents.push_back({get_little_endian<std::uint64_t>(extent), get_little_endian<std::uint64_t>(extent + 8)});
  }
  return entry;
}

std::optional<std::size_t> FileTable::find(std::string_view wanted) const {
  std::size_t low = 0, high = record_count_;
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    if (path(middle) < wanted) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low < record_count_ && path(low) == wanted) return low;
  return std::nullopt;
}

std::vector<std::byte> encode_file_table(std::vector<FileEntry>& entries) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  std::uint64_t extent_count = 0, text_bytes = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i > 0 && entries[i - 1].path == entries[i].path) {
      throw Error(ErrorKind::internal, fmt::format("a backup holds {} twice", entries[i].path));
    }
    extent_count += entries[i].extents.size();
    text_bytes += entries[i].path.size() + entries[i].link_target.size();
  }
  std::vector<std::byte> bytes(head_bytes + entries.size() * record_bytes + extent_count * extent_bytes + text_bytes);
  put_little_endian(bytes.data(), std::uint64_t{entries.size()});
  put_little_endian(bytes.data() + 8, extent_count);
  put_little_endian(bytes.data() + 16, text_bytes);
  auto* record = bytes.data() + head_bytes;
  auto* const extents = record + entries.size() * record_bytes;
  auto* const text_area = extents + extent_count * extent_bytes;
  std::uint64_t next_extent = 0, next_text = 0;
  const auto put_text = [&](const std::string& text, Field at, Field at_length) {
    put_little_endian(record + at, next_text);
    put_little_endian(record + at_length, static_cast<std::uint32_t>(text.size()));
    if (!text.empty()) std::memcpy(text_area + next_text, text.data(), text.size());
    next_text += text.size();
  };
  for (const auto& entry : entries) {
    put_little_endian(record + at_size, entry.size_bytes);
    put_little_endian(record + at_modified, static_cast<std::uint64_t>(entry.modified_ns));
    put_text(entry.path, at_path, at_path_length);
    put_text(entry.link_target, at_target, at_target_length);
    put_little_endian(record + at_first_extent, next_extent);
    put_little_endian(record + at_extent_count, static_cast<std::uint32_t>(entry.extents.size()));
    for (const auto& extent : entry.extents) {
      put_little_endian(extents + next_extent * extent_bytes, extent.first_block);
      put_little_endian(extents + next_extent * extent_bytes + 8, extent.block_count);
      ++next_extent;
    }
    put_little_endian(record + at_mode, entry.mode);
    put_little_endian(record + at_uid, entry.uid);
    put_little_endian(record + at_gid, entry.gid);
    put_little_endian(record + at_crc, entry.crc32c);
    record[at_kind] = static_cast<std::byte>(entry.kind);
    record[at_area] = static_cast<std::byte>(entry.area);
    record += record_bytes;
  }
  return bytes;
}

}  // namespace backup_engine::store
