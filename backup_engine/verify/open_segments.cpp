#include "backup_engine/verify/open_segments.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

namespace backup_engine::verify {

using store::WalObjectKind;

std::set<postgres::WalSegment> segments_with_a_hole(const std::vector<store::WalObject>& objects,
                                                    const std::vector<wal::WalGap>& gaps, postgres::SegmentSize size) {
  using Part = std::pair<std::uint64_t, std::uint64_t>;
  std::set<postgres::WalSegment> whole;
  std::map<postgres::WalSegment, std::vector<Part>> open;
  std::map<postgres::TimelineId, std::uint64_t> last;  // number of the segment, by timeline
  for (const auto& object : objects) {
    const auto& [kind, segment] = std::pair(object.parsed.kind, object.parsed.segment);
    if (kind != WalObjectKind::segment && kind != WalObjectKind::part) continue;
    auto& number = last[segment.timeline];
    number = std::max<std::uint64_t>(number, segment.number);
    if (kind == WalObjectKind::segment) {
      whole.insert(segment);
    } else {
      open[segment].emplace_back(object.parsed.from_bytes, object.parsed.to_bytes);
    }
  }
  std::set<postgres::WalSegment> found;
  for (auto& [segment, parts] : open) {
    if (whole.contains(segment)) continue;
    std::ranges::sort(parts);
    std::uint64_t held = 0;
    bool hole = false;
    for (const auto& [from, to] : parts) {
      hole = hole || from > held;
      held = std::max(held, to);
    }
    const auto end = start_of(segment, size) + held;
    const bool in_a_gap = std::ranges::any_of(gaps, [&, &timeline = segment.timeline](const wal::WalGap& gap) {
      return gap.timeline == timeline && gap.from <= end && end < gap.to;
    });
    if (hole || (held < size.bytes() && (in_a_gap || segment.number < last[segment.timeline]))) found.insert(segment);
  }
  return found;
}

}  // namespace backup_engine::verify
