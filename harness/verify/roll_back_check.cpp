#include "harness/verify/roll_back_check.hpp"

#include <fmt/format.h>

#include "harness/verify/checks.hpp"
#include "harness/verify/comparison.hpp"

namespace harness::verify {

using reports::record::Check;
using reports::record::Evidence;
using reports::record::RollBackEvidence;
using reports::record::Verdict;

namespace {

constexpr std::string_view earlier = "the moment before it was replaced";

void compare_identity(const RollBackEvidence& evidence, Check& check) {
  const auto& [before, after] = evidence;
  const auto differ = [&](const char* what, const std::string& then, const std::string& now) {
    if (then == now) return;
    check.findings.push_back({what, "", "", then, now, fmt::format("is {}, and was {}", now, then)});
  };
  differ("system identifier", before.system_identifier, after.system_identifier);
  differ("timeline", std::to_string(before.timeline), std::to_string(after.timeline));
}

}  // namespace

Check check_roll_back(const Evidence& evidence) {
  Check check;
  check.name = roll_back_check;
  check.witness = "postgres";
  if (!evidence.roll_back) {
    const auto why = evidence.missing.find(roll_back_check);
    check.verdict = Verdict::unknown;
    check.summary = fmt::format("not examined: {}",
                                why == evidence.missing.end() ? "the drill left no roll_back evidence" : why->second);
    return check;
  }
  const auto& [before, after] = *evidence.roll_back;
  if (after.system_identifier.empty()) {
    check.verdict = Verdict::unknown;
    check.summary = "not examined: the drill ended before it looked at the cluster that was put back";
    return check;
  }
  compare_identity(*evidence.roll_back, check);
  compare_content(before.content, after.content, earlier, check);
  compare_sequences(before.content, after.content, Positions::equal, earlier, check);
  compare_objects(before.objects, after.objects, earlier, check);
  check.expected = fmt::format("{} tables and {} objects as they were, timeline {}", before.content.tables.size(),
                               before.objects.size(), before.timeline);
  check.actual = fmt::format("{} differences", check.findings.size());
  conclude(check, before.content.tables.empty() ? 0 : before.content.tables.size() + before.objects.size(),
           "tables and objects of the old cluster");
  return check;
}

}  // namespace harness::verify
