#include "harness/verify/witness_line.hpp"

#include "backup_engine/base/file.hpp"
#include "backup_engine/postgres/timeline.hpp"

namespace harness::verify {

namespace pg = backup_engine::postgres;
using reports::record::TimelineStretch;

std::uint32_t newest_timeline(const std::filesystem::path& directory, std::uint32_t from) {
  auto newest = from;
  while (std::filesystem::exists(directory / pg::history_file_name(pg::TimelineId(newest + 1)))) ++newest;
  return newest;
}

std::vector<TimelineStretch> line_of(std::string_view history, std::uint32_t timeline) {
  std::vector<TimelineStretch> line;
  for (const auto& left : pg::parse_history(history)) {
    line.push_back({left.parent.number(), pg::to_string(left.switch_lsn)});
  }
  line.push_back({timeline, ""});
  return line;
}

std::vector<TimelineStretch> line_to(const std::filesystem::path& directory, std::uint32_t timeline) {
  const auto history = directory / pg::history_file_name(pg::TimelineId(timeline));
  return line_of(std::filesystem::exists(history) ? backup_engine::base::read_file(history) : "", timeline);
}

std::uint32_t timeline_at(const std::vector<TimelineStretch>& line, const std::string& lsn) {
  const auto place = pg::parse_lsn(lsn);
  for (const auto& stretch : line) {
    const auto end = pg::parse_lsn(stretch.end_lsn);
    if (place && end && *place < *end) return stretch.timeline;
  }
  return line.back().timeline;
}

}  // namespace harness::verify
