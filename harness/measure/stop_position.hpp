// Where PostgreSQL must end recovery for a target: every kind of target is a prefix of the WAL. Pure; the rules are
// those of recoveryStopsBefore and recoveryStopsAfter in PostgreSQL's src/backend/access/transam/xlogrecovery.c, and
// docs/glossary.md ("Exactness") says them in words.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "reports/record/evidence.hpp"
#include "reports/record/report.hpp"

namespace harness::measure {

struct StopPosition {
  enum class Kind {
    end_of_wal,  // no target: as far as the WAL goes
    position,    // every record that starts before `position` is replayed, and no other
    unknown,     // `why` says what is missing, or that PostgreSQL has to refuse such a target
  };
  Kind kind = Kind::unknown;
  backup_engine::postgres::Lsn position{};
  std::string why{};
};

// backup: the one that was restored, nullptr when it is not known (then only the end of WAL can be told). For an LSN
// order.at_target is looked at. Throws base::Error(corrupt) for an LSN in the evidence that is none.
[[nodiscard]] StopPosition stop_position(const reports::record::CommitOrderEvidence& order,
                                         const reports::record::RestoreTarget& target,
                                         const reports::record::BackupRecord* backup);

// Did recovery end there? `reached` is the end of the last record replayed, as PostgreSQL tells it; between that end
// and the start of the next record there may lie a page's header.
[[nodiscard]] bool ended_at(backup_engine::postgres::Lsn reached, backup_engine::postgres::Lsn stop);

// recovery_target_time as text: "2026-11-20 02:15:00.123456+00", with 'T' for the blank, and 'Z', " UTC" or an offset
// in hours or hours:minutes. nullopt for anything else, also for a time without a zone: that depends on the server.
[[nodiscard]] std::optional<backup_engine::base::UtcTime> parse_target_time(std::string_view text);

}  // namespace harness::measure
