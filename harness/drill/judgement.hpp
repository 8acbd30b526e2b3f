// Judging a drill from what it left: a pure step over the record, the same right after the drill and years later.
#pragma once

#include <filesystem>
#include <vector>

#include "harness/scenario/scenario.hpp"
#include "reports/record/evidence.hpp"
#include "reports/record/ledger.hpp"
#include "reports/record/mark.hpp"
#include "reports/record/report.hpp"

namespace harness::drill {

// The check under which a drill that broke (unknown), or whose restore came to nothing (fail), says why; carried along
// by every judging.
inline constexpr const char* drill_check = "drill";

// The check that fails when a backup holds pages that were damaged on its source; there is none otherwise.
inline constexpr const char* damage_check = "damaged_pages";

struct Judged {
  const scenario::Scenario& scenario;
  const std::vector<reports::record::LedgerTransaction>& ledger;
  const std::vector<reports::record::Mark>& marks;
  const reports::record::Evidence& evidence;
};

// Fills in what follows from the evidence: checks, RTO totals, RPO, exactness, what was reached, what was not tested.
// What was observed (backups, disasters, phases, environment) must be in `report` already.
void judge(reports::record::Report& report, const Judged& judged);

// Reads a finished drill directory, judges it again and writes report.json, report.html and junit.xml to `out` (empty:
// DRILL/judged). The drill itself stays as it is. Throws base::Error(not_found | corrupt).
// `fixtures`: where the scenario's SQL files are found.
[[nodiscard]] reports::record::Report judge_again(const std::filesystem::path& drill_directory,
                                                  const std::filesystem::path& fixtures,
                                                  const std::filesystem::path& out);

}  // namespace harness::drill
