#include "harness/drill/proof.hpp"

#include <functional>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/parallel.hpp"
#include "backup_engine/base/remove_tree.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "harness/drill/commits_on_copy.hpp"
#include "harness/drill/examination.hpp"
#include "harness/drill/prober.hpp"
#include "harness/drill/recovery.hpp"
#include "harness/drill/stray_copy.hpp"
#include "harness/measure/commit_order_check.hpp"
#include "harness/measure/ledger_index.hpp"
#include "harness/measure/neighbours.hpp"
#include "harness/prove/sabotage.hpp"
#include "harness/restore/redirect.hpp"
#include "harness/verify/consistency_probe.hpp"
#include "harness/verify/isolation_probe.hpp"
#include "harness/verify/ledger_probe.hpp"
#include "harness/verify/sql_statements.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace record = reports::record;
using prove::State;
using scenario::CheckKind;

namespace {

// The copy is looked at as the restored server was, once untouched and once sabotaged.
class Bench {
 public:
  Bench(const Context& context, const Specimen& specimen, record::ProofEvidence& proof)
      : context_(context),
        specimen_(specimen),
        proof_(proof),
        untouched_(context, proof.untouched),
        sabotaged_(context, proof.sabotaged) {
    if (specimen.mark == nullptr) return;
    proof.untouched.content_mark = proof.sabotaged.content_mark = specimen.mark->name;
  }

  void examine_fresh_directory(State state, const verify::ToolOptions& options,
                               const std::filesystem::path& directory) {
    prober(state).probe("verify_backup",
                        [&] { evidence(state).verify_backup = verify::run_verifybackup(options, directory); });
  }

  void examine_stopped(State state, const verify::ToolOptions& options, const std::filesystem::path& directory) {
    prober(state).probe("page_checksums",
                        [&] { evidence(state).page_checksums = verify::run_checksums(options, directory); });
  }

  void examine_running(State state, const server::Server& server) {
    const auto cluster = view_of(context_, server, specimen_.database);
    // amcheck lends itself an extension, which no catalog may be compared with meanwhile: it comes last of its half.
    base::for_each_in_parallel(2, 2, [&](std::size_t which) {
      if (which == 0) probe_rows(state, cluster);
      if (which == 1) probe_rest(state, server, cluster);
    });
  }

 private:
  [[nodiscard]] Prober& prober(State state) { return state == State::untouched ? untouched_ : sabotaged_; }
  [[nodiscard]] record::Evidence& evidence(State state) {
    return state == State::untouched ? proof_.untouched : proof_.sabotaged;
  }

  void probe_rows(State state, const verify::Cluster& cluster) {
    auto& seen = evidence(state);
    if (wants(context_, CheckKind::content) && specimen_.mark != nullptr) {
      prober(state).probe("content", [&] { probe_at_mark(cluster, *specimen_.mark, seen); });
    }
    if (specimen_.evidence.ledger) {
      prober(state).probe("ledger", [&] { seen.ledger = verify::probe_ledger(cluster); });
    }
    if (!specimen_.evidence.ledger && !knows_commits(context_, specimen_)) return;
    prober(state).probe("commit_order",
                        [&] { seen.commit_order = commits_on_copy(context_, specimen_, cluster, seen); });
  }

  void probe_rest(State state, const server::Server& server, const verify::Cluster& cluster) {
    auto& seen = evidence(state);
    if (context_.plan.scenario.source.stored) {
      seen.control_data = specimen_.evidence.control_data;
      if (wants(context_, CheckKind::catalog)) {
        prober(state).probe("consistency", [&] { seen.consistency = verify::probe_consistency(cluster); });
      }
    }
    // What sabotages this one is not done to this copy: it goes astray.
    if (state == State::untouched && specimen_.evidence.isolation && specimen_.evidence.isolation->impossible.empty()) {
      prober(state).probe("isolation",
                          [&] { seen.isolation = verify::probe_isolation(server, specimen_.origin.wal_socket); });
    }
    probe_database(context_, server, cluster, prober(state), seen);
  }

