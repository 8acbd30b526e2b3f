#include "backup_engine/wal/wal_piece.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>

namespace backup_engine::wal {

using postgres::Lsn;
using postgres::SegmentSize;
using postgres::TimelineId;

namespace {

constexpr std::string_view part_mark = ".part-";
constexpr std::string_view gap_mark = ".gap-";
constexpr std::array<std::string_view, 3> codecs = {"none", "lz4", "zstd"};
constexpr std::size_t segment_name_length = 24, timeline_length = 8;

std::string_view last_component(std::string_view object) {
  return object.substr(object.rfind('/') + 1);
}

// Upper-case hexadecimal digits and nothing else: one value has one name.
std::optional<std::uint64_t> hex_number(std::string_view digits) {
  std::uint64_t value = 0;
  for (const char digit : digits) {
    if (digit >= '0' && digit <= '9') {
      value = value * 16 + static_cast<std::uint64_t>(digit - '0');
    } else if (digit >= 'A' && digit <= 'F') {
      value = value * 16 + static_cast<std::uint64_t>(digit - 'A' + 10);
    } else {
      return std::nullopt;
    }
  }
  return value;
}

struct NumberPair {
  std::uint64_t first, second;
};

// "FIRST-SECOND", `digits` hexadecimal digits each.
std::optional<NumberPair> hex_pair(std::string_view text, std::size_t digits) {
  if (text.size() != 2 * digits + 1 || text[digits] != '-') return std::nullopt;
  const auto first = hex_number(text.substr(0, digits));
  const auto second = hex_number(text.substr(digits + 1));
  if (!first || !second || *first >= *second) return std::nullopt;
  return NumberPair{*first, *second};
}

}  // namespace

std::string part_file_name(TimelineId timeline, Lsn from, Lsn to, SegmentSize size) {
  const auto segment = segment_holding(timeline, from, size);
  const auto start = start_of(segment, size);
  return fmt::format("{}{}{:08X}-{:08X}", file_name(segment, size), part_mark, from - start, to - start);
}

std::string gap_file_name(const WalGap& gap) {
  return fmt::format("{}{}{:016X}-{:016X}", to_hex(gap.timeline), gap_mark, gap.from.position_bytes(),
                     gap.to.position_bytes());
}

std::optional<WalPiece> parse_piece(std::string_view object, SegmentSize size) {
  const auto name = last_component(object);
  const auto segment = parse_segment_name(name.substr(0, std::min(name.size(), segment_name_length)), size);
  if (!segment) return std::nullopt;
  const auto start = start_of(*segment, size);
  const auto rest = name.substr(segment_name_length);
  if (rest.starts_with(part_mark)) {
    const auto offsets = hex_pair(rest.substr(part_mark.size()), 8);
    if (!offsets || offsets->second > size.bytes()) return std::nullopt;
    return WalPiece{PieceKind::part, segment->timeline, start + offsets->first, start + offsets->second,
                    std::string(object)};
  }
  if (!rest.starts_with('.') || std::ranges::find(codecs, rest.substr(1)) == codecs.end()) return std::nullopt;
  return WalPiece{PieceKind::segment, segment->timeline, start, start + size.bytes(), std::string(object)};
}

std::optional<WalGap> parse_gap(std::string_view object) {
  const auto name = last_component(object);
  const auto timeline = hex_number(name.substr(0, std::min(name.size(), timeline_length)));
  if (name.size() < timeline_length || !timeline || !name.substr(timeline_length).starts_with(gap_mark))
    return std::nullopt;
  const auto positions = hex_pair(name.substr(timeline_length + gap_mark.size()), 16);
  if (!positions) return std::nullopt;
  return WalGap{TimelineId(static_cast<std::uint32_t>(*timeline)), Lsn(positions->first), Lsn(positions->second)};
}

std::vector<WalRange> durable_ranges(std::span<const std::string> objects, SegmentSize size) {
  std::vector<WalPiece> pieces;
  for (const auto& object : objects) {
    if (auto piece = parse_piece(object, size)) pieces.push_back(std::move(*piece));
  }
  return durable_ranges(std::move(pieces));
}

std::vector<WalRange> durable_ranges(std::vector<WalPiece> pieces) {
  std::ranges::sort(pieces, {}, [](const WalPiece& piece) { return std::tuple(piece.timeline, piece.from); });
  std::vector<WalRange> ranges;
  for (const auto& piece : pieces) {
    if (!ranges.empty() && ranges.back().timeline == piece.timeline && piece.from <= ranges.back().end) {
      ranges.back().end = std::max(ranges.back().end, piece.to);
    } else {
      ranges.push_back({piece.timeline, piece.from, piece.to});
    }
  }
  return ranges;
}

std::optional<Lsn> durable_end(std::span<const WalRange> ranges, TimelineId timeline) {
  std::optional<Lsn> end;
  for (const auto& range : ranges) {
    if (range.timeline == timeline && (!end || range.end > *end)) end = range.end;
  }
  return end;
}

bool holds(std::span<const WalRange> ranges, TimelineId timeline, Lsn start, Lsn stop) {
  return std::ranges::any_of(ranges, [&](const WalRange& range) {
    return range.timeline == timeline && range.start <= start && range.end >= stop;
  });
}

}  // namespace backup_engine::wal
