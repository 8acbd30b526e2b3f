#include "harness/drill/examination.hpp"

#include <algorithm>
#include <functional>
#include <mutex>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/parallel.hpp"
#include "harness/scenario/described_target.hpp"
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

// Runs a probe; what it throws is the reason why its evidence is missing. Thread-safe: a probe writes its own member.
class Prober {
 public:
  Prober(const Context& context, record::Evidence& evidence) : context_(context), evidence_(evidence) {}

  void probe(const std::string& name, const std::function<void()>& work) {
    if (context_.stop.stop_requested()) throw base::Error(base::ErrorKind::interrupted, "interrupted");
    context_.step("probe", "examine: " + name);
    const auto began = base::utc_now();
    std::string why;
    try {
      work();
    } catch (const std::exception& error) {
      why = first_line(error.what());
      context_.journal.append("probe.failed", {{"probe", name}, {"why", why}});
    }
    const std::lock_guard lock(mutex_);
    if (!why.empty()) evidence_.missing[name] = why;
    evidence_.seconds[name] += std::chrono::duration<double>(base::utc_now() - began).count();
  }

 private:
  // PostgreSQL's DETAIL may quote values, and reports travel.
  static std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

  const Context& context_;
  record::Evidence& evidence_;
  std::mutex mutex_;
};

bool wants(const Context& context, CheckKind kind) {
  const auto& checks = context.plan.scenario.verify;
  return std::any_of(checks.begin(), checks.end(), [kind](const auto& check) { return check.kind == kind; });
}

verify::ToolOptions tools(const Context& context, const server::Installation& installation) {
  verify::ToolOptions options;
  options.bin_directory = installation.bin_directory;
  options.run_as = context.workplace.user();
  options.stop = context.stop;
  return options;
}

// The mark that says what must be found at the target, where the timeline has one.
const record::Mark* describing_mark(const Context& context, const SourceSide& source) {
  const auto name = scenario::mark_describing_target(context.plan.scenario);
  const auto& marks = source.marks();
  const auto found = std::find_if(marks.begin(), marks.end(), [&](const auto& mark) { return mark.name == name; });
  return found == marks.end() ? nullptr : &*found;
}

// A backup's own point lies behind the mark that describes it, and recovery cannot stop earlier. Without a mark, the
// end of WAL is no place to pause at.
restore::Target place_to_pause(const restore::Target& target, const record::Mark* mark) {
  if (target.stop == restore::Stop::immediate) return target;
  restore::Target place = target;
  if (mark != nullptr) {
    place = {};
    place.stop = restore::Stop::name;
    place.value = mark->restore_point;
  } else if (target.stop == restore::Stop::end_of_wal) {
    place.stop = restore::Stop::immediate;
  }
  return place;
}

// What only an untouched directory shows; then content at the mark where recovery pauses; then, cleanly stopped, the
// page checksums: replay has by then repaired what an online backup may hold torn.
void examine_second_copy(const Context& context, const SourceSide& source, const restore::Target& target,
                         const server::Installation& installation, Prober& prober, record::Evidence& evidence) {
  const auto* const mark = describing_mark(context, source);
  if (mark != nullptr) evidence.content_mark = mark->name;  // catalog and settings are compared with it as well
  SecondCopy copy;
  prober.probe("second_copy", [&] { copy = restore_second_copy(context, source, place_to_pause(target, mark)); });
  if (copy.data_directory.empty()) return;
  const auto options = tools(context, installation);
  if (wants(context, CheckKind::verifybackup)) {
    prober.probe("verify_backup", [&] { evidence.verify_backup = run_verifybackup(options, copy.data_directory); });
  }
  std::optional<server::Server> second;
  prober.probe("second_copy", [&] { second = start_second_copy(context, copy); });
  if (!second) return;
  if (wants(context, CheckKind::content) && mark != nullptr) {
    prober.probe("content", [&] {
      evidence.content = verify::probe_content(cluster_of(*second, source.dataset()), &mark->content);
    });
  }
  if (wants(context, CheckKind::page_checksums)) {
    prober.probe("page_checksums", [&] {
      second->stop(server::StopMode::fast, base::Deadline::after(context.plan.server_start_limit));
      evidence.page_checksums = run_checksums(options, copy.data_directory);
    });
  }
}

verify::WitnessWal witness_of(const SourceSide& source, const restore::Target& target) {
  verify::WitnessWal witness{source.witness_directory(), source.backups().front().start_lsn, 1};
  if (target.stop == restore::Stop::lsn) witness.target_lsn = target.value;
  return witness;
}

void examine_target(const Context& context, const SourceSide& source, const restore::Target& target,
                    const Recovery& recovery, Prober& prober, record::Evidence& evidence) {
  const auto cluster = cluster_of(recovery.server, source.dataset());
  const auto options = tools(context, recovery.server.options().installation);
  prober.probe("ledger", [&] { evidence.ledger = verify::probe_ledger(cluster); });
  prober.probe("commit_order", [&] {
    if (!evidence.ledger) throw base::Error(base::ErrorKind::server, "the ledger's rows could not be read");
    evidence.commit_order = verify::probe_commit_order(options, witness_of(source, target), cluster, *evidence.ledger);
    evidence.commit_order->acknowledged_lsn = source.acknowledged_lsn();
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

record::Evidence examine(const Context& context, const SourceSide& source, Recovery& recovery,
                         const restore::Target& target) {
  record::Evidence evidence;
  Prober prober(context, evidence);
  // Two clusters that do not know of each other: examined at the same time.
  base::for_each_in_parallel(2, 2, [&](std::size_t which) {
    if (which == 0) examine_target(context, source, target, recovery, prober, evidence);
    if (which == 1) {
      examine_second_copy(context, source, target, recovery.server.options().installation, prober, evidence);
    }
  });
  record::write_evidence(context.directory.path(), evidence);
  return evidence;
}

}  // namespace harness::drill
