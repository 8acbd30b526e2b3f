#include "harness/drill/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/parallel.hpp"
#include "backup_engine/base/remove_tree.hpp"
#include "harness/drill/prober.hpp"
#include "harness/drill/recovery.hpp"
#include "harness/drill/sweep_points.hpp"
#include "harness/measure/ledger_index.hpp"
#include "harness/measure/stop_position.hpp"
#include "harness/restore/prefix_recovery.hpp"
#include "harness/verify/commit_order_probe.hpp"
#include "harness/verify/ledger_probe.hpp"
#include "harness/verify/record_places.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace pg = backup_engine::postgres;
namespace record = reports::record;
using base::Deadline;
using Point = record::SweepEvidence::Point;
using measure::position_of;

namespace {

// A point with all the ledger's xids that were there, ascending.
struct Seen {
  Point point;
  std::vector<std::uint64_t> xids;
};

double seconds_since(Deadline::Clock::time_point began) {
  return std::chrono::duration<double>(Deadline::Clock::now() - began).count();
}

// Lists of all transactions at every point would be as long as points times transactions.
std::vector<Point> with_changes_only(std::vector<Seen> seen) {
  std::vector<Point> points;
  std::vector<std::uint64_t> before;
  for (auto& [point, xids] : seen) {
    if (point.outcome == "recovered") {
      std::set_difference(xids.begin(), xids.end(), before.begin(), before.end(), std::back_inserter(point.appeared));
      std::set_difference(before.begin(), before.end(), xids.begin(), xids.end(), std::back_inserter(point.vanished));
      before = std::move(xids);
    }
    points.push_back(std::move(point));
  }
  return points;
}

// What an error says of a recovery: that there is none where one must be, or only that nobody could look.
std::string outcome_of(base::ErrorKind kind) {
  using base::ErrorKind;
  const bool failed = kind == ErrorKind::corrupt || kind == ErrorKind::process || kind == ErrorKind::not_found ||
                      kind == ErrorKind::usage || kind == ErrorKind::mismatch;
  return failed ? "failed" : "";
}

void look(const Context& context, const server::Server& server, const std::string& database, Seen& seen) {
  const auto cluster = view_of(context, server, database);
  seen.xids = verify::probe_ledger_xids(cluster);
  const auto reached = verify::read_reached_point(cluster);  // after the rows: nothing more may be replayed meanwhile
  seen.point.reached_lsn = reached.lsn;
  seen.point.reached_timeline = reached.timeline;
  seen.point.outcome = "recovered";
}

template <typename Work>
void guarded(Point& point, const Work& work) {
  const auto began = Deadline::Clock::now();
  try {
    work();
  } catch (const base::Error& error) {
    if (error.kind() == base::ErrorKind::interrupted) throw;
    point.outcome = outcome_of(error.kind());
    point.why = error.what();
  }
  point.seconds = seconds_since(began);
}

std::vector<pg::TimelineSwitch> history_of(const std::vector<record::TimelineStretch>& line) {
  std::vector<pg::TimelineSwitch> history;
  for (const auto& stretch : line) {
    if (stretch.end_lsn.empty()) continue;
    history.push_back(
        {pg::TimelineId(stretch.timeline), position_of(stretch.end_lsn, "where a timeline was left"), {}});
  }
  return history;
}

class Sweep {
 public:
  Sweep(const Context& context, const SourceSide& source, const record::CommitOrderEvidence& order)
      : context_(context),
        source_(source),
        installation_(server::choose_installation(
            server::find_installations(context.plan.circumstances.postgres_bin_directory), {})),
        places_(tools(context, installation_), source.witness_directory(), order.line),
        wal_{order,
             source.backups(),
             limit(),
             places_.segment_size(),
             [this](pg::Lsn at) { return places_.first_from(at); },
             [this](pg::Lsn until) { return places_.last_whole(first_stop(), until); }} {}

  // Filled in as it goes, so that what comes to nothing is told as well.
  void run(record::SweepEvidence& evidence) {
    const auto seed = context_.plan.circumstances.seed;
    const auto wanted = static_cast<std::size_t>(context_.plan.scenario.restore.points);
    const auto prefixes = choose_prefixes(wal_, wanted, seed);
    const auto targets = choose_targets(wal_, seed);
    context_.step("sweep.begin", fmt::format("sweep over {} points of the WAL, {} of them with a restore of their own",
                                             prefixes.size() + targets.size(), targets.size()));
    evidence.from_lsn = to_string(first_stop());
    evidence.until_lsn = to_string(wal_.until);
    auto began = Deadline::Clock::now();
    auto seen = replay_prefixes(prefixes);
    evidence.shared_seconds = seconds_since(began);
    began = Deadline::Clock::now();
    auto own = restore_targets(targets);
    evidence.own_seconds = seconds_since(began);
    // Least at first: each is told by what changes.
    std::stable_sort(own.begin(), own.end(),
                     [](const auto& a, const auto& b) { return a.xids.size() < b.xids.size(); });
    std::move(own.begin(), own.end(), std::back_inserter(seen));
    evidence.points = with_changes_only(std::move(seen));
    context_.journal.append("sweep.done", {{"points", std::to_string(evidence.points.size())},
                                           {"shared_seconds", fmt::format("{:.3f}", evidence.shared_seconds)},
                                           {"own_seconds", fmt::format("{:.3f}", evidence.own_seconds)}});
  }

 private:
  [[nodiscard]] pg::Lsn first_stop() const {
    return position_of(source_.backups().front().stop_lsn, "a backup's stop");
  }

