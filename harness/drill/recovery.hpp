// The restore that the clock runs for: from the disaster to a restored server that has committed a write.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/drill/source_side.hpp"
#include "harness/restore/restore.hpp"
#include "harness/server/server.hpp"
#include "reports/record/report.hpp"

namespace harness::drill {

// What the report says of a restore that came to its end.
struct Course {
  std::string backup_label;
  backup_engine::base::UtcTime clock_started, writable;
  std::vector<reports::record::Phase> phases;
  bool repository_was_cold = false;
  std::vector<std::string> notes;        // of the engine
  std::vector<std::string> passed_over;  // labels of newer backups that lead there too, for their damaged pages
  reports::record::RestoreRecord::Volume volume{};
  std::optional<unsigned> repeat{};                         // which of several, from 1
  std::optional<reports::record::DisasterRecord> struck{};  // while the restore ran
};
// What was restored, and the engine's notes: said at once, for recovery may fail.
void journal_restored(const Context& context, const restore::Restored& restored);

struct Recovery {
  server::Server server;  // restored, promoted, in quarantine
  Course course;
};

// Evicts the repository from the page cache, starts the clock (what was spent before is part of the recovery's time),
// restores, recovers. Throws base::Error; Error(corrupt) when the backup itself cannot be restored, Error(process) when
// the restored server ends, or goes elsewhere, instead of recovering to its target.
[[nodiscard]] Recovery recover(const Context& context, const Origin& origin, const restore::Target& target,
                               const SourceSide::Spent& spent);

// What the restored server's log says that recovery came to, for the report of one that failed.
[[nodiscard]] reports::record::RestoreRecord::Reached reached_in_vain(const Context& context);

// A second restore, for what must be looked at before a first start, or at a mark rather than at the target.
struct SecondCopy {
  std::filesystem::path data_directory;
  std::string name = "examined";  // of its folder in the workplace, and of its log
};
// To be paused at `target`.
[[nodiscard]] SecondCopy restore_second_copy(const Context& context, const Origin& origin, restore::Target target,
                                             const std::string& name = "examined");
// Starts it in quarantine and waits until it is paused at its target.
[[nodiscard]] server::Server start_second_copy(const Context& context, const Origin& origin, const SecondCopy& copy);

// A backup's own point lies behind the mark that describes it, and recovery cannot stop earlier. Without a mark
// (nullptr) the end of WAL is no place to pause at.
[[nodiscard]] restore::Target place_to_pause(const restore::Target& target, const reports::record::Mark* mark);

// How the engine is asked to restore into `to`. Of a partial restore of a database only that one.
[[nodiscard]] restore::RestoreOrder order_for(const Context& context, const Origin& origin,
                                              const std::filesystem::path& to);

// The settings and namespaces that keep a restored server to itself. What else its restore_command needs to see has to
// be added to `isolation`, where there is one.
[[nodiscard]] server::ServerOptions quarantined(const Context& context, const Origin& origin,
                                                const std::filesystem::path& data_directory, std::string_view log_name);

}  // namespace harness::drill
