#include "harness/drill/stray_copy.hpp"

#include <fmt/format.h>

#include <array>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "backup_engine/base/error.hpp"
#include "harness/drill/commits_on_copy.hpp"
#include "harness/drill/prober.hpp"
#include "harness/drill/recovery.hpp"
#include "harness/measure/commit_order_check.hpp"
#include "harness/measure/ledger_index.hpp"
#include "harness/measure/neighbours.hpp"
#include "harness/measure/stop_position.hpp"
#include "harness/restore/redirect.hpp"
#include "harness/verify/canary.hpp"
#include "harness/verify/isolation_probe.hpp"
#include "harness/verify/judge.hpp"
#include "harness/verify/ledger_probe.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace record = reports::record;
using measure::Neighbour;
using measure::StopPosition;
using record::Sabotage;

namespace {

// Each step goes on from where the one before it left the copy, so that one restore serves them all.
class StrayCopy {
 public:
  StrayCopy(const Context& context, const Specimen& specimen, const record::RestoreTarget& told)
      : context_(context), specimen_(specimen) {
    if (knows_commits(context, specimen)) look_for_neighbours(told);
    const auto& isolation = specimen.evidence.isolation;
    watches_isolation_ = isolation && isolation->impossible.empty();
  }

  Astray lead(const restore::Target& place) {
    if (!knows_commits(context_, specimen_) && !watches_isolation_) return {};
    auto first = place;
    if (commits_.last_before) {
      first = to_commit(commits_.last_before->lsn, false);
    } else if (commits_.first_behind) {
      first = to_commit(commits_.first_behind->lsn, true);
    }
    auto origin = specimen_.origin;
    origin.backup_label = specimen_.backup.label;  // the same one, whichever else leads to a place so near
    copy_ = restore_second_copy(context_, origin, std::move(first), "astray");
    if (knows_commits(context_, specimen_)) {
      stop_one_short();
      go_one_too_far();
    }
    leave_the_timeline();
    return std::move(astray_);
  }

 private:
  [[nodiscard]] base::Deadline patience() const { return base::Deadline::after(context_.plan.recovery_limit); }

  void look_for_neighbours(const record::RestoreTarget& told) {
    const auto& order = *specimen_.evidence.commit_order;
    stop_ = measure::stop_position(order, told, &specimen_.backup);
    const auto earliest = measure::position_of(specimen_.backup.stop_lsn, "the backup's stop");
    const bool stored = context_.plan.scenario.source.stored.has_value();
    commits_ = measure::neighbours_of(order, stored ? nullptr : &specimen_.ledger, stop_, earliest);
  }

  // Not before the commit record but at it: "inclusive" says whether it is replayed.
  [[nodiscard]] restore::Target to_commit(const std::string& lsn, bool inclusive) const {
    restore::Target target;
    target.stop = restore::Stop::lsn;
    target.value = lsn;
    target.inclusive = inclusive;
    target.timeline = specimen_.target.timeline;
    if (specimen_.target.stop == restore::Stop::immediate) target.timeline = "current";
    return target;
  }

  Sabotage& note(std::string_view name, std::string_view check, std::string_view where) {
    auto& sabotage = astray_.sabotages.emplace_back();
    sabotage.name = name;
    sabotage.check = check;
    sabotage.seen_in = where;
    return sabotage;
  }

  void note_commit(std::string_view name, const std::optional<Neighbour>& commit, std::string_view word,
                   std::string_view where, const std::string& why_not) {
    const auto& missing = commit ? std::string() : why_not;
    for (const auto check : judges_) {
      auto& sabotage = note(name, check, where);
      sabotage.why_not = missing;
      if (!commit) continue;
      sabotage.object = fmt::format("transaction {}", commit->xid);
      if (check == exactness_) {
        sabotage.words = word;
      } else {
        sabotage.key = commit->key;
      }
    }
  }

  // A step that fails leaves its reason in what it was for; what follows is tried all the same.
  void attempt(std::string_view where, const std::function<void()>& step) {
    try {
      step();
    } catch (const base::Error& error) {
      if (error.kind() == base::ErrorKind::interrupted) throw;
      server_.reset();  // wherever it is, it did not get where it was led
      const std::string why = error.what();
      for (auto& sabotage : astray_.sabotages) {
        if (sabotage.seen_in == where && sabotage.why_not.empty()) sabotage.broke = why.substr(0, why.find('\n'));
      }
    }
  }

