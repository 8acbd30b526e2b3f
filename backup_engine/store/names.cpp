#include "backup_engine/store/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "backup_engine/base/error.hpp"

namespace backup_engine::store {

using base::Error;
using base::ErrorKind;

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_upper_hex(char c) {
  return is_digit(c) || (c >= 'A' && c <= 'F');
}

bool all_upper_hex(std::string_view text, std::size_t length) {
  return text.size() == length && std::all_of(text.begin(), text.end(), is_upper_hex);
}

std::uint64_t parse_hex(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

std::string_view type_suffix(BackupType type) {
  switch (type) {
    case BackupType::full:
      return "full";
    case BackupType::differential:
      return "diff";
    case BackupType::incremental:
      return "incr";
  }
  throw Error(ErrorKind::internal, "no such backup type");
}

std::string_view codec_suffix(Codec codec) {
  switch (codec) {
    case Codec::none:
      return ".raw";
    case Codec::lz4:
      return ".lz4";
    case Codec::zstd:
      return ".zst";
  }
  throw Error(ErrorKind::internal, "no such codec");
}

std::string in_backup(const std::string& cluster, const std::string& label, std::string_view name) {
  return fmt::format("{}{}", backup_prefix(cluster, label), name);
}

// What follows the 24 digits of the segment: its kind and its fields.
std::optional<WalObjectName> parse_suffix(std::string_view rest, WalObjectName parsed, postgres::SegmentSize size) {
  for (const auto codec : {Codec::none, Codec::lz4, Codec::zstd}) {
    if (rest != codec_suffix(codec)) continue;
    parsed.codec = codec;
    parsed.to_bytes = size.bytes();
    return parsed;
  }
  if (rest == ".partial") {
    parsed.kind = WalObjectKind::partial;
    return parsed;
  }
  constexpr std::string_view part = ".part-", backup = ".backup";
  if (rest.size() == part.size() + 17 && rest.starts_with(part) && rest[part.size() + 8] == '-') {
    const auto from = rest.substr(part.size(), 8), to = rest.substr(part.size() + 9);
    if (!all_upper_hex(from, 8) || !all_upper_hex(to, 8)) return std::nullopt;
    parsed.kind = WalObjectKind::part;
    parsed.from_bytes = parse_hex(from);
    parsed.to_bytes = parse_hex(to);
    if (parsed.from_bytes >= parsed.to_bytes || parsed.to_bytes > size.bytes()) return std::nullopt;
    return parsed;
  }
  if (rest.size() == 9 + backup.size() && rest[0] == '.' && all_upper_hex(rest.substr(1, 8), 8) &&
      rest.ends_with(backup)) {
    parsed.kind = WalObjectKind::backup_history;
    parsed.from_bytes = parse_hex(rest.substr(1, 8));
    return parsed;
  }
  return std::nullopt;
}

}  // namespace

std::string repository_document() {
  return "repository.json";
}
std::string keys_prefix() {
  return "keys/";
}
std::string wrapped_keys_name(std::uint32_t number) {
  return fmt::format("{}{:08x}.json", keys_prefix(), number);
}
std::optional<std::uint32_t> parse_wrapped_keys_name(std::string_view name) {
  constexpr std::size_t digits = 8;
  const auto prefix = keys_prefix();
  if (!name.starts_with(prefix) || name.size() < prefix.size() + digits) return std::nullopt;
  std::uint32_t number = 0;
  const auto* const from = name.data() + prefix.size();
  std::from_chars(from, from + digits, number, 16);
  return wrapped_keys_name(number) == name ? std::optional(number) : std::nullopt;
}
std::string clusters_prefix() {
  return "clusters/";
}

bool is_cluster_name(const std::string& text) {
  const auto allowed = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= 63 && text[0] != '.' && text[0] != '-' &&
         std::all_of(text.begin(), text.end(), allowed);
}

void check_cluster_name(const std::string& cluster) {
  if (is_cluster_name(cluster)) return;
  throw Error(ErrorKind::usage, fmt::format("not a cluster name: '{}'", cluster))
      .with_remedy("use 1 to 63 letters, digits, dots, underscores and hyphens, beginning with a letter or digit");
}

std::string cluster_prefix(const std::string& cluster) {
  return fmt::format("{}{}/", clusters_prefix(), cluster);
}
std::string cluster_document(const std::string& cluster) {
  return cluster_prefix(cluster) + "cluster.json";
}
std::string operations_prefix(const std::string& cluster) {
  return (cluster.empty() ? std::string() : cluster_prefix(cluster)) + "operations/";
}
std::string operation_name(const std::string& cluster, std::uint32_t number) {
  return fmt::format("{}{:08x}.json", operations_prefix(cluster), number);
}
std::optional<std::uint32_t> parse_operation_name(const std::string& cluster, std::string_view name) {
  const auto prefix = operations_prefix(cluster);
  if (!name.starts_with(prefix)) return std::nullopt;
  const auto number = static_cast<std::uint32_t>(parse_hex(name.substr(prefix.size()).substr(0, 8)));
  return operation_name(cluster, number) == name ? std::optional(number) : std::nullopt;
}
std::string intents_prefix(const std::string& cluster) {
  return cluster_prefix(cluster) + "intents/";
}
std::string intent_name(const std::string& cluster, const std::string& label) {
  return fmt::format("{}{}.json", intents_prefix(cluster), label);
}
std::optional<std::string> parse_intent_name(const std::string& cluster, std::string_view name) {
  constexpr std::string_view tail = ".json";
  const auto prefix = intents_prefix(cluster);
  if (!name.starts_with(prefix) || !name.ends_with(tail) || name.size() <= prefix.size() + tail.size()) {
    return std::nullopt;
  }
  name.remove_prefix(prefix.size());
  name.remove_suffix(tail.size());
  return parse_backup_label(name) ? std::optional<std::string>(name) : std::nullopt;
}

std::string backup_label(base::UtcTime started_at, BackupType type) {
  return fmt::format("{}-{}", base::to_compact(started_at), type_suffix(type));
}

std::optional<BackupType> parse_backup_label(std::string_view label) {
  constexpr std::string_view shape = "ddddddddTddddddZ-";
  if (label.size() <= shape.size()) return std::nullopt;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 'd' ? !is_digit(label[i]) : label[i] != shape[i]) return std::nullopt;
  }
  for (const auto type : {BackupType::full, BackupType::differential, BackupType::incremental}) {
    if (label.substr(shape.size()) == type_suffix(type)) return type;
  }
  return std::nullopt;
}

