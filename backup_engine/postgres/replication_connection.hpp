// A physical replication connection (a "walsender"), over libpq: identity, slots, timeline histories and the stream of
// WAL itself. Protocol: PostgreSQL documentation, "Streaming Replication Protocol". It speaks the protocol and decides
// nothing: what is durable, and so what may be acknowledged, is its caller's business (backup_engine/wal).
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/timeline.hpp"
#include "backup_engine/postgres/version.hpp"
#include "backup_engine/postgres/wal_segment.hpp"

namespace backup_engine::postgres {

struct SystemIdentity {
  std::uint64_t system_identifier = 0;
  TimelineId timeline;  // the server's current one
  Lsn flushed;          // on a standby: replayed
};

struct SlotState {
  std::optional<Lsn> restart_lsn;  // the oldest WAL that the slot keeps; none while it never reserved any
  std::optional<TimelineId> restart_timeline;
};

// One piece of WAL that begins at `start`. `bytes` stays valid until the next take().
struct WalData {
  Lsn start;
  Lsn server_end;  // how far the server's WAL went when it was sent
  std::span<const std::byte> bytes;
};
struct Keepalive {
  Lsn server_end;
  bool reply_requested = false;
};
// The server has no more WAL of this timeline, or shuts down: end_streaming() tells which.
struct EndOfStream {};
using StreamMessage = std::variant<WalData, Keepalive, EndOfStream>;

// What the receiver has done so far, as a standby status update reports it.
struct StandbyStatus {
  Lsn written, flushed, applied;
  bool reply_requested = false;
};

// What an error says of WAL that was asked for. being_removed: a checkpoint was at it while it was sent, and the
// error's code is whatever errno was (CheckXLogRemoved in PostgreSQL's xlog.c); asked again, the server says removed.
enum class WalLoss { none, removed, being_removed };
[[nodiscard]] WalLoss wal_loss(const base::Error& error);

struct NextTimeline {
  TimelineId timeline;
  Lsn switch_lsn;  // where it branches off the one that ended
};

// Every function throws Error(connection) when the connection is gone, Error(server, with sqlstate) when PostgreSQL
// reports an ERROR and Error(permission) when it is one of missing rights.
class ReplicationConnection {
 public:
  // conninfo: that of a plain connection, without a password (Error(usage)). Blocks up to connect_timeout (10 s unless
  // said). standby_name is what synchronous_standby_names matches.
  ReplicationConnection(const std::string& conninfo, std::string_view standby_name);
  ~ReplicationConnection();
  ReplicationConnection(ReplicationConnection&&) noexcept;
  ReplicationConnection& operator=(ReplicationConnection&&) noexcept;

  [[nodiscard]] Version server_version() const;
  [[nodiscard]] SystemIdentity identify_system();
  [[nodiscard]] SegmentSize segment_size();
  [[nodiscard]] bool data_checksums();
  // Whether it is a standby, or recovers otherwise.
  [[nodiscard]] bool in_recovery();

  // Slot names: lower-case letters, digits and underscores, at most 63 of them, else Error(usage).
  [[nodiscard]] std::optional<SlotState> read_slot(const std::string& slot);
  // A physical slot that keeps WAL from now on. False when a slot of that name is there already.
  bool create_slot(const std::string& slot);
  // False when there is none. Error(server, 55006) when it is in use.
  bool drop_slot(const std::string& slot);

  // The .history file's own bytes. Error(server) when the server does not have it.
  [[nodiscard]] std::string timeline_history(TimelineId timeline);

  // From here on only take(), wait() and send() until end_streaming(). An empty slot: without one. Error(server): the
  // slot is in use (55006), the WAL is no longer there (58P01), the start lies past the server's end or its timeline's.
  void start_streaming(const std::string& slot, Lsn start, TimelineId timeline);
  // What has arrived; nullopt when nothing whole has. Never blocks.
  [[nodiscard]] std::optional<StreamMessage> take();
  // Blocks until something arrives, `wake_fd` becomes readable, or the time is over.
  void wait(std::chrono::milliseconds at_most, int wake_fd) const;
  void send(const StandbyStatus& status);
  // After EndOfStream, or to end a stream before: finishes the copy. nullopt when the server named no next timeline,
  // because it shuts down.
  [[nodiscard]] std::optional<NextTimeline> end_streaming();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "16MB", "1GB", "1024kB": a size as SHOW prints it. Throws Error(corrupt) for anything else.
[[nodiscard]] SegmentSize parse_segment_size(std::string_view text);
// Throws Error(usage) unless PostgreSQL would accept it as a slot's name.
void require_slot_name(std::string_view slot);

}  // namespace backup_engine::postgres
