// The verdict of a whole drill, merged from everything its report holds. It passes only when everything that was
// promised was shown: a drill that broke, or that checked nothing, is unknown.
#pragma once

#include <string>
#include <vector>

#include "reports/record/report.hpp"

namespace reports::record {

// Why a drill does not pass: "rto", "rpo", "exactness", "outcome", "checks", "cleanup" or the name of a check.
struct VerdictReason {
  Verdict verdict = Verdict::unknown;  // never pass
  std::string subject;
  std::string text;  // one sentence
  bool operator==(const VerdictReason&) const = default;
};

// What speaks against the recovery itself: every restore's outcome, objectives and exactness, then the checks. Empty
// when it is proven. `verdict` of the report is not looked at.
[[nodiscard]] std::vector<VerdictReason> recovery_reasons(const Report& report);

// The worst of recovery_reasons. Exit codes 0, 1 and 2 follow it; 4 is a recovery that passes with a cleanup that does
// not.
[[nodiscard]] Verdict recovery_verdict(const Report& report);

// The verdict to write into the report: recovery_verdict, or unknown when that passes but the cleanup does not.
[[nodiscard]] Verdict overall_verdict(const Report& report);

// What lists call the drill: its scenario's name, SCENARIO@CLUSTER when a cluster of lifeboat.yaml filled it in (the
// first part of its id); empty when it has none.
[[nodiscard]] std::string drill_name(const Report& report);

}  // namespace reports::record