std::optional<base::UtcTime> label_second(std::string_view label) {
  if (!parse_backup_label(label)) return std::nullopt;
  const auto part = [&](std::size_t from, std::size_t length) { return label.substr(from, length); };
  return base::parse_rfc3339(
      fmt::format("{}-{}-{}T{}:{}:{}Z", part(0, 4), part(4, 2), part(6, 2), part(9, 2), part(11, 2), part(13, 2)));
}

std::string backups_prefix(const std::string& cluster) {
  return cluster_prefix(cluster) + "backups/";
}
std::string backup_prefix(const std::string& cluster, const std::string& label) {
  return fmt::format("{}{}/", backups_prefix(cluster), label);
}
std::string manifest_name(const std::string& cluster, const std::string& label) {
  return in_backup(cluster, label, "manifest.json");
}
std::string file_table_name(const std::string& cluster, const std::string& label) {
  return in_backup(cluster, label, "files");
}
std::string block_root_name(const std::string& cluster, const std::string& label) {
  return in_backup(cluster, label, "blocks.root");
}
std::string block_index_name(const std::string& cluster, const std::string& label) {
  return in_backup(cluster, label, "blocks.index");
}
std::string block_hashes_name(const std::string& cluster, const std::string& label) {
  return in_backup(cluster, label, "blocks.hashes");
}
std::string pack_name(const std::string& cluster, const std::string& label, std::uint32_t number) {
  return in_backup(cluster, label, fmt::format("packs/{:08x}.pack", number));
}

