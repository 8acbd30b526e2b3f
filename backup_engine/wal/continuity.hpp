// Whether the WAL held goes on along a path of timelines: what a restore must know before it writes anything.
#pragma once

#include <optional>
#include <span>

#include "backup_engine/wal/timeline_path.hpp"
#include "backup_engine/wal/wal_gap.hpp"
#include "backup_engine/wal/wal_ranges.hpp"

namespace backup_engine::wal {

// Where the WAL held from `start` on stops although it is no end: more of the path is held further on, or a gap is
// recorded there. nullopt when it goes on to its end. The hole's timeline is that of its beginning.
[[nodiscard]] std::optional<WalGap> first_hole(std::span<const WalRange> ranges, std::span<const WalGap> gaps,
                                               const TimelinePath& path, postgres::Lsn start);

}  // namespace backup_engine::wal
