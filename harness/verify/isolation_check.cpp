// Whether restored servers are by themselves: always judged, never asked for.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "harness/verify/checks.hpp"

namespace harness::verify {

using reports::record::Check;
using reports::record::Finding;
using reports::record::IsolationEvidence;
using reports::record::Verdict;

namespace {

void add_findings(const IsolationEvidence& seen, const char* server, std::vector<Finding>& findings) {
  const auto add = [&](const std::string& text) { findings.push_back({server, "", "", "", "", text}); };
  if (!seen.shared.empty()) {
    add(fmt::format("processes share namespaces with Lifeboat: {}", fmt::join(seen.shared, ", ")));
  }
  if (!seen.interfaces.empty()) add(fmt::format("its network has interfaces: {}", fmt::join(seen.interfaces, ", ")));
  for (const auto& socket : seen.sockets_seen) add("it sees a Unix socket of somebody else: " + socket);
  for (const auto& attempt : seen.attempts) {
    if (attempt.from_inside) add("reached from inside: " + attempt.address);
  }
}

// A listener that cannot be reached from anywhere says nothing about who is kept from it.
std::string what_was_not_shown(const IsolationEvidence& seen) {
  if (seen.processes == 0) return "no process of it was found";
  if (seen.attempts.empty()) return "no attempt to reach anybody was made";
  for (const auto& attempt : seen.attempts) {
    if (!attempt.from_outside) return attempt.address + " could not be reached from outside either";
  }
  return "";
}

}  // namespace

Check check_isolation(const IsolationEvidence& restored, const IsolationEvidence* second) {
  Check check;
  check.witness = "kernel";
  check.expected = "no network, no Unix socket of anybody else";
  add_findings(restored, "the restored server", check.findings);
  if (second != nullptr) add_findings(*second, "the second copy", check.findings);
  auto open_question = what_was_not_shown(restored);
  if (open_question.empty() && second != nullptr) open_question = what_was_not_shown(*second);
  const auto processes = restored.processes + (second == nullptr ? 0 : second->processes);
  check.actual = fmt::format("{} processes; {} Unix sockets outside", processes, restored.sockets_known);
  for (const auto& attempt : restored.attempts) {
    check.actual += fmt::format("; {}: {}", attempt.address, attempt.from_inside ? "reached" : attempt.why_not);
  }
  if (!check.findings.empty() || open_question.empty()) {
    conclude(check, processes, "processes");
    if (check.findings.empty()) {
      check.summary = fmt::format(
          "all {} processes live in a network and a file system of their own: out of {} nobody "
          "can be reached",
          processes, second == nullptr ? "the restored server" : "both restored servers");
    }
  } else {
    check.verdict = Verdict::unknown;
    check.summary = "not shown: " + open_question;
  }
  return check;
}

}  // namespace harness::verify