  // What the engine called durable must come back. A database that is dropped takes the ledger's sessions with it.
  [[nodiscard]] pg::Lsn limit() const {
    auto until = position_of(source_.acknowledged_lsn(), "the point that the WAL receiver acknowledged");
    for (const auto& point : source_.points()) {
      const auto& disasters = source_.disasters();
      const bool drops = std::any_of(disasters.begin(), disasters.end(),
                                     [](const auto& disaster) { return disaster.kind == "drop_database"; });
      if (drops && point.name == scenario::disaster_point)
        until = std::min(until, position_of(point.lsn, "the disaster"));
    }
    return until;
  }

  std::vector<Seen> replay_prefixes(const std::vector<PrefixPoint>& prefixes) {
    std::vector<Seen> all;
    for (const auto& prefix : prefixes) {
      Seen seen;
      seen.point.boundary = prefix.boundary;
      seen.point.way = "shared";
      seen.point.position = to_string(prefix.position);
      seen.point.served = to_string(prefix.served);
      seen.point.backup_label = source_.backups().front().label;
      seen.point.why = "the recovery that it shares had ended before";
      all.push_back(std::move(seen));
    }
    std::optional<restore::PrefixRecovery> recovery;
    guarded(all.front().point, [&] { start_shared(recovery); });
    if (!recovery) return all;
    for (std::size_t i = 0; i < all.size(); ++i) {
      auto& point = all[i].point;
      guarded(point, [&] { replay_to(*recovery, prefixes[i], all[i]); });
      if (point.outcome != "recovered") break;
    }
    recovery.reset();
    const auto left = base::remove_tree(shared_directory());
    if (left) context_.journal.append("sweep.left", {{"why", left.message()}});
    return all;
  }

  void start_shared(std::optional<restore::PrefixRecovery>& recovery) {
    auto order = order_for(context_, source_.origin(), shared_directory());
    order.backup_label = source_.backups().front().label;
    base::NoProgress progress;
    (void)restore::restore_files(order, progress, context_.stop);
    restore::PrefixOrder prefix{quarantined(context_, source_.origin(), order.to, "sweep"),
                                restore::fetch_from_repository(order),
                                context_.workplace.path() / "sweep-wal",
                                pg::TimelineId(wal_.order.line.back().timeline),
                                places_.segment_size(),
                                position_of(source_.backups().front().start_lsn, "a backup's start"),
                                history_of(wal_.order.line)};
    recovery.emplace(std::move(prefix));
  }

  // Replay that stands elsewhere once stands there for good: the others need not be waited for as long.
  void replay_to(restore::PrefixRecovery& recovery, const PrefixPoint& prefix, Seen& seen) {
    constexpr auto long_patience = std::chrono::seconds(10), short_patience = std::chrono::seconds(1);
    const auto patience = astray_ ? short_patience : long_patience;
    const bool arrived = recovery.advance(
        prefix.served, [&](pg::Lsn replayed) { return measure::ended_at(replayed, prefix.position); }, patience,
        Deadline::after(context_.plan.recovery_limit), context_.stop);
    astray_ = astray_ || !arrived;
    seen.point.why.clear();
    look(context_, recovery.server(), source_.dataset().load_database, seen);
  }

  std::vector<Seen> restore_targets(const std::vector<OwnPoint>& targets) {
    constexpr unsigned at_a_time = 2;
    std::vector<Seen> all(targets.size());
    base::for_each_in_parallel(at_a_time, targets.size(), [&](std::size_t i) {
      auto& point = all[i].point;
      const auto& target = targets[i].target;
      point.boundary = targets[i].boundary;
      point.way = "own";
      point.target_type = target.type;
      point.target_value = target.value;
      point.inclusive = target.inclusive;
      if (targets[i].position) point.position = to_string(*targets[i].position);
      const auto name = fmt::format("sweep-{}", i + 1);
      guarded(point, [&] { restore_to(target, name, all[i]); });
      (void)base::remove_tree(context_.workplace.path() / name);
    });
    return all;
  }

  void restore_to(const record::RestoreTarget& target, const std::string& name, Seen& seen) {
    auto order = order_for(context_, source_.origin(), context_.workplace.path() / name);
    order.target = {stop_named(target.type), target.value, target.inclusive, restore::Action::pause, ""};
    base::NoProgress progress;
    seen.point.backup_label = restore::restore_files(order, progress, context_.stop).backup_label;
    auto options = quarantined(context_, source_.origin(), order.to, name);
    options.settings["default_transaction_isolation"] = "read committed";  // a standby refuses serializable
    auto server = server::Server::start(std::move(options));
    restore::wait_until_paused(server, Deadline::after(context_.plan.recovery_limit), context_.stop);
    look(context_, server, source_.dataset().load_database, seen);
  }

  [[nodiscard]] static restore::Stop stop_named(const std::string& type) {
    if (type == "time") return restore::Stop::time;
    if (type == "lsn") return restore::Stop::lsn;
    if (type == "xid") return restore::Stop::xid;
    return type == "name" ? restore::Stop::name : restore::Stop::immediate;
  }

  [[nodiscard]] std::filesystem::path shared_directory() const { return context_.workplace.path() / "swept"; }

  const Context& context_;
  const SourceSide& source_;
  server::Installation installation_;
  verify::RecordPlaces places_;
  SweptWal wal_;
  bool astray_ = false;
};

}  // namespace

void sweep(const Context& context, const SourceSide& source, record::Evidence& evidence) {
  Prober prober(context, evidence);
  prober.probe("sweep", [&] {
    if (!evidence.commit_order) {
      throw base::Error(base::ErrorKind::not_found, "without the order of commits there are no points to choose");
    }
    record::SweepEvidence swept;
    Sweep(context, source, *evidence.commit_order).run(swept);
    evidence.sweep = std::move(swept);
  });
  record::write_evidence(context.directory.path(), evidence);
}

}  // namespace harness::drill
