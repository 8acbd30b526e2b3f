// Whether a server's WAL is the WAL that the repository holds: before a receiver streams on, what both have of the last
// segment is compared. A server that was put back to an earlier state without a new timeline (a snapshot of its volume,
// say) gives other WAL under the same positions, and streaming on would splice two histories into one that no
// recovery gets through. Rules: docs/formats/wal.md, "Where a receiver starts".
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/replication_connection.hpp"
#include "backup_engine/wal/start_position.hpp"
#include "backup_engine/wal/wal_archive.hpp"

namespace backup_engine::wal {

// Compares pieces of a server's WAL of one timeline with what is held of it, in order.
class HeldComparison {
 public:
  // `archive` outlives this and holds WAL of `held_until.timeline` from `from`, a segment's start, up to held_until.at.
  HeldComparison(const WalArchive& archive, StreamPosition held_until, postgres::Lsn from);

  // The piece begins where the last one ended. What lies behind held_until is not looked at. Throws Error(mismatch),
  // naming the first position that differs.
  void compare(std::span<const std::byte> bytes);
  [[nodiscard]] bool done() const { return at_ >= held_until_.at; }
  [[nodiscard]] postgres::Lsn at() const { return at_; }

 private:
  void load_segment();

  const WalArchive& archive_;
  StreamPosition held_until_;
  postgres::Lsn at_;
  std::optional<postgres::WalSegment> segment_;
  std::vector<std::byte> bytes_;
};

// The first record that begins in a segment says where the one before it began (xl_prev). `bytes`: from the segment's
// start. nullopt while it takes more of them to tell.
[[nodiscard]] std::optional<postgres::Lsn> link_of_first_record(std::span<const std::byte> bytes);

// Where the last record held before `end`, the end of a segment, begins; whether or not it is whole. nullopt when the
// records held cannot tell.
[[nodiscard]] std::optional<postgres::Lsn> last_record_before(const WalArchive& archive, const StreamPosition& end,
                                                              int major);

enum class Overlap { same, gone };

// Streams the server's own WAL from `from` up to `common` and compares. `connection` streams nothing, before and
// after; nothing is reported to the server. gone: the server no longer has it, and the connection is of no use any
// more. Throws Error: mismatch, connection, interrupted.
[[nodiscard]] Overlap compare_overlap(postgres::ReplicationConnection& connection, const WalArchive& archive,
                                      const StreamPosition& common, postgres::Lsn from, const std::stop_token& stop);

// Where all that the server still has begins at the end of a segment, `next`: the link of its first record from there
// must be to the last record held before. `flushed`: how far the server's WAL goes; where no record begins before that
// there is nothing to compare. gone, and throws, as above.
[[nodiscard]] Overlap compare_link(postgres::ReplicationConnection& connection, const WalArchive& archive,
                                   const StreamPosition& common, const StreamPosition& next, postgres::Lsn flushed,
                                   const std::stop_token& stop);

// Where to begin the comparison: at the start of the segment that holds what is directly before `common`, or of the one
// before where that would be little. nullopt when nothing is held there.
[[nodiscard]] std::optional<postgres::Lsn> overlap_start(std::span<const WalRange> held, const StreamPosition& common,
                                                         postgres::SegmentSize size);

// Error(mismatch) for a server whose WAL is not the one held up to `common`; `how` shows: "they differ at 0/3000148".
[[nodiscard]] base::Error other_history(const StreamPosition& common, const std::string& how);

}  // namespace backup_engine::wal
