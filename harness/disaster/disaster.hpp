// A disaster of the timeline: deliberate harm to the source, and the instant at which it struck.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "harness/faults/expendable_directory.hpp"
#include "harness/scenario/scenario.hpp"
#include "harness/server/server.hpp"
#include "reports/record/report.hpp"

namespace harness::disaster {

// What a disaster may harm, all of it made by this drill.
struct Victim {
  server::Server& server;
  faults::ExpendableDirectory data_directory;
  // Called when the server is dead and its files are still there: the moment for a witness to copy pg_wal. May be
  // empty.
  std::function<void()> before_loss;
};

// The kinds that strike() knows, for messages and validation: "lose_server".
[[nodiscard]] const std::vector<std::string>& known_kinds();

// Strikes and returns what happened. `at` is the instant from which the server was gone (RTO's clock starts there; the
// time that `before_loss` takes is the harness's own and comes after it). Throws base::Error(usage) for an unknown kind
// or an argument that the kind does not take, before any harm; otherwise as the fault does.
[[nodiscard]] reports::record::DisasterRecord strike(const scenario::DisasterStep& step, const Victim& victim);

}  // namespace harness::disaster
