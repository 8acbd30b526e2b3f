// What can be recovered from the WAL that a repository holds, and what keeps more of it from arriving: told from names
// of objects, histories and manifests, without reading the WAL itself (that is verify's). For people: docs/wal.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/timeline.hpp"
#include "backup_engine/repository.hpp"

namespace backup_engine {

struct WalCheckRequest {
  RepositoryLocation repository;
  std::string cluster;
  std::string conninfo;  // empty: the server is not asked
};

// WAL of a timeline that is not held although more of it is held further on, or was asked for.
struct WalHole {
  postgres::TimelineId timeline;
  postgres::Lsn from, to;
  std::string recorded;  // when and why, as the receiver recorded it; empty when nobody did
};

struct TimelineWal {
  postgres::TimelineId timeline;
  std::vector<ClusterSummary::WalRange> windows;  // in order
  std::vector<WalHole> holes;
  bool has_history = false;                    // timeline 1 has none and needs none
  std::optional<postgres::TimelineId> parent;  // as the history says
  std::optional<postgres::Lsn> branched_at;
};

// Up to where a backup's recovery can go along the way to one timeline.
struct WalReach {
  postgres::TimelineId timeline;
  postgres::Lsn until;
};

struct BackupReach {
  std::string label;
  postgres::TimelineId timeline;
  postgres::Lsn start_lsn, stop_lsn;
  std::vector<WalReach> reaches;   // any point from stop_lsn up to each; empty when not even its own WAL is held
  std::optional<WalHole> missing;  // of its own WAL
};

struct ServerSlot {
  std::string name;
  bool active = false;
  std::string wal_status;  // reserved, extended, unreserved, lost; empty while it never reserved any
  std::uint64_t kept_bytes = 0;
};

// The first segment of the server's that is not held as far as it is written.
struct UnheldSegment {
  std::string name;
  bool finished = false;                 // the server writes a later one
  std::optional<std::uint64_t> seconds;  // since the server last wrote to it; none: it has it no more
};

struct ServerWal {
  std::string archive_mode, archive_command;  // or "archive_library NAME"
  std::string last_archived, last_failed;     // names of files; empty when there were none
  bool archiving_fails = false;               // the last attempt did
  std::string max_slot_wal_keep_size;
  std::vector<ServerSlot> slots;  // physical ones
  postgres::TimelineId timeline;
  postgres::Lsn flushed;
  std::uint64_t behind_bytes = 0;  // of flushed, not held
  std::optional<UnheldSegment> not_held;
  bool may_not_list_wal = false;  // not_held is not known then; asked only where something is not held
};

enum class WalSeverity { problem, warning };
struct WalFinding {
  WalSeverity severity = WalSeverity::problem;
  std::string text, remedy;
};

// WAL that no backup can be recovered to any point of, and that is the newest held.
struct WalOutOfReach {
  ClusterSummary::WalRange wal;
  std::optional<WalHole> hole;  // before it
  std::string text;             // as in the findings
};

struct WalCheckResult {
  std::string cluster;
  std::vector<TimelineWal> timelines;  // in order
  std::vector<BackupReach> backups;    // oldest first
  std::optional<ServerWal> server;
  std::vector<WalFinding> findings;           // problems first
  std::optional<WalOutOfReach> out_of_reach;  // which is a problem

  [[nodiscard]] bool sound() const;  // no problem
};

// What is found is data. Throws Error when it could not be looked at: no repository, no such cluster, no connection, a
// server of another cluster (mismatch), a role that may not see (permission).
[[nodiscard]] WalCheckResult check_wal(const WalCheckRequest& request);

// What only a server is asked: its archiver and its slots. Problems first. Throws Error: connection, permission.
[[nodiscard]] std::vector<WalFinding> check_server_wal(const std::string& conninfo);

}  // namespace backup_engine
