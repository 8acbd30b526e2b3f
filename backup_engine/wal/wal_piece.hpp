// Pieces of WAL in the repository, known by their names alone: whole segments and the parts of an open one. From them
// follow the ranges of WAL that are durable, because nothing is visible under its name before it is whole and synced.
// Grammar: docs/formats/wal.md. Pure: no storage, no server.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/timeline.hpp"
#include "backup_engine/postgres/wal_segment.hpp"
#include "backup_engine/repository.hpp"

namespace backup_engine::wal {

enum class PieceKind { segment, part };

// WAL from `from` up to but not including `to`, all of it in one segment.
struct WalPiece {
  PieceKind kind = PieceKind::segment;
  postgres::TimelineId timeline;
  postgres::Lsn from, to;
  std::string object;  // the object's name, as it was given to parse_piece
};

// WAL that the server no longer had when the receiver asked for it: recorded for good, never bridged.
struct WalGap {
  postgres::TimelineId timeline;
  postgres::Lsn from, to;
  bool operator==(const WalGap&) const = default;
};

// "000000010000000000000003.part-00000000-00002000": offsets into the segment, 8 hexadecimal digits each.
// from and to lie in one segment, from before to.
[[nodiscard]] std::string part_file_name(postgres::TimelineId timeline, postgres::Lsn from, postgres::Lsn to,
                                         postgres::SegmentSize size);
// "00000001.gap-0000000003000000-0000000005000000": LSNs, 16 hexadecimal digits each.
[[nodiscard]] std::string gap_file_name(const WalGap& gap);

// Looks at what follows the last '/'. nullopt for what is neither a segment nor a part (histories, gaps, debris).
[[nodiscard]] std::optional<WalPiece> parse_piece(std::string_view object, postgres::SegmentSize size);
[[nodiscard]] std::optional<WalGap> parse_gap(std::string_view object);

using WalRange = ClusterSummary::WalRange;

// What the named objects hold: by timeline, then by position; pieces that touch or overlap are one range. Names that
// are no pieces are passed over, so that a whole listing of a cluster's WAL can be given.
[[nodiscard]] std::vector<WalRange> durable_ranges(std::span<const std::string> objects, postgres::SegmentSize size);
[[nodiscard]] std::vector<WalRange> durable_ranges(std::vector<WalPiece> pieces);

// Where the last range of `timeline` ends; nullopt when there is none.
[[nodiscard]] std::optional<postgres::Lsn> durable_end(std::span<const WalRange> ranges, postgres::TimelineId timeline);
// Whether one range of `timeline` holds everything from `start` up to `stop`.
[[nodiscard]] bool holds(std::span<const WalRange> ranges, postgres::TimelineId timeline, postgres::Lsn start,
                         postgres::Lsn stop);

}  // namespace backup_engine::wal
