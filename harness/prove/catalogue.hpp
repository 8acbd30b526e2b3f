// The catalogue of sabotage: every harm that is done to a throwaway copy to see whether the checks notice
// (docs/checks.md, "Proof").
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "harness/prove/deed.hpp"
#include "reports/record/verdict.hpp"

namespace harness::prove {

// A check whose business a sabotage is. wanted pass: the check is known to be blind to it, which is shown as well.
struct Concern {
  std::string check;  // a check's word; "sql" stands for each SQL file, "exactness" for the commits present
  reports::record::Verdict wanted = reports::record::Verdict::fail;
  std::string why_blind{};  // wanted pass
};

// Of a directory that was restored and never started, which is what pg_verifybackup reads; or of a copy that was
// recovered, promoted, shut down cleanly and started again, for which a victim has to be found: throws base::Error when
// the copy cannot be asked.
using PlanForFreshDirectory = Deed (*)();
using PlanForCluster = Deed (*)(Surroundings& surroundings);

struct CatalogueEntry {
  std::string name;
  std::vector<Concern> concerns;
  std::variant<PlanForFreshDirectory, PlanForCluster> plan;
};

// In the order in which they are planned: those that need much of their victims come first.
[[nodiscard]] const std::vector<CatalogueEntry>& catalogue();

}  // namespace harness::prove
