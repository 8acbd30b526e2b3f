// A throwaway copy that recovers to the wrong place on purpose: one commit short of the target, one too far, and onto
// another timeline; there it also runs where it can be seen. Each is a server that really ended there, and is asked as
// the restored one was (docs/checks.md, "Proof").
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/drill/proof.hpp"
#include "reports/record/proof.hpp"

namespace harness::drill {

struct Astray {
  std::vector<reports::record::Sabotage> sabotages;
  std::map<std::string, reports::record::Evidence> evidence;  // by where it was led, as Sabotage::seen_in says
};

// place: to what the proof's copy is recovered, and `told` is its name for the report. Throws base::Error when there is
// no copy to be led anywhere; what could not be done with it stands in the sabotage.
[[nodiscard]] Astray lead_astray(const Context& context, const Specimen& specimen, const restore::Target& place,
                                 const reports::record::RestoreTarget& told);

}  // namespace harness::drill
