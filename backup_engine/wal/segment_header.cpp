#include "backup_engine/wal/segment_header.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/store/little_endian.hpp"

namespace backup_engine::wal {

using base::Error;
using base::ErrorKind;
using postgres::Lsn;
using postgres::TimelineId;
using store::get_little_endian;

namespace {

constexpr std::uint16_t has_long_header = 0x2;

// Whose pages the segment that starts at `start` begins with: those of the first ancestor that was left behind `start`.
std::optional<TimelineId> owner_of(Lsn start, TimelineId timeline,
                                   const std::vector<postgres::TimelineSwitch>& history) {
  const auto left = std::ranges::find_if(history, [&](const auto& branch) { return branch.switch_lsn > start; });
  return left == history.end() ? timeline : left->parent;
}

void require_timeline(const SegmentHeader& header, const postgres::WalSegment& segment, const FindHistory& find_history,
                      const std::string& file) {
  if (header.timeline == segment.timeline) return;
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorKind::mismatch, fmt::format("{} holds WAL of timeline {}, its name says {}{}", file,
                                                 header.timeline.number(), segment.timeline.number(), why))
        .with_remedy("the file was renamed or is damaged; nothing of it was kept");
  };
  if (header.timeline > segment.timeline) refuse("");
  const auto history = find_history(segment.timeline);
  if (!history) refuse(fmt::format(", and {} is not there to explain it", history_file_name(segment.timeline)));
  if (owner_of(header.start, segment.timeline, *history) != header.timeline) {
    refuse(fmt::format(", and {} does not explain it", history_file_name(segment.timeline)));
  }
}

}  // namespace

std::uint16_t page_magic(int major) {
  switch (major) {
    case 15:
      return 0xD110;
    case 16:
      return 0xD113;
    case 17:
      return 0xD116;
    default:
      return 0xD118;
  }
}

std::optional<SegmentHeader> parse_segment_header(std::span<const std::byte> bytes) {
  if (bytes.size() < segment_header_bytes) return std::nullopt;
  if ((get_little_endian<std::uint16_t>(&bytes[2]) & has_long_header) == 0) return std::nullopt;
  return SegmentHeader{get_little_endian<std::uint16_t>(bytes.data()),
                       TimelineId(get_little_endian<std::uint32_t>(&bytes[4])),
                       Lsn(get_little_endian<std::uint64_t>(&bytes[8])), get_little_endian<std::uint64_t>(&bytes[24]),
                       get_little_endian<std::uint32_t>(&bytes[32])};
}

void require_belongs(std::span<const std::byte> head, std::uint64_t size_bytes, const postgres::WalSegment& segment,
                     const store::ClusterIdentity& cluster, const FindHistory& find_history, const std::string& file) {
  const auto size = cluster.wal_segment_size;
  if (size_bytes != size.bytes()) {
    throw Error(ErrorKind::corrupt,
                fmt::format("{} has {} bytes, a segment of this cluster has {}", file, size_bytes, size.bytes()))
        .with_remedy("it is cut off or of another cluster; nothing of it was kept");
  }
  const auto header = parse_segment_header(head);
  if (!header) {
    throw Error(ErrorKind::corrupt, fmt::format("{} is no segment of WAL: its first page has no header", file))
        .with_remedy("it is damaged; nothing of it was kept");
  }
  const auto differ = [&](const std::string& what, const auto& found, const auto& wanted) {
    throw Error(ErrorKind::mismatch, fmt::format("{} has {} {}, not {}", file, what, found, wanted))
        .with_remedy("it is no segment of this cluster, or was renamed; nothing of it was kept");
  };
  if (header->magic != page_magic(cluster.postgres_major)) {
    differ("a page magic of", fmt::format("{:04X}", header->magic),
           fmt::format("PostgreSQL {}'s {:04X}", cluster.postgres_major, page_magic(cluster.postgres_major)));
  }
  if (header->system_identifier != cluster.system_identifier) {
    differ("the system identifier", header->system_identifier, cluster.system_identifier);
  }
  if (header->segment_bytes != size.bytes()) differ("a segment size of", header->segment_bytes, size.bytes());
  if (header->start != start_of(segment, size)) {
    differ("the position", to_string(header->start),
           fmt::format("{} as its name says", to_string(start_of(segment, size))));
  }
  require_timeline(*header, segment, find_history, file);
}

}  // namespace backup_engine::wal
