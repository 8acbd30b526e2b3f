// Harms a throwaway copy of what was restored, in groups of deeds that do not meet, and lets its owner look at it
// before and after. Examining and judging are not this stage's business: the drill lends its own probes
// (docs/checks.md, "Proof").
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "harness/prove/deed.hpp"
#include "harness/server/server.hpp"
#include "reports/record/ledger.hpp"
#include "reports/record/proof.hpp"

namespace harness::prove {

enum class State { untouched, sabotaged };

// What the drill lends. Everything outlives sabotage().
struct Laboratory {
  std::filesystem::path data_directory;   // restored and never started
  std::function<server::Server()> start;  // for the first time; returns a server that takes writes
  std::string database;                   // whose tables are harmed
  std::set<std::string> checks;           // names of those that are to be proven, "exactness" among them
  std::vector<reports::record::LedgerTransaction> ledger;  // of the load; empty: there was none
  std::vector<Rule> rules;
  bool marked = true;  // catalogs are compared with a mark, not with themselves
  // Called in this order, each untouched first; what they see, they keep. The second only when page_checksums is among
  // the checks, the first only when verifybackup is.
  std::function<void(State)> examine_fresh_directory;
  std::function<void(State)> examine_stopped;
  std::function<void(State, const server::Server&)> examine_running;
  std::chrono::seconds server_limit = std::chrono::minutes(10);  // of each start and stop of the copy
  std::stop_token stop{};
};

// The copy is left stopped, and as harmed as it got. Returns what was done, or why it could not be. Throws base::Error
// when the copy itself cannot be worked with, and what the examiners throw.
[[nodiscard]] std::vector<reports::record::Sabotage> sabotage(const Laboratory& laboratory);

}  // namespace harness::prove
