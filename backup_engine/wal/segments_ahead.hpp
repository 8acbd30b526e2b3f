// Whole segments that are read, by a thread of its own, before recovery asks for them: as the spool of fetch_wal, and
// in memory, because nothing of the repository is to lie where another user reads it before it is asked for.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "backup_engine/postgres/wal_segment.hpp"

namespace backup_engine::wal {

class SegmentsAhead {
 public:
  using Bytes = std::vector<std::byte>;
  // nullopt: not there, or not whole. What it throws is not told: reading it when it is asked for tells.
  using Read = std::function<std::optional<Bytes>(const postgres::WalSegment&)>;

  // At most `count` of them, the one that is being read included.
  SegmentsAhead(unsigned count, Read read);
  ~SegmentsAhead();  // waits for the segment that is being read

  // The segment, which is no longer held then; waits for it when it is being read. nullopt: it was not read.
  [[nodiscard]] std::optional<Bytes> take(const postgres::WalSegment& segment);
  // From now on the segments behind `last` are read and held, up to the first that is not there, and no others.
  void go_on_behind(const postgres::WalSegment& last);
  void clear();

 private:
  void work(const std::stop_token& stop);
  [[nodiscard]] bool is_wanted(const postgres::WalSegment& segment) const;
  [[nodiscard]] std::optional<postgres::WalSegment> next() const;

  const unsigned count_;
  const Read read_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<postgres::WalSegment> last_;  // what lies behind it is wanted
  bool ended_ = false;                        // nothing more is there behind what was read
  std::optional<postgres::WalSegment> reading_;
  std::map<postgres::WalSegment, Bytes> ready_;
  std::jthread thread_;
};

}  // namespace backup_engine::wal
