// Waiting for WAL that somebody else (`wal receive`, `wal push`) puts into the repository.
#pragma once

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>

#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/timeline.hpp"
#include "backup_engine/postgres/wal_segment.hpp"
#include "backup_engine/store/storage.hpp"

namespace backup_engine::backup {

class WalArrival {
 public:
  WalArrival(store::Storage& storage, std::string cluster, postgres::SegmentSize segment_size,
             std::chrono::seconds timeout)
      : storage_(storage), cluster_(std::move(cluster)), segment_size_(segment_size), timeout_(timeout) {}

  // Blocks until the repository durably holds `timeline` up to `lsn`, or from `start` to `stop` without a gap. Throws
  // Error(timed_out) with what it holds instead, and Error(interrupted).
  // `when_late`, which may be empty, is called once when nothing has come by streaming for a moment.
  void wait_for(postgres::TimelineId timeline, postgres::Lsn lsn, const std::stop_token& stop,
                const std::function<void()>& when_late = {}) const;
  void wait_for(postgres::TimelineId timeline, postgres::Lsn start, postgres::Lsn stop_lsn, const std::stop_token& stop,
                const std::function<void()>& when_late = {}) const;
  // Makes durable what is there of it, whoever put it: a receiver that died may have left an object that is visible and
  // would not survive a power loss. Before a backup is published on it.
  void make_durable(postgres::TimelineId timeline, postgres::Lsn start, postgres::Lsn stop_lsn) const;

 private:
  store::Storage& storage_;
  std::string cluster_;
  postgres::SegmentSize segment_size_;
  std::chrono::seconds timeout_;
};

}  // namespace backup_engine::backup
