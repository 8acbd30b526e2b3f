// Fetching the segments that PostgreSQL will ask for next, while it replays the one that it has.
#pragma once

#include <functional>

#include "backup_engine/wal/spool.hpp"
#include "backup_engine/wal/wal_archive.hpp"

namespace backup_engine::wal {

// How many of the wanted number of segments may lie in a spool: 256 MB of them, and none where the disk is short.
[[nodiscard]] unsigned spool_limit(unsigned wanted, postgres::SegmentSize size, const std::filesystem::path& beside);

// Puts the next `count` segments behind `last` into the spool: those that are whole in the archive, up to the first
// that is not. An open segment is never among them: more may come to it.
void prefetch(const WalArchive& archive, const Spool& spool, const postgres::WalSegment& last, unsigned count);

// Does `work` in a process of its own, unless one is at it. It ends by itself after that work; at once when the leader
// of this session (PostgreSQL's startup process) ends; and with PostgreSQL's process group, whose signals it gets. This
// process must have one thread. What fails there is told when PostgreSQL asks for that segment.
void start_behind(const Spool& spool, const std::function<void()>& work);

}  // namespace backup_engine::wal
