// The restore of a drill: the engine puts files into an empty directory, then PostgreSQL recovers it in quarantine.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/progress.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "harness/process/subprocess.hpp"
#include "harness/server/server.hpp"
#include "reports/record/report.hpp"

namespace harness::restore {

enum class Stop { end_of_wal, immediate, name, time, lsn, xid };
enum class Action { promote, pause, shutdown };

// Where recovery stops and what it does there.
struct Target {
  Stop stop = Stop::end_of_wal;
  std::string value;  // as PostgreSQL's recovery_target_* takes it; empty for end_of_wal and immediate
  bool inclusive = true;
  Action action = Action::promote;
  std::string timeline;  // recovery_target_timeline; empty: latest (current for immediate)
};

struct RestoreOrder {
  std::filesystem::path repository;
  std::string cluster;
  std::filesystem::path lifeboat;  // what restore_command runs; the server's user must be able to
  std::filesystem::path to;
  bool in_place = false;  // `to` holds the source's cluster, which is set aside first
  Target target;
  std::vector<std::string> databases{};  // only these, of all of the cluster's; empty: the whole cluster
  std::string backup_label;              // empty: the engine chooses the newest that can reach the target
  unsigned jobs = 1;
  std::filesystem::path other_tablespaces;  // every tablespace goes below it; empty: a backup with any is refused
  std::filesystem::path key_file{};         // of an encrypted repository
  std::filesystem::path wal_socket{};       // of served_wal.hpp; empty: the server's user reads repository and key file
  std::optional<process::OsUser> owner{};   // for a caller that is root: whose the files become; nullopt: the source's
};

struct Restored {
  std::string backup_label;
  std::uint64_t bytes = 0;
  double fetch_seconds = 0, restore_seconds = 0;
  // What the engine chose where the target left a choice, and caveats of the backup.
  std::vector<std::string> notes;
  std::vector<std::string> passed_over;  // labels of newer backups that lead there too, for their damaged pages
};

// Throws base::Error as the engine does.
[[nodiscard]] Restored restore_files(const RestoreOrder& order, backup_engine::base::Progress& progress,
                                     const std::stop_token& stop);

// Puts back the cluster that a restore in place set aside, and removes what was restored there. The server is stopped.
// Throws base::Error as the engine does.
void roll_back(const std::filesystem::path& data_directory);

// When a recovering server reached what; from its own log where only it knows.
struct Milestones {
  using Time = backup_engine::base::UtcTime;
  Time started;  // postgres was started
  std::optional<Time> consistent, replayed, readable, writable;
  std::string replayed_lsn;        // "redo done at", the last record replayed; empty when there was nothing to redo
  std::optional<Time> redo_began;  // "redo starts at"
  std::string redo_lsn;            // of the first record replayed
};

// A server that took its last steps: promoted, and it has committed a write of its own (a logical message: it changes
// no table).
struct Recovered {
  server::Server server;
  Milestones milestones;
};

// Starts a restored server whose recovery target has `action`, and takes it to where it accepts writes by the way that
// the action means. pause: it must be paused at its target and read-only, and is then told to resume, which promotes.
// shutdown: it must end by itself at its target, in good order, and is then started once more, to promote there.
// Throws Error(process), with PostgreSQL's own last words and how far it came, when recovery failed, also when it
// promoted where it should have paused or ended; Error(timed_out | interrupted).
[[nodiscard]] Recovered recover_until_writable(server::ServerOptions options, Action action,
                                               const backup_engine::base::Deadline& deadline,
                                               const std::stop_token& stop);

// As above for a server that was started at `started` and promotes at its target by itself.
[[nodiscard]] Milestones wait_until_writable(server::Server& server, Milestones::Time started,
                                             const backup_engine::base::Deadline& deadline,
                                             const std::stop_token& stop);

// Waits until recovery is *paused* at its target; Error(process) when the server promoted instead.
void wait_until_paused(server::Server& server, const backup_engine::base::Deadline& deadline,
                       const std::stop_token& stop);

}  // namespace harness::restore
