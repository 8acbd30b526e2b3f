// Which open segments recovery gets nothing of, although parts of them are held: it is handed whole segments, and one
// with a hole is refused to it (docs/wal.md, "Fetching"). Pure; told from names.
#pragma once

#include <set>
#include <vector>

#include "backup_engine/postgres/wal_segment.hpp"
#include "backup_engine/store/wal_objects.hpp"
#include "backup_engine/wal/wal_gap.hpp"

namespace backup_engine::verify {

// `objects`: all that are held. Of segments that are not held whole: those of which WAL is missing before a part, and
// those that end before WAL of the same timeline, or in a gap that was recorded.
[[nodiscard]] std::set<postgres::WalSegment> segments_with_a_hole(const std::vector<store::WalObject>& objects,
                                                                  const std::vector<wal::WalGap>& gaps,
                                                                  postgres::SegmentSize size);

}  // namespace backup_engine::verify
