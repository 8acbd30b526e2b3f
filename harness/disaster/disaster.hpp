// A disaster of the timeline: deliberate harm to the source, and where in time and WAL it struck (docs/disasters.md).
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "harness/faults/expendable_directory.hpp"
#include "harness/process/volume.hpp"
#include "harness/scenario/scenario.hpp"
#include "harness/server/server.hpp"
#include "reports/record/report.hpp"

namespace harness::disaster {

// What a disaster may harm besides the source. The drill knows where it lies, and how archiving is stopped; a disaster
// that needs one of these and was not given it is refused.
struct Surroundings {
  // The files of the repository that hold the WAL of a point of the timeline: at least one, of a segment that has
  // ended, with WAL held behind it.
  std::function<std::vector<std::filesystem::path>(const std::string& point)> segment_files;
  // The directories of so many backups of the repository, the newest first; fewer where there are not as many.
  std::function<std::vector<faults::ExpendableDirectory>(int count)> newest_backups;
  std::filesystem::path key_file;  // of the repository
  std::function<void()> break_archiving, mend_archiving;
  // Makes a standby of the source without which no commit is acknowledged any more.
  std::function<void()> make_standby;
  // The source is dead and gone: its standby is promoted and takes its place. Returns a word on where.
  std::function<std::string()> go_on_at_standby;
  // Begins a backup of that type ("full") and kills it in mid-copy; returns its label.
  std::function<std::string(const std::string& type)> interrupt_backup;
};

// What a disaster may harm, all of it made by this drill.
struct Victim {
  server::Server& server;
  std::optional<faults::ExpendableDirectory> data_directory;  // nullopt once it was lost
  // Called when the server is dead and its files are still there as they were: the moment for a witness to copy pg_wal.
  // May be empty.
  std::function<void()> before_loss;
  // The load's database: where tables and schemas are looked for. May be empty for lose_server and drop_database.
  std::string database{};
  // How long a disaster on a living server goes on trying while the load holds the locks that it needs.
  std::chrono::milliseconds patience = std::chrono::seconds(60);
  std::stop_token stop{};
  Surroundings around{};
  // The small file system that holds the server's pg_wal; null: it lies on a disk that is not to be filled.
  std::shared_ptr<const process::Volume> wal_volume{};
};

// What happened. lsn, xid and began_at are empty unless it was done by SQL.
struct Struck {
  // kind as the step's; at: RFC 3339, see strike(); detail: a sentence with the rows or objects that were hit.
  reports::record::DisasterRecord record;
  std::string lsn;  // a position in the WAL before all that the harm's transaction wrote; "0/16B3748"
  std::string xid;  // the harm's transaction, 64 bits with epoch, decimal
  // RFC 3339: right before the harm's transaction began, so no later than any instant of it. Recovery up to this time
  // does not include the harm; up to record.at it does.
  std::string began_at{};
  // When the server had ended, where that is later than record.at: it fought for a while. RFC 3339, or empty.
  std::string ended_at{};
};

// The kinds that strike() knows, for messages and validation.
[[nodiscard]] const std::vector<std::string>& known_kinds();

// Strikes and returns what happened. `record.at` is by this machine's clock, which is the server's too: of a kind that
// ends the server, the instant from which it was gone (RTO's clock starts there; the time that `before_loss` takes is
// the harness's own and comes after it); of fill_disk the instant at which PostgreSQL's log first says that the full
// disk ends a process; done by SQL, the instant right after COMMIT returned; all others, when it was done. Throws
// base::Error before any harm: usage for an unknown kind, an argument that the kind does not take or a name of the
// wrong kind; not_found for a name that does not exist. Otherwise as the fault does, and then the harm was rolled back.
[[nodiscard]] Struck strike(const scenario::DisasterStep& step, const Victim& victim);

}  // namespace harness::disaster
