// WAL segment files: a fixed-size piece of one timeline's log (16 MB unless initdb was told otherwise).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/timeline.hpp"

namespace backup_engine::postgres {

// wal_segment_size: a power of two from 1 MB to 1 GB.
class SegmentSize {
 public:
  constexpr SegmentSize() = default;
  // Throws Error(corrupt) for a size PostgreSQL cannot have.
  [[nodiscard]] static SegmentSize of_bytes(std::uint64_t size_bytes);
  [[nodiscard]] constexpr std::uint64_t bytes() const { return bytes_; }
  constexpr auto operator<=>(const SegmentSize&) const = default;

 private:
  std::uint64_t bytes_ = 16 * 1024 * 1024;
};

struct WalSegment {
  TimelineId timeline;
  std::uint64_t number = 0;  // position / segment size
  auto operator<=>(const WalSegment&) const = default;
};

[[nodiscard]] WalSegment segment_holding(TimelineId timeline, Lsn lsn, SegmentSize size);
// The segment that holds the byte before `lsn`: the last one needed to read up to it.
[[nodiscard]] WalSegment segment_ending_at(TimelineId timeline, Lsn lsn, SegmentSize size);
[[nodiscard]] Lsn start_of(const WalSegment& segment, SegmentSize size);
[[nodiscard]] std::string file_name(const WalSegment& segment, SegmentSize size);  // 24 hexadecimal digits
[[nodiscard]] std::optional<WalSegment> parse_segment_name(std::string_view name, SegmentSize size);

}  // namespace backup_engine::postgres
