#include "harness/drill/rolled_back.hpp"

#include <utility>

#include "harness/drill/prober.hpp"
#include "harness/verify/roll_back_check.hpp"
#include "harness/verify/roll_back_probe.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace record = reports::record;
using base::Deadline;

void examine_before_replacing(const Context& context, const SourceSide& source, record::Evidence& evidence) {
  if (!context.plan.scenario.restore.roll_back) return;
  Prober prober(context, evidence);
  prober.probe(verify::roll_back_check, [&] {
    auto before = verify::look_at_all(cluster_of(source.server(), source.dataset()));
    evidence.roll_back.emplace().before = std::move(before);
  });
}

void roll_back_and_examine(const Context& context, const SourceSide& source, Recovery& recovery,
                           record::Evidence& evidence) {
  if (!context.plan.scenario.restore.roll_back) return;
  Prober prober(context, evidence);
  if (evidence.roll_back) {
    prober.probe(verify::roll_back_check, [&] {
      const auto limit = context.plan.server_start_limit;
      const auto directory = recovery.server.options().data_directory;
      recovery.server.stop(server::StopMode::fast, Deadline::after(limit));
      context.step("roll_back", "put the old cluster back, and look at it");
      restore::roll_back(directory);
      auto old = server::Server::start(quarantined(context, source.origin(), directory, "rolled-back"));
      old.wait_until_ready(Deadline::after(limit), context.stop);
      evidence.roll_back->after =
          verify::look_at_all(cluster_of(old, source.dataset()), &evidence.roll_back->before.content);
      old.stop(server::StopMode::fast, Deadline::after(limit));
    });
  }
  // Half of it would be judged as a cluster that lost everything.
  if (evidence.missing.contains(verify::roll_back_check)) evidence.roll_back.reset();
  record::write_evidence(context.directory.path(), evidence);
}

}  // namespace harness::drill
