#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <span>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file_system.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/wal.hpp"
#include "backup_engine/wal/held_segment.hpp"
#include "backup_engine/wal/prefetch.hpp"
#include "backup_engine/wal/spool.hpp"
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
void require_end_of_wal(const wal::HeldWal& held, postgres::TimelineId timeline, Lsn missing, bool anything_before) {
  for (const auto& gap : held.gaps) {
    if (gap.timeline != timeline || missing < gap.from || missing >= gap.to) continue;
    throw Error(ErrorKind::corrupt,
                fmt::format("the WAL of timeline {} has a gap from {} to {}; {} lies in it", timeline.number(),
                            to_string(gap.from), to_string(gap.to), to_string(missing)))
        .with_remedy("restore to a target before the gap, or from a backup taken after it");
  }
  const auto& ranges = held.ranges;
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
void require_any_wal(const wal::HeldWal& held, const std::string& cluster) {
  if (!held.ranges.empty()) return;
  throw Error(ErrorKind::not_found, fmt::format("the repository holds no WAL of cluster {} at all", cluster))
      .with_remedy("look whether all of its storage is there and mounted");
}

// Puts `to` whole or not at all; `fill` writes its bytes, and says whether there are any.
template <typename Fill>
bool write_whole(const std::filesystem::path& to, const Fill& fill) {
  auto& file_system = base::posix_file_system();
  auto temporary = to;
  temporary += fmt::format(".lifeboat-{}", ::getpid());
  std::error_code ignored;
  std::filesystem::remove(temporary, ignored);  // of a process that had this id once
  const auto file = file_system.create(temporary, 0600);
  try {
    std::uint64_t written = 0;
    const bool any = fill([&](std::span<const std::byte> bytes) {
      file->write_at(written, bytes);
      written += bytes.size();
    });
    file->close();
    if (any) {
      file_system.rename(temporary, to);
    } else {
      std::filesystem::remove(temporary, ignored);
    }
    return any;
  } catch (...) {
    std::filesystem::remove(temporary, ignored);
    throw;
  }
}

class Fetch {
 public:
  explicit Fetch(const WalFetchRequest& request)
      : request_(request),
        folder_(request.to.has_parent_path() ? request.to.parent_path() : "."),
        spool_(folder_, request.repository.text, request.cluster) {}

  // What lies ready needs no look at the repository.
  WalFetchOutcome run() {
    if (request_.prefetch == 0) return fetch_directly();
    if (const auto size = spool_.take(request_.file_name, request_.to)) {
      go_on_behind(*size);
      return WalFetchOutcome::fetched;
    }
    const auto outcome = fetch_directly();
    const bool is_segment = size_ && parse_segment_name(request_.file_name, *size_);
    if (outcome == WalFetchOutcome::fetched && is_segment) {
      go_on_behind(*size_);
    } else {
      // The end of WAL, or the search for a timeline that comes before and after recovery: nothing is wanted ahead.
      spool_.clear();
    }
    return outcome;
  }

 private:
  struct Opened {
    std::unique_ptr<store::Storage> storage;
    wal::WalArchive archive;
  };
  [[nodiscard]] Opened open() const {
    auto storage = store::open_repository(request_.repository);
    const auto size = store::read_cluster(*storage, request_.cluster).wal_segment_size;
    wal::WalArchive archive(*storage, request_.cluster, size, Compression{});
    return {std::move(storage), std::move(archive)};
  }

  // While half of what may lie there still does, whoever fills it is at work or can be woken later.
  void go_on_behind(postgres::SegmentSize size) const {
    const auto segment = parse_segment_name(request_.file_name, size);
    const auto count = segment ? wal::spool_limit(request_.prefetch, size, folder_) : 0;
    if (count == 0) return;
    auto half_way = *segment;
    half_way.number += (count + 1) / 2;
    if (spool_.holds(file_name(half_way, size)) || !spool_.make()) return;
    spool_.keep_near(*segment, size, count);
    wal::start_behind(spool_, [&] {
      const auto opened = open();
      wal::prefetch(opened.archive, spool_, *segment, count);
    });
  }

  WalFetchOutcome fetch_directly() {
    const auto opened = open();
    const auto& archive = opened.archive;
    size_ = archive.segment_size();
    const auto segment = parse_segment_name(request_.file_name, *size_);
    if (segment && copy_whole(archive, *segment)) return WalFetchOutcome::fetched;
    const auto bytes = segment ? read_open(archive, *segment) : read_other(archive);
    if (!bytes) {
      require_any_wal(held(archive), request_.cluster);
      return WalFetchOutcome::not_there;
    }
    write_whole(request_.to, [&](const auto& write) {
      write(*bytes);
      return true;
    });
    return WalFetchOutcome::fetched;
  }

  [[nodiscard]] bool copy_whole(const wal::WalArchive& archive, const postgres::WalSegment& segment) const {
    return archive.has_segment(segment) &&
           write_whole(request_.to, [&](const auto& write) { return archive.copy_segment(segment, write); });
  }

  // Zeros where an open segment's WAL ends, as in one that PostgreSQL has just begun.
  [[nodiscard]] std::optional<Bytes> read_open(const wal::WalArchive& archive, const postgres::WalSegment& segment) {
    const auto size = archive.segment_size();
    auto bytes = wal::read_held(archive, segment);
    const auto held_bytes = bytes ? bytes->size() : 0;
    if (held_bytes < size.bytes()) {
      require_end_of_wal(held(archive), segment.timeline, start_of(segment, size) + held_bytes, bytes.has_value());
    }
    if (bytes) bytes->resize(size.bytes());
    return bytes;
  }

  [[nodiscard]] std::optional<Bytes> read_other(const wal::WalArchive& archive) const {
    const auto timeline = postgres::parse_history_file_name(request_.file_name);
    if (!timeline) return archive.read_extra(request_.file_name);
    const auto text = archive.read_history(*timeline);
    return text ? std::optional(bytes_of(*text)) : std::nullopt;
  }

  // Listed once, and only for what was not found.
  const wal::HeldWal& held(const wal::WalArchive& archive) {
    if (!held_) held_ = archive.held();
    return *held_;
  }

  const WalFetchRequest& request_;
  std::filesystem::path folder_;
  wal::Spool spool_;
  std::optional<postgres::SegmentSize> size_;  // once the repository was looked at
  std::optional<wal::HeldWal> held_;
};

}  // namespace

WalFetchOutcome fetch_wal(const WalFetchRequest& request) {
  return Fetch(request).run();
}

}  // namespace backup_engine
