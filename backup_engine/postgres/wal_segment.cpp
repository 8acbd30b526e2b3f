#include "backup_engine/postgres/wal_segment.hpp"

#include <fmt/format.h>

#include <bit>
#include <charconv>

#include "backup_engine/base/error.hpp"

namespace backup_engine::postgres {

namespace {

constexpr std::uint64_t log_file_bytes = std::uint64_t{1} << 32U;  // what one "xlogid" spans

std::optional<std::uint32_t> eight_hex_digits(std::string_view digits) {
  std::uint32_t value = 0;
  for (const char digit : digits) {
    const bool upper_hex = (digit >= '0' && digit <= '9') || (digit >= 'A' && digit <= 'F');
    if (!upper_hex) return std::nullopt;
  }
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}

}  // namespace

SegmentSize SegmentSize::of_bytes(std::uint64_t size_bytes) {
  constexpr std::uint64_t smallest = 1024 * 1024, largest = 1024 * smallest;
  if (size_bytes < smallest || size_bytes > largest || !std::has_single_bit(size_bytes)) {
    throw base::Error(base::ErrorKind::corrupt, fmt::format("{} bytes is no WAL segment size", size_bytes));
  }
  SegmentSize size;
  size.bytes_ = size_bytes;
  return size;
}

WalSegment segment_holding(TimelineId timeline, Lsn lsn, SegmentSize size) {
  return {timeline, lsn.position_bytes() / size.bytes()};
}

WalSegment segment_ending_at(TimelineId timeline, Lsn lsn, SegmentSize size) {
  return {timeline, (lsn.position_bytes() - 1) / size.bytes()};
}

Lsn start_of(const WalSegment& segment, SegmentSize size) {
  return Lsn(segment.number * size.bytes());
}

std::string file_name(const WalSegment& segment, SegmentSize size) {
  const auto per_log_file = log_file_bytes / size.bytes();
  return fmt::format("{}{:08X}{:08X}", to_hex(segment.timeline), segment.number / per_log_file,
                     segment.number % per_log_file);
}

std::optional<WalSegment> parse_segment_name(std::string_view name, SegmentSize size) {
  if (name.size() != 24) return std::nullopt;
  const auto timeline = eight_hex_digits(name.substr(0, 8));
  const auto log_file = eight_hex_digits(name.substr(8, 8));
  const auto within = eight_hex_digits(name.substr(16, 8));
  const auto per_log_file = log_file_bytes / size.bytes();
  if (!timeline || !log_file || !within || *within >= per_log_file) return std::nullopt;
  return WalSegment{TimelineId(*timeline), *log_file * per_log_file + *within};
}

}  // namespace backup_engine::postgres
