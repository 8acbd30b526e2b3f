// A recovery that is taken along the WAL step by step, and stands still wherever it is told to: a standby in quarantine
// that finds in its pg_wal real bytes up to a position and zeros behind it. It replays every record that ends by then,
// waits, and can be read; then it is given more. One replay so serves many points (docs/adr/0010).
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/timeline.hpp"
#include "backup_engine/postgres/wal_segment.hpp"
#include "harness/restore/restore.hpp"
#include "harness/server/server.hpp"

namespace harness::restore {

// Puts a segment of that name at `to`, whole; false: there is none.
using FetchSegment = std::function<bool(const std::string& name, const std::filesystem::path& to)>;
// From the repository, as `lifeboat wal fetch` does. Throws base::Error as the engine does.
[[nodiscard]] FetchSegment fetch_from_repository(const RestoreOrder& order);

struct PrefixOrder {
  server::ServerOptions options;  // of a restored data directory that was never started
  FetchSegment fetch;
  std::filesystem::path scratch;                 // where segments pass through; is made, and removed again
  backup_engine::postgres::TimelineId timeline;  // of several, the last that recovery is to follow
  backup_engine::postgres::SegmentSize segment_size;
  backup_engine::postgres::Lsn from;                               // where replay begins: the backup's start
  std::vector<backup_engine::postgres::TimelineSwitch> history{};  // of that timeline, oldest first
};

class PrefixRecovery {
 public:
  // Makes a standby of the directory; nothing is started yet. Throws base::Error.
  explicit PrefixRecovery(PrefixOrder order);
  PrefixRecovery(const PrefixRecovery&) = delete;
  PrefixRecovery& operator=(const PrefixRecovery&) = delete;
  ~PrefixRecovery();

  using Arrived = std::function<bool(backup_engine::postgres::Lsn replayed)>;
  // Gives WAL up to `until`, never less than before, and waits until `arrived`, or until replay has not moved for
  // `patience`: that it stands elsewhere is for others to judge. The first call starts the server, and `until` must
  // make it consistent. Returns whether it arrived. Throws Error(not_found) for WAL that is not there,
  // Error(process) when recovery ended, Error(timed_out | interrupted).
  bool advance(backup_engine::postgres::Lsn until, const Arrived& arrived, std::chrono::milliseconds patience,
               const backup_engine::base::Deadline& deadline, const std::stop_token& stop);

  // Once advance() has returned.
  [[nodiscard]] server::Server& server() { return *server_; }

 private:
  void serve_histories();
  [[nodiscard]] backup_engine::postgres::TimelineId timeline_of(std::uint64_t segment_number) const;
  void serve(backup_engine::postgres::Lsn until);
  void serve_segment(const backup_engine::postgres::WalSegment& segment, backup_engine::postgres::Lsn until);
  void start(const backup_engine::base::Deadline& deadline, const std::stop_token& stop);

  PrefixOrder order_;
  backup_engine::postgres::Lsn served_;
  std::optional<std::uint64_t> held_number_;  // of the segment in held_
  std::string held_;
  std::optional<server::Server> server_;
  std::optional<backup_engine::postgres::Connection> session_;
};

}  // namespace harness::restore
