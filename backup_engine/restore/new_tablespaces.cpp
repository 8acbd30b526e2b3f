#include "backup_engine/restore/new_tablespaces.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "backup_engine/base/error.hpp"
#include "backup_engine/wal/record_reader.hpp"

namespace backup_engine::restore {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;
using postgres::Lsn;

namespace {

std::string what_happens(const wal::TablespaceCreation& creation, const BackupSummary& backup) {
  return fmt::format(
      "recovery from backup {} would create tablespace {} at {}, because the WAL at {} says so "
      "(CREATE TABLESPACE)",
      backup.label, creation.oid, creation.location, to_string(creation.record));
}

// A backup that starts behind the creation holds the tablespace, and then it goes where it is mapped.
std::string way_around(const wal::TablespaceCreation& creation, const BackupSummary& backup) {
  const std::string backup_after =
      "a backup that was started after the tablespace was created (an incremental is enough)";
  if (creation.record < backup.stop_lsn) {
    return fmt::format(
        "No target of this backup avoids it: take {}, and restore from that, or from an earlier one to a "
        "target before {}",
        backup_after, to_string(creation.record));
  }
  return fmt::format("Take {}, and restore from that; or choose a target before {}", backup_after,
                     to_string(creation.record));
}

bool is_own(const fs::path& location, const Plan& plan) {
  return std::ranges::any_of(plan.tablespaces,
                             [&](const PlannedTablespace& tablespace) { return tablespace.location == location; });
}

bool is_mapped(const wal::TablespaceCreation& creation, const Plan& plan) {
  const auto link = fmt::format("pg_tblspc/{}", creation.oid);
  return std::ranges::any_of(plan.tablespaces,
                             [&](const PlannedTablespace& tablespace) { return tablespace.link == link; });
}

void require_free(const wal::TablespaceCreation& creation, const BackupSummary& backup) {
  const auto refuse = [&](const std::string& state, const std::string& further) {
    throw Error(ErrorKind::already_exists,
                fmt::format("{}, and {}; nothing was touched", what_happens(creation, backup), state))
        .with_remedy(fmt::format("{}. {}", way_around(creation, backup), further));
  };
  std::error_code error;
  const auto status = fs::status(creation.location, error);
  if (status.type() == fs::file_type::not_found) {
    refuse("there is no such directory, so that PostgreSQL would stop there",
           "Or make it: an empty directory that belongs to the server's user.");
  }
  const bool empty = !error && fs::is_directory(status) && fs::is_empty(creation.location, error);
  if (error) refuse(fmt::format("it cannot be looked into ({})", error.message()), "Or let it be an empty directory.");
  if (!empty) {
    refuse("what is there, a running server's data perhaps, would be written over",
           "Or, when no server uses it any more, move away what is there.");
  }
}

}  // namespace

std::vector<wal::TablespaceCreation> find_new_tablespaces(const wal::WalArchive& archive, const wal::TimelinePath& path,
                                                          const BackupSummary& backup, Lsn until,
                                                          const std::stop_token& stop) {
  std::vector<wal::TablespaceCreation> found;
  wal::RecordReader reader(archive, path, backup.postgres_major);
  reader.begin_at(backup.start_lsn);
  while (const auto record = reader.next()) {
    if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
    if (record->start >= until) break;
    if (auto creation = parse_tablespace_creation(*record)) found.push_back(std::move(*creation));
  }
  return found;
}

std::vector<std::string> require_harmless(const std::vector<wal::TablespaceCreation>& creations,
                                          const BackupSummary& backup, NewTablespaces wanted, const Plan& plan) {
  std::vector<std::string> notes;
  for (const auto& creation : creations) {
    if (creation.location.empty() || is_own(normal_absolute(creation.location), plan)) continue;
    if (wanted == NewTablespaces::refuse) {
      throw Error(ErrorKind::already_exists,
                  fmt::format("{}: on the host of the source that is a place of the server there; nothing was started",
                              what_happens(creation, backup)))
          .with_remedy(way_around(creation, backup));
    }
    require_free(creation, backup);
    notes.push_back(fmt::format("recovery will create tablespace {} at {}, as the WAL at {} says{}", creation.oid,
                                creation.location, to_string(creation.record),
                                is_mapped(creation, plan) ? ", and not where it is mapped" : ""));
  }
  return notes;
}

}  // namespace backup_engine::restore
