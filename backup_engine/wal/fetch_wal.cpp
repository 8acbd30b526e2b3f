#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <span>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file_system.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/wal.hpp"
#include "backup_engine/wal/held_segment.hpp"
#include "backup_engine/wal/wal_archive.hpp"

namespace backup_engine {

using base::Error;
using base::ErrorKind;
using postgres::Lsn;

namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(std::string_view text) {
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

// WAL from `missing` on is not there. At the end of a timeline that is simply its end; where WAL of the same timeline
// is held further on, it is a hole, and recovery would take it for the end and lose what follows.
void require_end_of_wal(const wal::WalArchive& archive, postgres::TimelineId timeline, Lsn missing,
                        bool anything_before) {
  for (const auto& gap : archive.gaps()) {
    if (gap.timeline != timeline || missing < gap.from || missing >= gap.to) continue;
    throw Error(ErrorKind::corrupt,
                fmt::format("the WAL of timeline {} has a gap from {} to {}; {} lies in it", timeline.number(),
                            to_string(gap.from), to_string(gap.to), to_string(missing)))
        .with_remedy("restore to a target before the gap, or from a backup taken after it");
  }
  const auto ranges = archive.ranges();
  const bool before = anything_before || std::ranges::any_of(ranges, [&](const auto& range) {
                        return range.timeline == timeline && range.start < missing;
                      });
  const auto after = std::ranges::find_if(
      ranges, [&](const auto& range) { return range.timeline == timeline && range.start > missing; });
  if (!before || after == ranges.end()) return;
  throw Error(ErrorKind::corrupt, fmt::format("WAL of timeline {} is missing from {} to {}", timeline.number(),
                                              to_string(missing), to_string(after->start)))
      .with_remedy("restore to a target before it, or from a backup taken after it");
}

// Every backup needs WAL, so a cluster without any is storage that is only partly there. PostgreSQL would take it for
// the end of WAL, and promote.
void require_any_wal(const wal::WalArchive& archive, const std::string& cluster) {
  if (!archive.ranges().empty()) return;
  throw Error(ErrorKind::not_found, fmt::format("the repository holds no WAL of cluster {} at all", cluster))
      .with_remedy("look whether all of its storage is there and mounted");
}

// Zeros where an open segment's WAL ends, as in one that PostgreSQL has just begun.
std::optional<Bytes> read_wal(const wal::WalArchive& archive, const postgres::WalSegment& segment) {
  const auto size = archive.segment_size();
  auto bytes = wal::read_held(archive, segment);
  const auto held_bytes = bytes ? bytes->size() : 0;
  if (held_bytes < size.bytes()) {
    require_end_of_wal(archive, segment.timeline, start_of(segment, size) + held_bytes, bytes.has_value());
  }
  if (bytes) bytes->resize(size.bytes());
  return bytes;
}

std::optional<Bytes> read_named(const wal::WalArchive& archive, const std::string& file_name) {
  if (const auto timeline = postgres::parse_history_file_name(file_name)) {
    const auto text = archive.read_history(*timeline);
    return text ? std::optional(bytes_of(*text)) : std::nullopt;
  }
  if (const auto segment = parse_segment_name(file_name, archive.segment_size())) return read_wal(archive, *segment);
  return archive.read_extra(file_name);
}

void write_whole(const std::filesystem::path& to, std::span<const std::byte> bytes) {
  auto& file_system = base::posix_file_system();
  auto temporary = to;
  temporary += fmt::format(".lifeboat-{}", ::getpid());
  std::error_code ignored;
  std::filesystem::remove(temporary, ignored);  // of a process that had this id once
  const auto file = file_system.create(temporary, 0600);
  try {
    file->write_at(0, bytes);
    file->close();
    file_system.rename(temporary, to);
  } catch (...) {
    std::filesystem::remove(temporary, ignored);
    throw;
  }
}

}  // namespace

WalFetchOutcome fetch_wal(const WalFetchRequest& request) {
  const auto storage = store::open_repository(request.repository);
  const auto identity = store::read_cluster(*storage, request.cluster);
  const wal::WalArchive archive(*storage, request.cluster, identity.wal_segment_size, Compression{});
  const auto bytes = read_named(archive, request.file_name);
  if (!bytes) {
    require_any_wal(archive, request.cluster);
    return WalFetchOutcome::not_there;
  }
  write_whole(request.to, *bytes);
  return WalFetchOutcome::fetched;
}

}  // namespace backup_engine
