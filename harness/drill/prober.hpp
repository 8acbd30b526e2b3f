// Runs the probes of an examination, each guarded, so that one that fails leaves its reason in the evidence and the
// others are still taken.
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "harness/drill/source_side.hpp"
#include "harness/verify/tool_runs.hpp"
#include "reports/record/evidence.hpp"

namespace harness::drill {

// Thread-safe: a probe writes its own member of the evidence.
class Prober {
 public:
  // Both must outlive it.
  Prober(const Context& context, reports::record::Evidence& evidence) : context_(context), evidence_(evidence) {}

  // What `work` throws is the reason why the evidence NAME is missing. Throws base::Error(interrupted) only.
  void probe(const std::string& name, const std::function<void()>& work);
  // What no probe can look at, and why.
  void pass_over(const std::string& name, const std::string& why);

 private:
  const Context& context_;
  reports::record::Evidence& evidence_;
  std::mutex mutex_;
};

[[nodiscard]] bool wants(const Context& context, scenario::CheckKind kind);
[[nodiscard]] verify::ToolOptions tools(const Context& context, const server::Installation& installation);

// Of a running server that takes writes: what the plan's checks constraints, sequences, catalog, settings, sql and
// amcheck look at. amcheck comes last: it may create its extension for as long as it runs.
void probe_database(const Context& context, const server::Server& server, const verify::Cluster& cluster,
                    Prober& prober, reports::record::Evidence& evidence);

}  // namespace harness::drill
