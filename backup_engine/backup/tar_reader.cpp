#include "backup_engine/backup/tar_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

#include "backup_engine/base/error.hpp"

namespace backup_engine::backup {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::uint64_t longest_name_bytes = 1U << 20U;

// Where the fields of a header lie.
struct Field {
  std::size_t at, length;
};
constexpr Field name_field{0, 100}, mode_field{100, 8}, uid_field{108, 8}, gid_field{116, 8}, size_field{124, 12},
    time_field{136, 12}, checksum_field{148, 8}, link_field{157, 100}, prefix_field{345, 155};
constexpr std::size_t type_at = 156, magic_at = 257;

std::span<const std::byte> bytes_of(std::span<const std::byte> header, Field field) {
  return header.subspan(field.at, field.length);
}

std::string text_of(std::span<const std::byte> header, Field field) {
  const auto bytes = bytes_of(header, field);
  const auto* const begin = reinterpret_cast<const char*>(bytes.data());
  return {begin, ::strnlen(begin, bytes.size())};
}

Error no_tar(std::string_view why) {
  return Error(ErrorKind::corrupt, fmt::format("what the server sent is no tar archive: {}", why));
}

// Octal digits, or, with the first bit set, a big-endian number: how sizes from 8 GB and large user ids are written.
std::uint64_t number_of(std::span<const std::byte> header, Field field) {
  const auto bytes = bytes_of(header, field);
  std::uint64_t value = 0;
  if ((bytes[0] & std::byte{0x80}) != std::byte{0}) {
    for (const auto byte : bytes.subspan(bytes.size() - 8))
      value = (value << 8U) | std::to_integer<std::uint64_t>(byte);
    if (bytes.size() == 8) value &= ~(std::uint64_t{0x80} << 56U);
    return value;
  }
  for (const auto byte : bytes) {
    const auto digit = std::to_integer<unsigned char>(byte);
    if (digit == '\0' || digit == ' ') {
      if (value != 0 || digit == '\0') break;
      continue;
    }
    if (digit < '0' || digit > '7') throw no_tar("a number that is none");
    value = value * 8 + static_cast<std::uint64_t>(digit - '0');
  }
  return value;
}

bool checksum_holds(std::span<const std::byte> header) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const bool in_field = i >= checksum_field.at && i < checksum_field.at + checksum_field.length;
    sum += in_field ? 0x20U : std::to_integer<unsigned>(header[i]);  // the field itself counts as spaces
  }
  return sum == number_of(header, checksum_field);
}

std::string without_dots_and_slash(std::string path) {
  while (path.starts_with("./")) path.erase(0, 2);
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

void TarReader::feed(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (part_ == Part::header) {
      const auto taken = bytes.first(std::min(bytes.size(), header_.size() - header_filled_));
      std::copy(taken.begin(), taken.end(), header_.begin() + static_cast<std::ptrdiff_t>(header_filled_));
      header_filled_ += taken.size();
      bytes = bytes.subspan(taken.size());
      if (header_filled_ == header_.size()) read_header();
      continue;
    }
    const auto taken = bytes.first(std::min<std::uint64_t>(bytes.size(), left_bytes_));
    if (part_ == Part::file) sink_.data(taken);
    if (part_ == Part::long_name) long_text_.append(reinterpret_cast<const char*>(taken.data()), taken.size());
    left_bytes_ -= taken.size();
    bytes = bytes.subspan(taken.size());
    if (left_bytes_ == 0) end_part();
  }
}

void TarReader::finish() const {
  if (part_ != Part::header || header_filled_ != 0) throw no_tar("it ends within an entry");
}

