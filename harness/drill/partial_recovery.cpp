#include "harness/drill/partial_recovery.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "backup_engine/base/error.hpp"
#include "harness/drill/prober.hpp"
#include "harness/drill/rto_clock.hpp"
#include "harness/restore/scratch.hpp"
#include "harness/verify/isolation_probe.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace fs = std::filesystem;

namespace {

extract::Order extraction_for(const Context& context, const SourceSide& source, const fs::path& work_directory) {
  const auto& partial = context.plan.scenario.restore.partial;
  extract::Order order;
  order.selection = {partial.tables, partial.schema, partial.where};
  order.placement =
      partial.placement == scenario::Placement::beside ? extract::Placement::beside : extract::Placement::replace;
  if (partial.placement == scenario::Placement::beside) order.suffix = partial.suffix;
  order.live_conninfo = source.server().conninfo(source.dataset().load_database);
  order.installation = source.server().options().installation;
  order.work_directory = work_directory;
  return order;
}

restore::ScratchOrder scratch_for(const Context& context, const SourceSide& source, const restore::Target& target) {
  restore::ScratchOrder order;
  order.files = order_for(context, source.origin(), {});
  order.files.target = target;
  order.installation = source.server().options().installation;
  order.run_as = context.workplace.user();
  order.parent = context.workplace.path();
  order.superuser = source.server().options().superuser;
  order.log_file = context.directory.log("restored");
  order.recovery_limit = context.plan.recovery_limit;
  return order;
}

// What came back besides tables has its kind before its name: "schema audit", "view shop.open_balances".
bool is_table_name(const std::string& object) {
  const auto at = object.find_first_of(" .\"");
  return at != std::string::npos && object[at] != ' ';
}

// A client that comes now finds what was restored: each table is asked for a row.
void query_restored(const SourceSide& source, const std::vector<std::string>& objects) {
  auto connection = source.server().connect(source.dataset().load_database);
  std::size_t answered = 0;
  for (const auto& object : objects) {
    if (!is_table_name(object)) continue;
    const auto kind = connection.query("SELECT c.relkind FROM pg_class c WHERE c.oid = to_regclass($1)", {object});
    if (kind.empty() || std::string("rpfvm").find(kind[0][0].value()) == std::string::npos) continue;
    connection.query(fmt::format("SELECT FROM {} LIMIT 1", object));
    ++answered;
  }
  if (answered > 0) return;
  throw base::Error(base::ErrorKind::process, fmt::format("nothing of what was restored answers in the live server: {}",
                                                          fmt::join(objects, ", ")));
}

void note(const Context& context, const extract::Extracted& extracted) {
  context.journal.append("extract.done", {{"objects", fmt::format("{}", fmt::join(extracted.objects, ", "))},
                                          {"rows", std::to_string(extracted.rows)},
                                          {"dump_seconds", fmt::format("{:.3f}", extracted.dump_seconds)},
                                          {"load_seconds", fmt::format("{:.3f}", extracted.load_seconds)}});
  for (const auto& finding : extracted.findings) {
    context.journal.append("extract.finding",
                           {{"object", finding.object}, {"key", finding.key}, {"text", finding.text}});
  }
}

}  // namespace

PartialRecovery recover_part(const Context& context, const SourceSide& source, const restore::Target& target,
                             const SourceSide::Spent& spent, reports::record::Evidence& evidence) {
  const bool cold = backup::evict_from_page_cache(source.origin().repository);
  const auto work_directory = context.workplace.path() / "extraction";
  auto& progress = context.observer.progress(context.plan.drill_id);

  RtoClock clock(spent.detect + spent.end);
  clock.end_phases({{"detect", spent.detect}});
  context.step("restore.begin", "restore a scratch server");
  fs::create_directory(work_directory);
  fs::permissions(work_directory, fs::perms::owner_all);
  auto order = extraction_for(context, source, work_directory);
  (void)extract::require_possible(order);
  clock.end_phase("provision");
  auto scratch = restore::Scratch::make(scratch_for(context, source, target), progress, context.stop);
  const auto& restored = scratch.restored();
  clock.end_phases({{"fetch", restored.fetch_seconds}, {"restore", restored.restore_seconds}});
  journal_restored(context, restored);

  context.step("extract.begin", "take out of it what was asked for, into the live server");
  order.scratch_conninfo = scratch.conninfo(source.dataset().load_database);
  PartialRecovery recovery;
  recovery.extracted = extract::extract(order, progress, context.stop);
  query_restored(source, recovery.extracted.objects);
  auto milestones = scratch.milestones();
  milestones.writable = base::utc_now();
  clock.end_recovery(milestones);
  note(context, recovery.extracted);
  recovery.course = {restored.backup_label, clock.started_at(),  *milestones.writable, clock.phases(), cold,
                     restored.notes,        restored.passed_over};
  Prober(context, evidence).probe("isolation", [&] {
    evidence.isolation = verify::probe_isolation(scratch.server(), {});
  });
  recovery.reached = verify::read_reached_point(cluster_of(scratch.server(), source.dataset()));
  const auto left = scratch.remove();
  if (!left.empty()) context.journal.append("scratch.left", {{"what", left}});
  return recovery;
}

}  // namespace harness::drill
