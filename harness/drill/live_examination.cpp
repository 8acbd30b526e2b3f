#include "harness/drill/live_examination.hpp"

#include "backup_engine/base/error.hpp"
#include "harness/drill/examination.hpp"
#include "harness/drill/prober.hpp"
#include "harness/verify/dependents_probe.hpp"
#include "harness/verify/ledger_probe.hpp"
#include "harness/verify/selected_probe.hpp"

namespace harness::drill {

namespace record = reports::record;

namespace {

verify::Cluster the_rest(const Context& context, const SourceSide& source) {
  const auto scope = verify::scope_of_untouched(context.plan.scenario.restore.partial);
  return verify::scoped(cluster_of(source.server(), source.dataset()), scope);
}

}  // namespace

void examine_before(const Context& context, const SourceSide& source, record::Evidence& evidence) {
  Prober prober(context, evidence);
  prober.probe("untouched", [&] {
    evidence.untouched.emplace();
    evidence.untouched->before = verify::probe_selected(the_rest(context, source), nullptr);
  });
}

void examine_live(const Context& context, const SourceSide& source, record::Evidence& evidence) {
  const auto& partial = context.plan.scenario.restore.partial;
  const auto cluster = cluster_of(source.server(), source.dataset());
  const auto* const mark = describing_mark(context, source);
  if (mark != nullptr) evidence.content_mark = mark->name;
  Prober prober(context, evidence);
  // First of all: no later probe can then have changed what is compared.
  if (!evidence.missing.contains("untouched")) {
    prober.probe("untouched", [&] {
      const auto rest = the_rest(context, source);
      evidence.untouched->after = verify::probe_selected(rest, &evidence.untouched->before.content);
      evidence.untouched->dependents = verify::probe_dependents(rest);
    });
  }
  if (evidence.missing.contains("untouched")) evidence.untouched.reset();
  prober.probe("selected", [&] {
    const auto* const then = mark != nullptr && mark->selected ? &mark->selected->content : nullptr;
    evidence.selected = verify::probe_selected(verify::scoped(cluster, verify::scope_of_restored(partial)), then);
  });
  prober.probe("ledger", [&] { evidence.ledger = verify::probe_ledger(cluster); });
  probe_database(context, source.server(), cluster, prober, evidence);
}

void examine_witness(const Context& context, const SourceSide& source, const restore::Target& target,
                     const verify::ReachedPoint& reached, record::Evidence& evidence) {
  Prober prober(context, evidence);
  prober.probe("commit_order", [&] {
    evidence.commit_order =
        verify::read_commit_order(tools(context, source.server().options().installation), witness_of(source, target));
    evidence.commit_order->reached_lsn = reached.lsn;
    evidence.commit_order->reached_timeline = reached.timeline;
    evidence.commit_order->acknowledged_lsn = source.acknowledged_lsn();
  });
  record::write_evidence(context.directory.path(), evidence);
}

}  // namespace harness::drill
