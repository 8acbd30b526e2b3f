// The script's run on the live server, and the certainty about its end: done, or as it was.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/extract/extract.hpp"
#include "harness/extract/live_script.hpp"
#include "harness/extract/programs.hpp"
#include "harness/extract/relations.hpp"

namespace harness::extract {

struct LiveRun {
  std::uint64_t rows = 0;
  std::vector<reports::record::Finding> findings;
  std::vector<std::string> objects;
};

// A deadlock is tried again. Returns when the transaction is known to have committed; throws base::Error when it is
// known not to have (server, permission, timed_out: who holds the locks; interrupted), and Error(connection) when the
// server cannot be asked. `tables` are those that it locks.
[[nodiscard]] LiveRun run_live(const Order& order, const Programs& programs, const std::string& script,
                               const ScriptFiles& files, const std::vector<Relation>& tables);

}  // namespace harness::extract
