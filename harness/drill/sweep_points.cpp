#include "harness/drill/sweep_points.hpp"

#include <algorithm>
#include <random>

#include "backup_engine/base/error.hpp"
#include "harness/measure/ledger_index.hpp"

namespace harness::drill {

namespace pg = backup_engine::postgres;
namespace record = reports::record;
using measure::position_of;
using pg::Lsn;

namespace {

Lsn start_of(const record::CommitRecord& commit) {
  return position_of(commit.lsn, "a commit record's position");
}
Lsn end_of(const record::CommitRecord& commit) {
  return position_of(commit.end_lsn, "a commit record's end");
}
Lsn start_of(const record::RecordPlace& place) {
  return position_of(place.lsn, "a record's position");
}
Lsn end_of(const record::RecordPlace& place) {
  return position_of(place.end_lsn, "a record's end");
}

// The committed ones that lie whole between two positions, in WAL order.
std::vector<const record::CommitRecord*> commits_between(const record::CommitOrderEvidence& order, Lsn from, Lsn to) {
  std::vector<const record::CommitRecord*> found;
  for (const auto& commit : order.records) {
    if (commit.committed && start_of(commit) >= from && end_of(commit) <= to) found.push_back(&commit);
  }
  return found;
}

class Prefixes {
 public:
  Prefixes(const SweptWal& wal, std::uint64_t seed)
      : wal_(wal), from_(position_of(wal.backups.front().stop_lsn, "a backup's stop")), random_(seed) {}

  std::vector<PrefixPoint> choose(std::size_t points) {
    add_backups();
    add_ends();
    add_forks();
    add_segments();
    add_commits();
    add_restore_points();
    add_random(points);
    std::sort(chosen_.begin(), chosen_.end(), [](const auto& a, const auto& b) { return a.served < b.served; });
    return std::move(chosen_);
  }

 private:
  void add(const char* boundary, Lsn position, Lsn served) {
    if (position < from_ || served > wal_.until) return;
    const bool known = std::any_of(chosen_.begin(), chosen_.end(), [&](const auto& p) { return p.served == served; });
    if (!known) chosen_.push_back({boundary, position, served});
  }
  void add(const char* boundary, Lsn position) { add(boundary, position, position); }

  void add_backups() {
    for (const auto& backup : wal_.backups) add("backup_stop", position_of(backup.stop_lsn, "a backup's stop"));
  }

  void add_ends() {
    const auto first = wal_.first_from(from_);
    const auto last = wal_.last_whole(wal_.until);
    if (!first || !last || end_of(*last) <= from_) {
      throw backup_engine::base::Error(backup_engine::base::ErrorKind::not_found,
                                       "the witness WAL holds no record behind the first backup: nothing to sweep over")
          .with_remedy("let the load run longer");
    }
    add("first_record", end_of(*first));
    add("before_last_record", start_of(*last));
    add("last_record", end_of(*last));
  }

  // Before the last record of a timeline that the line left, right where it left it, and behind the next one's first.
  void add_forks() {
    for (const auto& stretch : wal_.order.line) {
      if (stretch.end_lsn.empty()) continue;
      const auto fork = position_of(stretch.end_lsn, "where a timeline was left");
      if (fork <= from_) continue;
      if (const auto last = wal_.last_whole(fork)) add("before_fork", start_of(*last));
      add("fork", fork);
      if (const auto first = wal_.first_from(fork)) add("after_fork", end_of(*first));
    }
  }

  // Up to the very end of a segment, as an archive holds it, a record that goes on in the next one is not whole.
  void add_segments() {
    const auto size = wal_.segment_size.bytes();
    for (auto at = from_.position_bytes() / size * size + size; at < wal_.until.position_bytes(); at += size) {
      if (const auto last = wal_.last_whole(Lsn(at))) add("segment_end", end_of(*last), Lsn(at));
      const auto next = wal_.first_from(Lsn(at));
      if (!next) continue;
      add("segment_start", start_of(*next));
      add("segment_first_record", end_of(*next));
    }
  }

  // Before it, with half of it, behind it.
  void add_commits() {
    const auto commits = commits_between(wal_.order, from_, wal_.until);
    if (commits.empty()) return;
    for (const auto* const commit : {commits.front(), commits.back(), commits[random_() % commits.size()]}) {
      const auto start = start_of(*commit), end = end_of(*commit);
      add("before_commit", start);
      add("in_commit", start, Lsn(start.position_bytes() + (end - start) / 2));
      add("after_commit", end);
    }
  }

  void add_restore_points() {
    for (const auto& point : wal_.order.restore_points) {
      add("restore_point", position_of(point.end_lsn, "a restore point's end"));
    }
  }

  void add_random(std::size_t points) {
    const auto attempts = 10 * points;  // several may fall on one record, as in what a switched segment left empty
    for (std::size_t i = 0; i < attempts && chosen_.size() < points; ++i) {
      const auto place = wal_.first_from(Lsn(from_.position_bytes() + random_() % (wal_.until - from_)));
      if (place) add("random", start_of(*place));
    }
  }