  void stop_at(const Neighbour& commit, bool inclusive, std::string_view where) {
    if (server_) server_->stop(server::StopMode::fast, patience());
    server_.reset();
    restore::aim_at(copy_.data_directory, commit.lsn, inclusive);
    server_ = start_second_copy(context_, specimen_.origin, copy_);
    examine(where);
  }

  void stop_one_short() {
    note_commit("recovered_one_commit_short", commits_.last_before, "missing", one_short_,
                stop_.why.empty() ? "no commit lies between the backup's stop and the target" : stop_.why);
    if (commits_.last_before) attempt(one_short_, [&] { stop_at(*commits_.last_before, false, one_short_); });
  }

  void go_one_too_far() {
    note_commit("recovered_one_commit_too_far", commits_.first_behind, "extra", one_too_far_,
                stop_.why.empty() ? "the repository holds no commit behind the target on its timeline" : stop_.why);
    if (commits_.first_behind) attempt(one_too_far_, [&] { stop_at(*commits_.first_behind, true, one_too_far_); });
  }

  // Promoted twice: what it recovered along is no longer the timeline that it left last.
  void leave_the_timeline() {
    if (knows_commits(context_, specimen_)) {
      for (const auto check : judges_) {
        note("recovered_onto_another_timeline", check, elsewhere_).object = "recovery";
      }
    }
    attempt(elsewhere_, [&] {
      if (!server_) server_ = start_second_copy(context_, specimen_.origin, copy_);
      const auto timeline = restore::promote(*server_);
      for (auto& sabotage : astray_.sabotages) {
        if (sabotage.object == "recovery") sabotage.words = fmt::format("on timeline {}", timeline);
      }
      server_->stop(server::StopMode::fast, patience());
      server_.reset();
      start_in_sight();
      examine(elsewhere_);
      server_->stop(server::StopMode::fast, patience());
    });
  }

  // Of Lifeboat's own making it is started without namespaces. A copy of somebody's cluster never is: it stays in
  // them, and is shown a socket that it has no business with, which is the harness's.
  void start_in_sight() {
    auto options = quarantined(context_, specimen_.origin, copy_.data_directory, copy_.name);
    std::string of_whom;
    if (watches_isolation_ && specimen_.origin.foreign) {
      canary_.emplace(options.run_as);
      for (const auto& address : canary_->addresses()) {
        if (address.kind != process::Address::Kind::unix_path) continue;
        of_whom = address.name;
        options.isolation->visible.push_back(std::filesystem::path(address.name).parent_path());
      }
    } else if (watches_isolation_) {
      options.isolation.reset();
    }
    server_ = restore::branch_off_again(std::move(options), patience(), context_.stop);
    if (!watches_isolation_) return;
    auto& sabotage = note(of_whom.empty() ? "started_outside_of_its_namespaces" : "somebody_elses_socket_in_sight",
                          verify::isolation_check, elsewhere_);
    sabotage.object = "the restored server";
    sabotage.words = of_whom.empty() ? fmt::format("{} (postgres): network mount", server_->pid()) : of_whom;
  }

  void examine(std::string_view where) {
    auto& seen = astray_.evidence[std::string(where)];
    Prober prober(context_, seen);
    const auto cluster = view_of(context_, *server_, specimen_.origin.database);
    if (specimen_.evidence.ledger) prober.probe("ledger", [&] { seen.ledger = verify::probe_ledger(cluster); });
    if (knows_commits(context_, specimen_)) {
      prober.probe("commit_order", [&] { seen.commit_order = commits_on_copy(context_, specimen_, cluster, seen); });
    }
    if (watches_isolation_ && where == elsewhere_) {
      prober.probe("isolation",
                   [&] { seen.isolation = verify::probe_isolation(*server_, specimen_.origin.wal_socket); });
    }
  }

  // Where it is led; the folders of its evidence.
  static constexpr std::string_view one_short_ = "one_short", one_too_far_ = "one_too_far", elsewhere_ = "elsewhere";
  static constexpr std::string_view exactness_ = "exactness";
  static constexpr std::array<std::string_view, 2> judges_{measure::commit_order_check, exactness_};

  const Context& context_;
  const Specimen& specimen_;
  StopPosition stop_;
  measure::Neighbours commits_;
  bool watches_isolation_ = false;
  SecondCopy copy_;
  std::optional<verify::Canary> canary_;
  std::optional<server::Server> server_;
  Astray astray_;
};

}  // namespace

Astray lead_astray(const Context& context, const Specimen& specimen, const restore::Target& place,
                   const record::RestoreTarget& told) {
  return StrayCopy(context, specimen, told).lead(place);
}

}  // namespace harness::drill