  const Context& context_;
  const Specimen& specimen_;
  record::ProofEvidence& proof_;
  Prober untouched_, sabotaged_;
};

// Recovered to its target and promoted there: nothing that is done to its files is then undone by WAL.
server::Server start_promoted(const Context& context, const Origin& origin, const SecondCopy& copy) {
  auto server = start_second_copy(context, origin, copy);
  restore::promote(server);
  return server;
}

std::vector<prove::Rule> rules_of(const scenario::Scenario& scenario) {
  std::vector<prove::Rule> rules;
  for (const auto& check : scenario.verify) {
    if (check.kind != CheckKind::sql) continue;
    for (auto& statement : verify::split_statements(base::read_file(check.sql_file))) {
      rules.push_back({"sql " + check.sql_file.filename().string(), std::move(statement.name),
                       std::move(statement.text), std::move(statement.sabotage)});
    }
  }
  return rules;
}

prove::Laboratory laboratory_for(const Context& context, const Specimen& specimen, const SecondCopy& copy,
                                 Bench& bench) {
  const auto& scenario = context.plan.scenario;
  prove::Laboratory laboratory;
  laboratory.data_directory = copy.data_directory;
  laboratory.start = [&context, &specimen, copy] { return start_promoted(context, specimen.origin, copy); };
  const auto& one_database = scenario.restore.partial.database;
  laboratory.database = one_database.empty() ? specimen.database : one_database;
  for (const auto& check : scenario.verify) laboratory.checks.emplace(to_string(check.kind));
  if (specimen.evidence.ledger) {
    laboratory.checks.emplace("exactness");
    laboratory.checks.emplace(measure::commit_order_check);
    laboratory.ledger = specimen.ledger;
  }
  laboratory.rules = rules_of(scenario);
  laboratory.marked = !scenario.source.stored;
  const auto options =
      tools(context, quarantined(context, specimen.origin, copy.data_directory, copy.name).installation);
  laboratory.examine_fresh_directory = [options, copy, &bench](State state) {
    bench.examine_fresh_directory(state, options, copy.data_directory);
  };
  laboratory.examine_stopped = [options, copy, &bench](State state) {
    bench.examine_stopped(state, options, copy.data_directory);
  };
  laboratory.examine_running = [&bench](State state, const server::Server& server) {
    bench.examine_running(state, server);
  };
  laboratory.server_limit = context.plan.recovery_limit;
  laboratory.stop = context.stop;
  return laboratory;
}

// The end of WAL is no place to pause at, and by now it may lie elsewhere. Behind the last commit that recovery came to
// the rows are the same; where there is none behind the backup's stop, they are at that stop.
restore::Target place_for(const Specimen& specimen) {
  const auto& order = specimen.evidence.commit_order;
  if (specimen.target.stop != restore::Stop::end_of_wal || specimen.mark != nullptr || !order) {
    return place_to_pause(specimen.target, specimen.mark);
  }
  const measure::StopPosition reached{measure::StopPosition::Kind::position,
                                      measure::position_of(order->reached_lsn, "the point that recovery reached"),
                                      {}};
  const auto earliest = measure::position_of(specimen.backup.stop_lsn, "the backup's stop");
  const auto last = measure::neighbours_of(*order, nullptr, reached, earliest).last_before;
  if (!last) return place_to_pause(specimen.target, nullptr);
  restore::Target place = specimen.target;
  place.stop = restore::Stop::lsn;
  place.value = last->lsn;
  place.inclusive = true;
  return place;
}

// What the copy is recovered to, as the report names targets.
record::RestoreTarget told(const restore::Target& place, const Specimen& specimen) {
  record::RestoreTarget target = specimen.told_target;
  if (place.stop == restore::Stop::immediate) {
    target = {"immediate", "", true, ""};
  } else if (specimen.target.stop == restore::Stop::end_of_wal && place.stop == restore::Stop::lsn) {
    target = {"lsn", place.value, place.inclusive, ""};
  } else if (specimen.mark != nullptr) {
    target = {"mark", specimen.mark->restore_point, true, ""};
  }
  return target;
}

// What it throws, but for an interruption, is the reason why the proof did not come to its end.
std::string why_not_done(const std::function<void()>& work) {
  try {
    work();
  } catch (const base::Error& error) {
    if (error.kind() == base::ErrorKind::interrupted) throw;
    return error.what();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

// Two more copies are about to be made: the one that was examined is no longer needed.
void make_room(const Context& context) {
  if (context.plan.circumstances.keep == plan::Keep::always) return;
  const auto examined = context.workplace.path() / SecondCopy{}.name;
  for (const auto& path : {examined, std::filesystem::path(examined.string() + "-tablespaces")}) {
    if (base::remove_tree(path)) return;  // what is left goes with the workplace
  }
}

void sabotage_copy(const Context& context, const Specimen& specimen, const restore::Target& place,
                   record::ProofEvidence& proof) {
  Bench bench(context, specimen, proof);
  const auto copy = restore_second_copy(context, specimen.origin, place, "sabotaged");
  proof.sabotages = prove::sabotage(laboratory_for(context, specimen, copy, bench));
}

}  // namespace

record::ProofEvidence prove_detectors(const Context& context, const Specimen& specimen) {
  context.step("proof.begin", "sabotage a copy, to see whether the checks notice");
  const auto began = base::utc_now();
  record::ProofEvidence proof;
  make_room(context);
  const auto place = place_for(specimen);
  proof.target = told(place, specimen);
  Astray astray;
  std::string broke_astray;
  base::for_each_in_parallel(2, 2, [&](std::size_t which) {
    if (which == 0) proof.broke = why_not_done([&] { sabotage_copy(context, specimen, place, proof); });
    if (which == 1) {
      broke_astray = why_not_done([&] { astray = lead_astray(context, specimen, place, proof.target); });
    }
  });
  if (proof.broke.empty()) proof.broke = broke_astray;
  proof.sabotages.insert(proof.sabotages.end(), astray.sabotages.begin(), astray.sabotages.end());
  proof.astray = std::move(astray.evidence);
  proof.seconds = std::chrono::duration<double>(base::utc_now() - began).count();
  record::write_proof(context.directory.path(), proof);
  context.step("proof.end", "the copy is sabotaged and examined");
  return proof;
}

}  // namespace harness::drill
