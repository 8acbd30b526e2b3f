#include "harness/verify/record_places.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "harness/verify/wal_dump_lines.hpp"

namespace harness::verify {

namespace fs = std::filesystem;
namespace pg = backup_engine::postgres;
using reports::record::RecordPlace;
using reports::record::TimelineStretch;

namespace {

// Whether that segment is read from that timeline's file: the next one's first segment begins with what the old one had
// there.
bool counts(const pg::WalSegment& segment, const std::vector<TimelineStretch>& line, pg::SegmentSize size) {
  std::uint64_t begin = 0;
  for (const auto& stretch : line) {
    const auto left = pg::parse_lsn(stretch.end_lsn);
    const auto next = left ? std::optional(pg::segment_holding(segment.timeline, *left, size).number) : std::nullopt;
    if (segment.timeline.number() == stretch.timeline) {
      return segment.number >= begin && (!next || segment.number < *next);
    }
    begin = next.value_or(begin);
  }
  return false;
}

}  // namespace

// pg_waldump reads one timeline's files, and takes the timeline from their names: so all get the last one's.
RecordPlaces::RecordPlaces(ToolOptions options, const fs::path& directory, const std::vector<TimelineStretch>& line)
    : options_(std::move(options)), timeline_(line.back().timeline), links_(directory.parent_path(), "places") {
  constexpr std::size_t segment_name_length = 24;
  for (const auto& entry : fs::directory_iterator(directory)) {
    const auto name = entry.path().filename().string();
    if (!entry.is_regular_file() || name.size() != segment_name_length) continue;
    segment_size_ = pg::SegmentSize::of_bytes(entry.file_size());
    const auto segment = pg::parse_segment_name(name, segment_size_);
    if (!segment || !counts(*segment, line, segment_size_)) continue;
    const pg::WalSegment as_last{pg::TimelineId(timeline_), segment->number};
    fs::create_symlink(entry.path(), links_.path() / pg::file_name(as_last, segment_size_));
    end_ = std::max(end_, pg::start_of({segment->timeline, segment->number + 1}, segment_size_));
  }
  if (!fs::is_empty(links_.path())) return;
  throw backup_engine::base::Error(
      backup_engine::base::ErrorKind::not_found,
      fmt::format("the witness WAL in {} has no segment of timeline {}", directory.string(), timeline_));
}

// WAL that ends in the middle of a record is no failure: what comes before it was printed. Not told where to end,
// pg_waldump waits five seconds for a segment that is still to come.
std::vector<RecordPlace> RecordPlaces::dumped(pg::Lsn from, pg::Lsn until, const std::vector<std::string>& more) const {
  process::Command command;
  command.program = options_.bin_directory / "pg_waldump";
  command.arguments = {"--path=" + links_.path().string(), fmt::format("--timeline={}", timeline_),
                       "--start=" + to_string(from), "--end=" + to_string(until)};
  command.arguments.insert(command.arguments.end(), more.begin(), more.end());
  const auto done = process::run(command, backup_engine::base::Deadline::after(options_.limit), options_.stop);
  return parse_places(done.output, {timeline_, segment_size_});
}

std::optional<RecordPlace> RecordPlaces::first_from(pg::Lsn lsn) const {
  const auto places = dumped(lsn, end_, {"--limit=1"});
  return places.empty() ? std::nullopt : std::optional(places.front());
}

std::optional<RecordPlace> RecordPlaces::last_whole(pg::Lsn from, pg::Lsn until) const {
  constexpr std::uint64_t first_stretch = 64 * 1024, widening = 8;
  for (auto stretch = first_stretch;; stretch *= widening) {
    const auto all = until - from <= stretch;
    std::optional<RecordPlace> last;
    for (auto& place : dumped(all ? from : pg::Lsn(until.position_bytes() - stretch), until)) {
      if (pg::parse_lsn(place.end_lsn).value_or(until + 1) <= until) last = std::move(place);
    }
    if (last || all) return last;
  }
}

}  // namespace harness::verify
