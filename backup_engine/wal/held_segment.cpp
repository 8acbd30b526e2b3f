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
  for (Looks looks;;) {
    if (auto whole = archive.read_segment(segment)) return whole;
    try {
      if (auto joined = join_open_segment(archive, segment)) return joined;
    } catch (const base::Error& error) {
      if (!looks.again(error)) throw;
      continue;
    }
    if (!archive.has_segment(segment)) return std::nullopt;
  }
}

}  // namespace backup_engine::wal
