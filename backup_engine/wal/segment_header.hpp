// The header at the head of a segment of WAL: which cluster, timeline and position it says it holds. Layout: PostgreSQL
// 15 to 18, src/include/access/xlog_internal.h (XLogLongPageHeaderData).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/timeline.hpp"
#include "backup_engine/postgres/wal_segment.hpp"
#include "backup_engine/store/repository_store.hpp"

namespace backup_engine::wal {

// What every page of WAL of a PostgreSQL major (15 to 18) begins with.
[[nodiscard]] std::uint16_t page_magic(int major);

struct SegmentHeader {
  std::uint16_t magic = 0;
  postgres::TimelineId timeline;  // of its first page
  postgres::Lsn start;
  std::uint64_t system_identifier = 0, segment_bytes = 0;
};

constexpr std::size_t segment_header_bytes = 40;

// nullopt when it is too short, or its first page has no long header.
[[nodiscard]] std::optional<SegmentHeader> parse_segment_header(std::span<const std::byte> bytes);

// The history of a timeline, wherever it is found; nullopt when it is not.
using FindHistory = std::function<std::optional<std::vector<postgres::TimelineSwitch>>(postgres::TimelineId)>;

// Throws Error, naming `file`, unless the file that begins with `head` and has `size_bytes` is the whole of `segment`
// of this cluster: corrupt (not as long as the cluster's segments, no header), mismatch (another cluster's, another
// major's, another position's or another timeline's). A timeline's first segment repeats the pages of the one that it
// branched off, so there the header's timeline is the ancestor's that the history names.
void require_belongs(std::span<const std::byte> head, std::uint64_t size_bytes, const postgres::WalSegment& segment,
                     const store::ClusterIdentity& cluster, const FindHistory& find_history, const std::string& file);

}  // namespace backup_engine::wal
