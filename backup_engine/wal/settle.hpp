// Settling: an open segment's many small parts become few larger ones, and a full segment becomes one object. Nothing
// waits for it, because the parts are durable already; it is immutable puts first and removals afterwards, so that it
// can be interrupted anywhere and done again.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <thread>

#include "backup_engine/wal/wal_archive.hpp"

namespace backup_engine::wal {

// More parts than this of one segment are merged.
constexpr std::size_t most_parts = 64;

// How many of the last parts to merge into one; 0: none. Parts are in order and do not overlap. Takes in each part that
// is no larger than all after it together, so a byte is rewritten a number of times that grows with the logarithm of
// the segment, and leaves at most `most_parts`.
[[nodiscard]] std::size_t choose_merge(std::span<const WalPart> parts);

struct SettleTask {
  enum class Kind { merge, close };
  Kind kind = Kind::merge;
  postgres::WalSegment segment;
};
using Settle = std::function<void(const SettleTask&)>;

// Does it now. close: puts the whole segment, then removes its parts; parts that disagree with a segment that is there
// already stay, and that is Error(mismatch). Doing it twice, or for a segment without parts, is nothing; nor does it
// matter that another process, archive_command beside a receiver, settles the same segment meanwhile.
void settle(WalArchive& archive, const SettleTask& task);

// Does it on a thread of its own, in order, at most a few tasks behind.
class Settler {
 public:
  explicit Settler(WalArchive& archive);
  ~Settler();  // ends after the task in hand; what is left is done by the next receiver
  Settler(const Settler&) = delete;
  Settler& operator=(const Settler&) = delete;

  // Blocks while too much is waiting. Rethrows what an earlier task threw.
  void add(const SettleTask& task);
  // Blocks until everything was done; rethrows.
  void finish();

 private:
  void run();
  void rethrow_failure();

  WalArchive& archive_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<SettleTask> waiting_;
  bool busy_ = false, ending_ = false;
  std::exception_ptr failure_;
  std::thread thread_;  // last: starts when all else is there
};

}  // namespace backup_engine::wal
