// Judging the proof: did each check that has to say `fail` of a sabotaged copy say so, and name what was harmed? A pure
// step over the record, as judging a drill is.
#pragma once

#include <optional>

#include "harness/drill/judgement.hpp"
#include "reports/record/proof.hpp"

namespace harness::drill {

// The check under which a sabotage that went unnoticed fails the drill.
inline constexpr const char* proof_check = "proof";

// After judge(): fills in report.proof, what each check is proven by, the check `proof`, and what could not be tried.
// Does nothing for a scenario that asks for no proof. nullopt: the drill came to none.
void judge_proof(reports::record::Report& report, const Judged& judged,
                 const std::optional<reports::record::ProofEvidence>& proof);

}  // namespace harness::drill
