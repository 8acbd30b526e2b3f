// How a restore ended, held to what its scenario expects: recovered, or refused for one reason and no other
// (docs/checks.md, "outcome"). Pure.
#pragma once

#include <optional>

#include "harness/scenario/scenario.hpp"
#include "reports/record/report.hpp"

namespace harness::drill {

[[nodiscard]] reports::record::RestoreRecord::Expected expected_outcome(const scenario::Restore& restore);

// Of a scenario that expects a refusal; nullopt for one that expects a recovery, whose checks say whether it was one.
// A refusal's own words are the last of the restore's notes.
[[nodiscard]] std::optional<reports::record::Check> judge_outcome(const reports::record::RestoreRecord& restore);

// The disaster with which the clock starts: the first that made the recovery necessary. nullptr when none struck.
[[nodiscard]] const reports::record::DisasterRecord* harm_of(
    const std::vector<reports::record::DisasterRecord>& disasters);

// What it cost that recovery to the end of WAL did not begin with the newest backup; empty when it did.
[[nodiscard]] std::string cost_of_going_back(const std::vector<reports::record::BackupRecord>& backups,
                                             const reports::record::RestoreRecord& restore);

// What was not shown because nothing came back.
inline constexpr const char* nothing_came_back =
    "recovery: the restore was refused, so nothing came back that could be examined, timed or counted";

}  // namespace harness::drill
