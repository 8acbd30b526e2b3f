// The check of a restore in place that was rolled back: the old cluster is what it was right before it was replaced. No
// scenario lists it: `roll_back: true` asks for it. Pure.
#pragma once

#include "reports/record/check.hpp"
#include "reports/record/evidence.hpp"

namespace harness::verify {

inline constexpr const char* roll_back_check = "roll_back";

// Unknown, with the reason, where it was not looked at.
[[nodiscard]] reports::record::Check check_roll_back(const reports::record::Evidence& evidence);

}  // namespace harness::verify
