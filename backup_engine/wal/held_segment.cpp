#include "backup_engine/wal/held_segment.hpp"

#include "backup_engine/base/error.hpp"
#include "backup_engine/wal/join.hpp"

namespace backup_engine::wal {

namespace {

std::optional<std::vector<std::byte>> join_open_segment(const WalArchive& archive,
                                                        const postgres::WalSegment& segment) {
  const auto parts = archive.parts_of(segment);
  if (parts.empty()) return std::nullopt;
  return join_parts(parts, start_of(segment, archive.segment_size()),
                    [&](const std::string& object) { return archive.read_part(object); });
}

}  // namespace

std::optional<std::vector<std::byte>> read_held(const WalArchive& archive, const postgres::WalSegment& segment) {
  constexpr int most_looks = 5;
  for (int look = 1;; ++look) {
    if (auto whole = archive.read_segment(segment)) return whole;
    try {
      if (auto joined = join_open_segment(archive, segment)) return joined;
    } catch (const base::Error& error) {
      if (!may_be_settled_meanwhile(error) || look == most_looks) throw;
      continue;
    }
    if (!archive.has_segment(segment) || look == most_looks) return std::nullopt;
  }
}

}  // namespace backup_engine::wal
