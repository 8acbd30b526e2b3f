#include "harness/drill/examination.hpp"

#include <algorithm>
#include <functional>

#include "backup_engine/base/error.hpp"
#include "harness/server/quarantine.hpp"
#include "harness/verify/catalog_probe.hpp"
#include "harness/verify/commit_order_probe.hpp"
#include "harness/verify/constraint_probe.hpp"
#include "harness/verify/content_probe.hpp"
#include "harness/verify/ledger_probe.hpp"
#include "harness/verify/sql_probe.hpp"
#include "harness/verify/tool_runs.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace record = reports::record;
using scenario::CheckKind;

namespace {

// Runs probes one by one; what one throws is the reason why its evidence is missing.
class Prober {
 public:
  Prober(const Context& context, record::Evidence& evidence) : context_(context), evidence_(evidence) {}

  void probe(const std::string& name, const std::function<void()>& work) {
    if (context_.stop.stop_requested()) throw base::Error(base::ErrorKind::interrupted, "interrupted");
    context_.step("probe", "examine: " + name);
    const auto began = base::utc_now();
    try {
      work();
    } catch (const std::exception& error) {
      evidence_.missing[name] = error.what();
      context_.journal.append("probe.failed", {{"probe", name}, {"why", error.what()}});
    }
    evidence_.seconds[name] = std::chrono::duration<double>(base::utc_now() - began).count();
  }

 private:
  const Context& context_;
  record::Evidence& evidence_;
};

bool wants(const Context& context, CheckKind kind) {
  const auto& checks = context.plan.scenario.verify;
  return std::any_of(checks.begin(), checks.end(), [kind](const auto& check) { return check.kind == kind; });
}

verify::ToolOptions tools(const Context& context, const server::Server& server) {
  verify::ToolOptions options;
  options.bin_directory = server.options().installation.bin_directory;
  options.run_as = context.workplace.user();
  options.stop = context.stop;
  return options;
}

// What only an untouched directory shows, then content at the last mark on the recovered second copy.
void examine_second_copy(const Context& context, const SourceSide& source, const Recovery& recovery, Prober& prober,
                         record::Evidence& evidence) {
  const auto mark = source.marks().empty() ? std::nullopt : std::optional(source.marks().back());
  const bool marked = mark && context.plan.scenario.restore.target == scenario::RestoreTarget::end_of_wal;
  SecondCopy copy;
  prober.probe("second_copy", [&] { copy = restore_second_copy(context, source, marked ? mark : std::nullopt); });
  if (copy.data_directory.empty()) return;
  const auto options = tools(context, recovery.server);
  if (wants(context, CheckKind::verifybackup)) {
    prober.probe("verify_backup", [&] { evidence.verify_backup = run_verifybackup(options, copy.data_directory); });
  }
  if (wants(context, CheckKind::page_checksums)) {
    prober.probe("page_checksums", [&] { evidence.page_checksums = run_checksums(options, copy.data_directory); });
  }
  if (!wants(context, CheckKind::content) || !mark) return;
  prober.probe("content", [&] {
    const auto second = start_second_copy(context, copy);
    evidence.content = verify::probe_content(cluster_of(second, source.dataset()), &mark->content);
    evidence.content_mark = mark->name;
  });
}

void examine_target(const Context& context, const SourceSide& source, const Recovery& recovery, Prober& prober,
                    record::Evidence& evidence) {
  const auto cluster = cluster_of(recovery.server, source.dataset());
  const auto options = tools(context, recovery.server);
  prober.probe("ledger", [&] { evidence.ledger = verify::probe_ledger(cluster); });
  prober.probe("commit_order", [&] {
    const verify::WitnessWal witness{source.witness_directory(), source.backups().front().start_lsn, 1};
    evidence.commit_order =
        verify::probe_commit_order(options, witness, cluster, evidence.ledger.value_or(record::LedgerRows{}));
  });
  if (wants(context, CheckKind::constraints)) {
    prober.probe("constraints", [&] { evidence.constraints = verify::probe_constraints(cluster); });
  }
  if (wants(context, CheckKind::sequences)) {
    prober.probe("sequences", [&] { evidence.sequences = verify::probe_sequences(cluster); });
  }
  if (wants(context, CheckKind::catalog) || wants(context, CheckKind::settings)) {
    prober.probe("catalog",
                 [&] { evidence.catalog = verify::probe_catalog(cluster, recovery.server.options().settings); });
  }
  for (const auto& check : context.plan.scenario.verify) {
    if (check.kind != CheckKind::sql) continue;
    prober.probe("sql", [&] { evidence.sql.push_back(verify::probe_sql(cluster, check.sql_file)); });
  }
  if (wants(context, CheckKind::amcheck)) {  // last: it may create its extension for as long as it runs
    prober.probe("amcheck", [&] {
      const std::vector<std::string> where{"--host", recovery.server.socket_directory().string(), "--username",
                                           recovery.server.options().superuser};
      evidence.amcheck = verify::run_amcheck(options, cluster, where);
    });
  }
}

}  // namespace

record::Evidence examine(const Context& context, const SourceSide& source, Recovery& recovery) {
  record::Evidence evidence;
  Prober prober(context, evidence);
  examine_target(context, source, recovery, prober, evidence);
  examine_second_copy(context, source, recovery, prober, evidence);
  record::write_evidence(context.directory.path(), evidence);
  return evidence;
}

}  // namespace harness::drill