  const SweptWal& wal_;
  Lsn from_;
  std::mt19937_64 random_;
  std::vector<PrefixPoint> chosen_;
};

// Those at whose time recovery can stop: it does so before a commit of a later time, which must be there.
std::vector<const record::CommitRecord*> with_a_later_one_behind(
    const std::vector<const record::CommitRecord*>& commits) {
  std::vector<const record::CommitRecord*> found;
  std::string latest;  // times are all of one length, so that their order is that of their text
  for (auto commit = commits.rbegin(); commit != commits.rend(); ++commit) {
    if (!latest.empty() && (*commit)->time < latest) found.push_back(*commit);
    latest = std::max(latest, (*commit)->time);
  }
  std::reverse(found.begin(), found.end());
  return found;
}

// Neither the first ones, which the backup may hold, nor the last, where there are more.
const record::CommitRecord& any_of(const std::vector<const record::CommitRecord*>& commits, std::mt19937_64& random) {
  const auto first = commits.size() / 4, last = commits.size() - commits.size() / 4;
  return *commits[first + random() % (last - first)];
}

// The first record behind the newest backup and the last one, the last boundary of a segment, and the last fork, where
// an LSN that is no record's stands for the first one behind it.
class Boundaries {
 public:
  explicit Boundaries(const SweptWal& wal)
      : wal_(wal), from_(position_of(wal.backups.back().stop_lsn, "a backup's stop")) {}

  void add_to(std::vector<OwnPoint>& chosen) const {
    if (const auto first = wal_.first_from(from_)) add(chosen, start_of(*first), *first, "first_record", true);
    const auto size = wal_.segment_size.bytes();
    const Lsn segment((wal_.until.position_bytes() - 1) / size * size);
    const auto in_segment = wal_.first_from(segment);
    if (segment > from_ && in_segment) {
      add(chosen, segment, *in_segment, "segment_start", false);
      add(chosen, segment, *in_segment, "segment_first_record", true);
    }
    add_fork(chosen);
    const auto last = wal_.last_whole(wal_.until);
    if (!last) return;
    add(chosen, start_of(*last), *last, "before_last_record", false);
    add(chosen, start_of(*last), *last, "last_record", true);
  }

 private:
  void add(std::vector<OwnPoint>& chosen, Lsn target, const record::RecordPlace& at, const char* boundary,
           bool inclusive) const {
    if (start_of(at) < from_ || end_of(at) > wal_.until) return;
    chosen.push_back(
        {boundary, {"lsn", to_string(target), inclusive, "latest"}, inclusive ? end_of(at) : start_of(at)});
  }

  // Also one before the newest backup, where an earlier one leads to it.
  void add_fork(std::vector<OwnPoint>& chosen) const {
    const auto earliest = position_of(wal_.backups.front().stop_lsn, "a backup's stop");
    std::optional<Lsn> last;
    for (const auto& stretch : wal_.order.line) {
      if (stretch.end_lsn.empty()) continue;
      const auto fork = position_of(stretch.end_lsn, "where a timeline was left");
      if (fork > earliest && fork < wal_.until) last = fork;
    }
    if (last) chosen.push_back({"fork", {"lsn", to_string(*last), false, "latest"}, *last});
  }

  const SweptWal& wal_;
  Lsn from_;
};

}  // namespace

std::vector<PrefixPoint> choose_prefixes(const SweptWal& wal, std::size_t points, std::uint64_t seed) {
  return Prefixes(wal, seed).choose(points);
}

std::vector<OwnPoint> choose_targets(const SweptWal& wal, std::uint64_t seed) {
  std::mt19937_64 random(seed + 1);
  std::vector<OwnPoint> chosen{{"backup_stop", {"immediate", "", true, "current"}}};
  const auto stop_of = [](const auto& backup) { return position_of(backup.stop_lsn, "a backup's stop"); };
  auto commits = commits_between(wal.order, stop_of(wal.backups.back()), wal.until);
  if (commits.empty()) commits = commits_between(wal.order, stop_of(wal.backups.front()), wal.until);
  if (!commits.empty()) {
    const auto timed = with_a_later_one_behind(commits);
    const auto* const by_time = timed.empty() ? nullptr : &any_of(timed, random);
    const auto& by_lsn = any_of(commits, random);
    const auto& by_xid = any_of(commits, random);
    for (const bool inclusive : {true, false}) {
      const auto* const boundary = inclusive ? "after_commit" : "before_commit";
      if (by_time != nullptr) chosen.push_back({boundary, {"time", by_time->time, inclusive, "latest"}});
      chosen.push_back({boundary, {"lsn", by_lsn.lsn, inclusive, "latest"}});
      chosen.push_back({boundary, {"xid", std::to_string(by_xid.xid), inclusive, "latest"}});
    }
  }
  const auto& points = wal.order.restore_points;
  for (auto point = points.rbegin(); point != points.rend(); ++point) {
    const auto end = position_of(point->end_lsn, "a restore point's end");
    if (end <= stop_of(wal.backups.front()) || end > wal.until) continue;
    chosen.push_back({"restore_point", {"name", point->name, true, "latest"}});
    break;
  }
  Boundaries(wal).add_to(chosen);
  return chosen;
}

}  // namespace harness::drill
