// Judging: pure functions over recorded evidence. What each check can and cannot see: docs/checks.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/scenario/scenario.hpp"
#include "reports/record/check.hpp"
#include "reports/record/evidence.hpp"
#include "reports/record/ledger.hpp"
#include "reports/record/mark.hpp"

namespace harness::verify {

// All that a drill wrote down. marks in the order in which they were taken. Without a ledger (a source that carried no
// load) the ledger check is unknown.
struct Records {
  reports::record::Evidence evidence;
  std::vector<reports::record::Mark> marks;
  std::optional<std::vector<reports::record::LedgerTransaction>> ledger;
  bool stored_backup = false;  // of a cluster that the harness did not make: marks and ledger there cannot be
};

struct Judgement {
  std::vector<reports::record::Check> checks;  // one for each that was asked for, in that order; then isolation
  std::vector<std::string> not_tested;         // what these checks are blind to, and what had no witness; sentences
};

// The check that nobody asks for: a restored server has to be by itself. There is none where this machine gives nobody
// namespaces, or where no server was restored.
constexpr std::string_view isolation_check = "isolation";

// Evidence that is missing, or a check that throws or had nothing to examine, is unknown, never pass.
[[nodiscard]] Judgement judge(const std::vector<scenario::CheckRequest>& requests, const Records& records);

// What the mark says of tables and what was found of them: of the whole cluster, or of the tables of a partial restore
// when these were probed. nullopt: one of the two is not there.
struct ComparedContent {
  const reports::record::ContentDigests *then, *now;
};
[[nodiscard]] std::optional<ComparedContent> compared_content(const Records& records);

}  // namespace harness::verify
