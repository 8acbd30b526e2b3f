// WAL into and out of the repository.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/repository.hpp"

namespace backup_engine {

enum class SlotAction { use, create, drop };

struct WalReceiveRequest {
  RepositoryLocation repository;
  std::string cluster;
  std::string conninfo;  // a plain connection; REPLICATION right needed
  std::string slot;
  SlotAction slot_action = SlotAction::use;
  Compression compression{Codec::lz4, 0};
  // How fast WAL is taken from the server; 0: as fast as it comes. Held back, the server keeps it longer, and whoever
  // waits for a synchronous commit waits longer too.
  std::uint64_t max_bytes_per_second = 0;
  // application_name, the name that synchronous_standby_names matches; empty: the slot's.
  std::string standby_name;
  // Called once, when WAL begins to flow; may be empty.
  std::function<void()> on_streaming;
  // Called after each acknowledged sync with the durable position; may be empty.
  std::function<void(postgres::Lsn)> on_durable;
  // One line for a log: connected, lost, timeline followed, gap recorded; may be empty.
  std::function<void(const std::string&)> on_event;
};

// Streams until `stop` is requested (then syncs, acknowledges and returns), reconnecting when the server goes away.
// slot_action create makes the slot (if absent) and streams; drop removes it (if there) and returns. Throws Error:
// server (no such slot), mismatch (another cluster, or a server that went another way than the WAL held), permission,
// already_exists (another receiver of this cluster runs on this host), connection when the first connection fails, and
// what the repository throws. Resumes at the repository's own durable end. WAL that the server no longer has is
// recorded as a gap and passed over. Defined in docs/formats/wal.md.
void receive_wal(const WalReceiveRequest& request, const std::stop_token& stop);

struct WalPushRequest {
  RepositoryLocation repository;
  std::string cluster;
  std::filesystem::path file;  // %p: a segment, a .history, a .partial, a .backup
  Compression compression{Codec::lz4, 0};
  // How many segments behind it that PostgreSQL has marked as ready go along, by how many threads.
  unsigned ahead = 7, jobs = 2;
};

struct WalPushResult {
  bool was_there = false;     // with the same content, durably
  unsigned pushed_ahead = 0;  // segments behind it
};
// The file is durable in the repository when this returns. The first push makes the cluster, from the pg_control above
// pg_wal. Throws Error: mismatch (other content is there already and stays; another cluster's, timeline's or position's
// WAL under this name), corrupt, usage (no name of WAL), and what the repository throws. Defined in
// docs/formats/wal.md, "Pushing".
WalPushResult push_wal(const WalPushRequest& request);

struct WalFetchRequest {
  RepositoryLocation repository;
  std::string cluster;
  std::string file_name;     // %f: a segment, a .history, a .partial, a .backup
  std::filesystem::path to;  // %p
  // How many further segments are fetched meanwhile, by a process of its own, into a private directory beside `to`; 0:
  // none, and nothing but `to` is touched.
  unsigned prefetch = 0;
  // Of a WalServer (serve_wal.hpp), which is asked then: repository, cluster and prefetch are its own. Empty: none.
  std::filesystem::path socket{};
};

enum class WalFetchOutcome { fetched, not_there };
// Puts the file at `to` whole or not at all; open segments are joined from their parts and padded with zeros.
// With prefetch this process must have one thread. "Not there" is a value; every other failure throws (the verb then
// dies by a signal, never with 1–125).
[[nodiscard]] WalFetchOutcome fetch_wal(const WalFetchRequest& request);

}  // namespace backup_engine