std::string wal_prefix(const std::string& cluster) {
  return cluster_prefix(cluster) + "wal/";
}

std::string wal_history_name(const std::string& cluster, postgres::TimelineId timeline) {
  return wal_prefix(cluster) + postgres::history_file_name(timeline);
}

std::string wal_folder(const std::string& cluster, const postgres::WalSegment& segment, postgres::SegmentSize size) {
  const auto name = postgres::file_name(segment, size);
  return fmt::format("{}{}/{}/", wal_prefix(cluster), name.substr(0, 8), name.substr(8, 8));
}

std::string wal_segment_name(const std::string& cluster, const postgres::WalSegment& segment,
                             postgres::SegmentSize size, Codec codec) {
  return wal_folder(cluster, segment, size) + postgres::file_name(segment, size) + std::string(codec_suffix(codec));
}

std::string wal_part_name(const std::string& cluster, const postgres::WalSegment& segment, postgres::SegmentSize size,
                          std::uint64_t from_bytes, std::uint64_t to_bytes) {
  if (from_bytes >= to_bytes || to_bytes > size.bytes()) {
    throw Error(ErrorKind::internal, fmt::format("not a part of a segment: bytes {} to {}", from_bytes, to_bytes));
  }
  return fmt::format("{}{}.part-{:08X}-{:08X}", wal_folder(cluster, segment, size), postgres::file_name(segment, size),
                     from_bytes, to_bytes);
}

std::string wal_extra_name(const std::string& cluster, const std::string& file_name, postgres::SegmentSize size) {
  const auto segment = postgres::parse_segment_name(std::string_view(file_name).substr(0, 24), size);
  if (segment) {
    const auto parsed = parse_suffix(std::string_view(file_name).substr(24), WalObjectName{}, size);
    if (parsed && (parsed->kind == WalObjectKind::partial || parsed->kind == WalObjectKind::backup_history)) {
      return wal_folder(cluster, *segment, size) + file_name;
    }
  }
  throw Error(ErrorKind::usage, fmt::format("not the name of a file of WAL: {}", file_name))
      .with_remedy("name a segment, a .history, a .partial or a .backup file as PostgreSQL does");
}

std::optional<WalObjectName> parse_wal_object(const std::string& cluster, const std::string& name,
                                              postgres::SegmentSize size) {
  const auto prefix = wal_prefix(cluster);
  if (!name.starts_with(prefix)) return std::nullopt;
  const auto below = std::string_view(name).substr(prefix.size());
  WalObjectName parsed;
  if (below.find('/') == std::string_view::npos) {
    const auto timeline = postgres::parse_history_file_name(below);
    if (!timeline || postgres::history_file_name(*timeline) != below) return std::nullopt;
    parsed.kind = WalObjectKind::history;
    parsed.segment.timeline = *timeline;
    return parsed;
  }
  // TIMELINE/XLOGID/SEGMENT…: the folders repeat the segment's first sixteen digits.
  if (below.size() <= 18 + 24 || below[8] != '/' || below[17] != '/') return std::nullopt;
  const auto file = below.substr(18);
  if (file.substr(0, 8) != below.substr(0, 8) || file.substr(8, 8) != below.substr(9, 8)) return std::nullopt;
  const auto segment = postgres::parse_segment_name(file.substr(0, 24), size);
  if (!segment || postgres::file_name(*segment, size) != file.substr(0, 24)) return std::nullopt;
  parsed.segment = *segment;
  return parse_suffix(file.substr(24), parsed, size);
}

}  // namespace backup_engine::store
