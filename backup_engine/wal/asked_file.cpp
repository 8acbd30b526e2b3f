#include "backup_engine/wal/asked_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/wal/held_segment.hpp"
#include "backup_engine/wal/timeline_path.hpp"

namespace backup_engine::wal {

using base::Error;
using base::ErrorKind;
using postgres::Lsn;

namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(std::string_view text) {
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

// Whether anything is held from before `missing` on the way to it. A timeline's first segments have their predecessors
// on the timelines that it branched off.
bool is_held_before(const HeldWal& held, const TimelinePath& path, Lsn missing) {
  return std::ranges::any_of(held.ranges, [&](const WalRange& range) {
    return range.start < missing && std::ranges::any_of(path, [&](const TimelineSpan& span) {
             return span.timeline == range.timeline && (!span.end || range.start < *span.end);
           });
  });
}

// WAL from `missing` on is not there. At the end of a timeline that is simply its end; where WAL of the same timeline
// is held further on, it is a hole, and recovery would take it for the end and lose what follows. `path` leads to it.
void require_end_of_wal(const HeldWal& held, const TimelinePath& path, Lsn missing, bool anything_before,
                        AskedBy asked_by) {
  const auto timeline = path.back().timeline;
  for (const auto& gap : held.gaps) {
    if (gap.timeline != timeline || missing < gap.from || missing >= gap.to) continue;
    throw Error(ErrorKind::corrupt,
                fmt::format("the WAL of timeline {} has a gap from {} to {}; {} lies in it", timeline.number(),
                            to_string(gap.from), to_string(gap.to), to_string(missing)))
        .with_remedy("restore to a target before the gap, or from a backup taken after it");
  }
  const auto& ranges = held.ranges;
  const auto after = std::ranges::find_if(
      ranges, [&](const auto& range) { return range.timeline == timeline && range.start > missing; });
  if (after == ranges.end()) return;
  if (anything_before || is_held_before(held, path, missing)) {
    throw Error(ErrorKind::corrupt, fmt::format("WAL of timeline {} is missing from {} to {}", timeline.number(),
                                                to_string(missing), to_string(after->start)))
        .with_remedy("restore to a target before it, or from a backup taken after it");
  }
  if (asked_by == AskedBy::standby) return;
  throw Error(ErrorKind::corrupt,
              fmt::format("WAL of timeline {} is asked for from {} on, and the oldest that is held begins at {}",
                          timeline.number(), to_string(missing), to_string(after->start)))
      .with_remedy(
          "it has expired since this recovery began, or was never held: restore again, from a backup whose WAL "
          "is there (lifeboat wal check)");
}

// Every backup needs WAL, so a cluster without any is storage that is only partly there. PostgreSQL would take it for
// the end of WAL, and promote.
void require_any_wal(const HeldWal& held, const std::string& cluster) {
  if (!held.ranges.empty()) return;
  throw Error(ErrorKind::not_found, fmt::format("the repository holds no WAL of cluster {} at all", cluster))
      .with_remedy("look whether all of its storage is there and mounted");
}

class Asked {
 public:
  Asked(const WalArchive& archive, const std::string& name, AskedBy asked_by)
      : archive_(archive), name_(name), asked_by_(asked_by) {}

  [[nodiscard]] std::optional<Bytes> read(const std::optional<postgres::WalSegment>& segment) {
    return segment ? read_open(*segment) : read_other();
  }
  // Listed once, and only for what was not found.
  const HeldWal& held() {
    if (!held_) held_ = archive_.held();
    return *held_;
  }

 private:
  // Zeros where an open segment's WAL ends, as in one that PostgreSQL has just begun.
  [[nodiscard]] std::optional<Bytes> read_open(const postgres::WalSegment& segment) {
    const auto size = archive_.segment_size();
    auto bytes = read_held(archive_, segment);
    const auto held_bytes = bytes ? bytes->size() : 0;
    if (held_bytes < size.bytes()) require_end(segment, held_bytes);
    if (bytes) bytes->resize(size.bytes());
    return bytes;
  }

  void require_end(const postgres::WalSegment& segment, std::size_t held_bytes) {
    const auto start = start_of(segment, archive_.segment_size());
    const auto path = path_to(archive_, segment.timeline);
    // A segment from before the timeline began was never its own.
    if (path.back().begin >= start + archive_.segment_size().bytes()) return;
    require_end_of_wal(held(), path, start + held_bytes, held_bytes > 0, asked_by_);
  }

  [[nodiscard]] std::optional<Bytes> read_other() const {
    const auto timeline = postgres::parse_history_file_name(name_);
    if (!timeline) return archive_.read_extra(name_);
    // The first timeline has none, and PostgreSQL asks for it all the same.
    const auto text = probe_history(archive_, *timeline);
    return text ? std::optional(bytes_of(*text)) : std::nullopt;
  }

  const WalArchive& archive_;
  const std::string& name_;
  const AskedBy asked_by_;
  std::optional<HeldWal> held_;
};

}  // namespace

OpenArchive open_archive(const RepositoryLocation& location, const std::string& cluster) {
  auto storage = store::open_repository(location);
  const auto size = store::read_cluster(*storage, cluster).wal_segment_size;
  WalArchive archive(*storage, cluster, size, Compression{});
  return {std::move(storage), std::move(archive)};
}

WalFetchOutcome copy_asked(const WalArchive& archive, const std::string& cluster, const std::string& name,
                           AskedBy asked_by, const std::function<void(std::span<const std::byte>)>& write) {
  const auto segment = parse_segment_name(name, archive.segment_size());
  if (segment && archive.has_segment(*segment) && archive.copy_segment(*segment, write)) {
    return WalFetchOutcome::fetched;
  }
  Asked asked(archive, name, asked_by);
  const auto bytes = asked.read(segment);
  if (!bytes) {
    require_any_wal(asked.held(), cluster);
    return WalFetchOutcome::not_there;
  }
  write(*bytes);
  return WalFetchOutcome::fetched;
}

}  // namespace backup_engine::wal
