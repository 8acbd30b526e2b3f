#include "harness/verify/record_places.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "harness/verify/wal_dump_lines.hpp"

namespace harness::verify {

namespace fs = std::filesystem;
namespace pg = backup_engine::postgres;
using reports::record::RecordPlace;

RecordPlaces::RecordPlaces(ToolOptions options, fs::path directory, std::uint32_t timeline)
    : options_(std::move(options)), directory_(std::move(directory)), timeline_(timeline) {
  constexpr std::size_t segment_name_length = 24;
  for (const auto& entry : fs::directory_iterator(directory_)) {
    const auto name = entry.path().filename().string();
    if (!entry.is_regular_file() || name.size() != segment_name_length) continue;
    segment_size_ = pg::SegmentSize::of_bytes(entry.file_size());
    const auto segment = pg::parse_segment_name(name, segment_size_);
    if (segment && segment->timeline.number() == timeline_) return;
  }
  throw backup_engine::base::Error(
      backup_engine::base::ErrorKind::not_found,
      fmt::format("the witness WAL in {} has no segment of timeline {}", directory_.string(), timeline_));
}

// WAL that ends in the middle of a record is no failure: what comes before it was printed.
std::vector<RecordPlace> RecordPlaces::dumped(pg::Lsn from, const std::string& until_when) const {
  process::Command command;
  command.program = options_.bin_directory / "pg_waldump";
  command.arguments = {"--path=" + directory_.string(), fmt::format("--timeline={}", timeline_),
                       "--start=" + to_string(from), until_when};
  const auto done = process::run(command, options_.deadline, options_.stop);
  return parse_places(done.output, {timeline_, segment_size_});
}

std::optional<RecordPlace> RecordPlaces::first_from(pg::Lsn lsn) const {
  const auto places = dumped(lsn, "--limit=1");
  return places.empty() ? std::nullopt : std::optional(places.front());
}

std::optional<RecordPlace> RecordPlaces::last_whole(pg::Lsn from, pg::Lsn until) const {
  constexpr std::uint64_t first_stretch = 64 * 1024, widening = 8;
  for (auto stretch = first_stretch;; stretch *= widening) {
    const auto all = until - from <= stretch;
    std::optional<RecordPlace> last;
    for (auto& place : dumped(all ? from : pg::Lsn(until.position_bytes() - stretch), "--end=" + to_string(until))) {
      if (pg::parse_lsn(place.end_lsn).value_or(until + 1) <= until) last = std::move(place);
    }
    if (last || all) return last;
  }
}

}  // namespace harness::verify
