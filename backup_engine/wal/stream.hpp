// One stream of WAL, from START_REPLICATION to its end: takes what the socket holds, makes it durable in one put, and
// acknowledges that. While a put is being synced the socket gathers what comes next, so a busy server is served in
// large groups and a single synchronous commit after one put.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>

#include "backup_engine/base/rate_limit.hpp"
#include "backup_engine/postgres/replication_connection.hpp"
#include "backup_engine/wal/wal_writer.hpp"

namespace backup_engine::wal {

enum class StreamEnd {
  stopped,        // on request; everything received is durable and acknowledged
  next_timeline,  // the server has no more of this timeline
  server_left,    // it shuts down
};

struct StreamResult {
  StreamEnd end = StreamEnd::stopped;
  std::optional<postgres::NextTimeline> next;  // with next_timeline
};

// `connection` streams from writer.received() already. Written and flushed are reported from what is durable; applied
// never is, because nothing is applied here: synchronous_commit = remote_apply is not satisfied by this receiver.
// `rate` holds what is taken from the server back; the server waits. on_durable may be empty. Throws Error: connection,
// server (58P01: the WAL is gone), and what the writer throws; what was received before the connection was lost is
// durable then.
[[nodiscard]] StreamResult stream_wal(postgres::ReplicationConnection& connection, WalWriter& writer,
                                      const std::function<void(postgres::Lsn)>& on_durable, base::RateLimit& rate,
                                      const std::stop_token& stop);

}  // namespace backup_engine::wal
