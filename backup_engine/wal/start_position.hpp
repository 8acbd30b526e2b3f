// Where a receiver begins to stream: from what the repository holds, what the server says of itself, its timeline's
// history and the slot. Pure: the rules stand in docs/formats/wal.md, "Where a receiver starts".
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "backup_engine/postgres/replication_connection.hpp"
#include "backup_engine/wal/wal_ranges.hpp"

namespace backup_engine::wal {

struct StreamPosition {
  postgres::TimelineId timeline;
  postgres::Lsn at;
  bool operator==(const StreamPosition&) const = default;
};

// Everything that decides it. `history` is that of the server's current timeline, empty for timeline 1.
struct StartFacts {
  std::span<const WalRange> held;
  postgres::SystemIdentity server;
  std::span<const postgres::TimelineSwitch> history;
  postgres::SlotState slot;
  postgres::SegmentSize segment_size;
};

[[nodiscard]] postgres::Lsn start_of_segment(postgres::Lsn lsn, postgres::SegmentSize size);

// Nothing held: the slot's position, else the server's, at the start of its segment. Otherwise the end of the newest
// timeline held, even inside a segment; or, where the server's history left that timeline at or before this end, the
// start of the segment in which the next one branches off. Throws Error(mismatch) when the newest timeline held is not
// in the server's history.
[[nodiscard]] StreamPosition choose_start(const StartFacts& facts);

// The last point up to which the server's WAL and what is held must be the same: the end of the newest timeline held,
// or where the server's history left it before that. nullopt: nothing is held. Throws as choose_start.
[[nodiscard]] std::optional<StreamPosition> common_end(const StartFacts& facts);

// Where to go on when the WAL at `lost` is no longer on the server: at the start of the segment from which the slot
// keeps WAL; of the one that the server writes now, where the slot keeps none or lost that too, as a slot does that was
// invalidated. Always past `lost`. What lies between is a gap.
[[nodiscard]] StreamPosition choose_start_after_loss(const StreamPosition& lost, const StartFacts& facts);

}  // namespace backup_engine::wal
