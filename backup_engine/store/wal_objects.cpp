#include "backup_engine/store/wal_objects.hpp"

#include <algorithm>
#include <tuple>

namespace backup_engine::store {

namespace {

auto order_of(const WalObject& object) {
  const auto& parsed = object.parsed;
  return std::tuple(parsed.segment, parsed.from_bytes, parsed.to_bytes, object.name);
}

}  // namespace

std::vector<WalObject> list_wal(Storage& storage, const std::string& cluster, postgres::SegmentSize size) {
  std::vector<WalObject> objects;
  for (auto& object : storage.list(wal_prefix(cluster))) {
    if (const auto parsed = parse_wal_object(cluster, object.name, size)) {
      objects.push_back({std::move(object.name), object.size_bytes, *parsed});
    }
  }
  std::sort(objects.begin(), objects.end(), [](const auto& a, const auto& b) { return order_of(a) < order_of(b); });
  return objects;
}

std::vector<ClusterSummary::WalRange> continuous_ranges(const std::vector<WalObject>& objects,
                                                        postgres::SegmentSize size) {
  std::vector<ClusterSummary::WalRange> pieces;
  for (const auto& object : objects) {
    if (object.parsed.kind != WalObjectKind::segment && object.parsed.kind != WalObjectKind::part) continue;
    const auto start = postgres::start_of(object.parsed.segment, size);
    pieces.push_back(
        {object.parsed.segment.timeline, start + object.parsed.from_bytes, start + object.parsed.to_bytes});
  }
  std::sort(pieces.begin(), pieces.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.timeline, a.start, a.end) < std::tuple(b.timeline, b.start, b.end);
  });
  std::vector<ClusterSummary::WalRange> ranges;
  for (const auto& piece : pieces) {
    if (!ranges.empty() && ranges.back().timeline == piece.timeline && piece.start <= ranges.back().end) {
      ranges.back().end = std::max(ranges.back().end, piece.end);
    } else {
      ranges.push_back(piece);
    }
  }
  return ranges;
}

}  // namespace backup_engine::store
