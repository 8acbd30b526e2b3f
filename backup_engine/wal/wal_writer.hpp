// Turns a stream of WAL into durable objects: gathers what arrives, and makes it durable in one put when told to. It
// alone knows what may be acknowledged. Knows no server, so that a test can drive it over a file system that fails.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "backup_engine/wal/settle.hpp"
#include "backup_engine/wal/start_position.hpp"
#include "backup_engine/wal/wal_archive.hpp"

namespace backup_engine::wal {

class WalWriter {
 public:
  // `archive` outlives this and holds everything before `start` in its segment. `settle` is called when a segment is
  // full or has many parts; it may do it later.
  WalWriter(WalArchive& archive, StreamPosition start, Settle settle);

  // Keeps the bytes in memory. Throws Error(corrupt) unless they begin exactly where the last ones ended, on a segment
  // boundary and after a reconnect too; then nothing of them is kept.
  void append(postgres::Lsn start, std::span<const std::byte> bytes);
  // Whether to sync before taking more: a segment is full, or enough is in memory.
  [[nodiscard]] bool due() const;
  [[nodiscard]] bool pending() const { return received() > durable_; }

  // Makes everything received durable: one object for each segment touched. When it throws, durable() still tells the
  // truth.
  void sync();
  // Everything before it may be acknowledged.
  [[nodiscard]] postgres::Lsn durable() const { return durable_; }
  [[nodiscard]] postgres::Lsn received() const { return durable_ + (pending_.size() - synced_bytes_); }
  [[nodiscard]] postgres::TimelineId timeline() const { return timeline_; }

  // Goes on elsewhere: on the next timeline, or past a gap. Nothing may be pending.
  void move_to(StreamPosition position);

 private:
  void sync_within_segment(std::span<const std::byte> bytes);
  [[nodiscard]] postgres::Lsn segment_end() const;

  WalArchive& archive_;
  Settle settle_;
  postgres::TimelineId timeline_;
  postgres::Lsn durable_;
  std::vector<std::byte> pending_;  // what arrived since the last whole sync
  std::size_t synced_bytes_ = 0;    // how much of it is durable: not 0 only while sync() runs or after it threw
  std::size_t parts_put_ = 0;       // since the last merge of this segment
};

}  // namespace backup_engine::wal