void TarReader::read_header() {
  header_filled_ = 0;
  const std::span<const std::byte> header(header_);
  if (std::all_of(header.begin(), header.end(), [](std::byte byte) { return byte == std::byte{0}; })) {
    ended_ = true;  // two of these end an archive; more of them are padding
    return;
  }
  if (ended_) throw no_tar("something follows its end");
  if (!checksum_holds(header)) throw no_tar("the checksum of a header does not hold");
  TarEntry entry;
  entry.path = text_of(header, name_field);
  const auto magic = text_of(header, {magic_at, 6});
  // In GNU's own format ("ustar  ") other things stand where ustar has its prefix.
  if (const auto prefix = text_of(header, prefix_field); magic == "ustar" && !prefix.empty()) {
    entry.path = prefix + "/" + entry.path;
  }
  entry.link_target = text_of(header, link_field);
  entry.size_bytes = number_of(header, size_field);
  entry.mode = static_cast<std::uint32_t>(number_of(header, mode_field) & 07777U);
  entry.uid = static_cast<std::uint32_t>(number_of(header, uid_field));
  entry.gid = static_cast<std::uint32_t>(number_of(header, gid_field));
  entry.modified_seconds = static_cast<std::int64_t>(number_of(header, time_field));
  begin_entry(static_cast<char>(header[type_at]), std::move(entry));
}

void TarReader::begin_entry(char type, TarEntry entry) {
  if (type == 'L' || type == 'K' || type == 'x' || type == 'g') {
    if (entry.size_bytes > longest_name_bytes) throw no_tar("a name of more than a megabyte");
    long_name_type_ = type;
    long_text_.clear();
    part_ = Part::long_name;
    left_bytes_ = entry.size_bytes;
    padding_bytes_ = (block_bytes - entry.size_bytes % block_bytes) % block_bytes;
    if (left_bytes_ == 0) end_part();
    return;
  }
  if (next_path_) entry.path = *std::exchange(next_path_, std::nullopt);
  if (next_link_) entry.link_target = *std::exchange(next_link_, std::nullopt);
  if (next_size_bytes_) entry.size_bytes = *std::exchange(next_size_bytes_, std::nullopt);
  entry.path = without_dots_and_slash(std::move(entry.path));
  if (type == '0' || type == '\0') {
    entry.kind = TarKind::file;
  } else if (type == '5') {
    entry.kind = TarKind::directory;
  } else if (type == '2') {
    entry.kind = TarKind::symlink;
  } else {
    throw Error(ErrorKind::unsupported, fmt::format("the server sent {} as an entry of an unknown kind ({})",
                                                    entry.path, static_cast<int>(type)));
  }
  if (entry.kind != TarKind::file) entry.size_bytes = 0;
  part_ = Part::file;
  left_bytes_ = entry.size_bytes;
  padding_bytes_ = (block_bytes - entry.size_bytes % block_bytes) % block_bytes;
  sink_.begin(entry);
  if (left_bytes_ == 0) end_part();
}

void TarReader::end_part() {
  if (part_ == Part::file) sink_.end();
  if (part_ == Part::long_name) take_extended_header();
  const bool padded = part_ != Part::padding && padding_bytes_ != 0;
  part_ = padded ? Part::padding : Part::header;
  left_bytes_ = padded ? padding_bytes_ : 0;
}

void TarReader::take_extended_header() {
  if (long_name_type_ == 'L' || long_name_type_ == 'K') {
    (long_name_type_ == 'L' ? next_path_ : next_link_) = std::string(long_text_.c_str());
    return;
  }
  if (long_name_type_ == 'g') return;  // of the whole archive; nothing in it that we take
  // Records "LENGTH KEY=VALUE\n", LENGTH counting the whole record.
  std::string_view rest = long_text_;
  while (!rest.empty()) {
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), length);
    const auto digits = static_cast<std::size_t>(end - rest.data());
    if (error != std::errc() || length > rest.size() || length < digits + 3 || *end != ' ') {
      throw no_tar("an extended header that is none");
    }
    const auto record = rest.substr(digits + 1, length - digits - 2);
    const auto equals = record.find('=');
    const auto key = record.substr(0, equals);
    const std::string value(equals == std::string_view::npos ? "" : record.substr(equals + 1));
    if (key == "path") next_path_ = value;
    if (key == "linkpath") next_link_ = value;
    if (key == "size") next_size_bytes_ = std::strtoull(value.c_str(), nullptr, 10);
    rest.remove_prefix(length);
  }
}

}  // namespace backup_engine::backup
