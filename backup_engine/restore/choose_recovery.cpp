#include "backup_engine/restore/choose_recovery.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "backup_engine/base/refusal.hpp"
#include "backup_engine/refusal.hpp"
#include "backup_engine/restore/candidates.hpp"
#include "backup_engine/restore/continuous_wal.hpp"
#include "backup_engine/restore/new_tablespaces.hpp"
#include "backup_engine/restore/prefer_sound.hpp"
#include "backup_engine/restore/stop_search.hpp"
#include "backup_engine/restore/target_value.hpp"
#include "backup_engine/restore/unreachable.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/wal/record_reader.hpp"

namespace backup_engine::restore {

using base::Error;
using base::ErrorKind;
using base::to_rfc3339;
using postgres::Lsn;

namespace {

// How much WAL before the chosen backup is read only to say that a restore point's name occurs there too.
constexpr std::uint64_t look_back_bytes = std::uint64_t{1} << 30U;

// Of an older backup that leads to the point to which `newer` does.
Way way_with(const std::vector<wal::TablespaceCreation>& creations, const BackupSummary& newer) {
  const auto is_before = [&](const auto& creation) { return creation.record < newer.start_lsn; };
  return std::ranges::any_of(creations, is_before) ? Way::new_tablespaces : Way::same_point;
}

// Damage that is met while WAL is read for a stop.
template <typename Read>
auto in_wal(const Read& read) {
  try {
    return read();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt || !base::reason_of(error).empty()) throw;
    throw base::Refusal(refusal::wal_damaged, error);
  }
}

class Choice {
 public:
  Choice(store::Storage& storage, const wal::WalArchive& archive, const RestoreRequest& request, Candidates candidates,
         int major, const std::stop_token& stop)
      : storage_(storage),
        request_(request),
        archive_(archive),
        stop_(stop),
        candidates_(std::move(candidates)),
        backups_(candidates_.backups),
        rule_(request.target, major),
        reader_(archive, candidates_.path, major),
        found_(backups_.size()),
        searched_(backups_.size()) {}

  Recovery make() {
    const auto newest =
        in_wal([&] { return request_.target.kind == TargetKind::lsn ? choose_by_lsn() : choose_by_search(); });
    if (!newest) throw unreachable();
    if (request_.target.kind == TargetKind::lsn) in_wal([&] { require_no_minimal(*newest); });
    auto preference = prefer_sound(storage_, request_, backups_, *newest,
                                   [&](std::size_t older) { return way_from(older, *newest); });
    const auto chosen = preference.index;
    const auto& stop = stop_from(chosen);
    Recovery recovery{backups_[chosen].label,
                      candidates_.notes,
                      std::move(preference.passed_over),
                      tablespaces_before(stop->position, chosen),
                      {}};
    recovery.notes.insert(recovery.notes.end(), preference.notes.begin(), preference.notes.end());
    recovery.notes.push_back(fmt::format("recovery from backup {} will stop {}", recovery.backup_label, stop->text));
    if (request_.target.kind == TargetKind::name) note_other_points(chosen, recovery);
    return recovery;
  }

 private:
  // The newest first, each from its own start up to where the search of the next one began: no WAL is read twice.
  std::optional<std::size_t> choose_by_search() {
    while (searched_ > 0) {
      search_from(--searched_);
      if (usable(searched_)) return searched_;
    }
    return std::nullopt;
  }

  void search_from(std::size_t i) {
    reader_.begin_at(backups_[i].start_lsn);
    std::optional<Lsn> to;
    if (i + 1 < backups_.size()) to = backups_[i + 1].start_lsn;
    found_[i] = search(reader_, rule_, to);
  }

  // Positions need no search: only the segment of the target is looked at.
  std::optional<std::size_t> choose_by_lsn() {
    const auto target = postgres::parse_lsn(request_.target.value).value();
    reader_.begin_in_segment_of(std::max(target, backups_.front().start_lsn));
    at_target_ = search(reader_, rule_, std::nullopt);
    held_ = archive_.ranges();  // only now: the search goes as far as WAL has come
    for (auto i = backups_.size(); i-- > 0;) {
      if (reaches(target, i) && usable(i)) return i;
    }
    return std::nullopt;
  }
  bool reaches(Lsn target, std::size_t i) {
    found_[i].wal_ended = at_target_.wal_ended;
    const auto& stop = at_target_.stop;
    const auto& start = backups_[i].start_lsn;
    if (start > target || !stop || stop->position > held_until(held_, candidates_.path, start)) return false;
    found_[i].stop = stop;
    return true;
  }

  // Of an LSN, whose search looked at its own segment only.
  const wal::RecordsEnd& walk_to_target(std::size_t i) {
    if (walked_ && walked_->first == i) return walked_->second;
    auto end = wal::walk_records(archive_, candidates_.path, backups_[i].postgres_major, backups_[i].start_lsn,
                                 at_target_.stop->position, request_.jobs, stop_);
    return walked_.emplace(i, std::move(end)).second;
  }
  void require_no_minimal(std::size_t i) {
    const auto& minimal = walk_to_target(i).minimal;
    if (minimal.empty() || minimal.front().record >= at_target_.stop->position) return;
    found_[i].minimal = minimal.front().record;
    found_[i].beyond = at_target_.stop;
    throw unreachable();
  }

  // Whether recovery from an older backup stops where it does from `newest`.
  Way way_from(std::size_t older, std::size_t newest) {
    try {
      if (request_.target.kind == TargetKind::lsn) {
        if (!reaches(postgres::parse_lsn(request_.target.value).value(), older)) return Way::none;
        const auto between = records_between(older, newest);
        if (between.wal_ended || between.minimal) return Way::none;
        return usable(older) ? way_with(between.tablespaces, backups_[newest]) : Way::ends_behind;
      }
      while (searched_ > older) search_from(--searched_);
      for (auto i = older; i < newest; ++i) {
        if (found_[i].minimal) return Way::none;
      }
      const auto stop = stop_from(newest)->position;
      if (!stop_from(older) || stop_from(older)->position != stop) return Way::none;
      return usable(older) ? way_with(tablespaces_before(stop, older), backups_[newest]) : Way::ends_behind;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::corrupt) throw;
      return Way::none;  // its WAL is damaged before the newest begins
    }
  }

  // Names alone do not tell whether records follow each other.
  Findings records_between(std::size_t older, std::size_t newest) {
    reader_.begin_at(backups_[older].start_lsn);
    return search(reader_, rule_, backups_[newest].start_lsn);
  }

  // Where recovery from backup i stops: in its own stretch of WAL, or in the first one behind it that has a stop.
  [[nodiscard]] const std::optional<Stop>& stop_from(std::size_t i) const {
    while (!found_[i].stop && !found_[i].wal_ended && !found_[i].minimal && i + 1 < found_.size()) ++i;
    return found_[i].stop;
  }
  [[nodiscard]] bool usable(std::size_t i) const {
    const auto& stop = stop_from(i);
    return stop && stop->position >= backups_[i].stop_lsn && !holds_what_is_too_late(i);
  }
  // A backup taken after the time holds what was committed in between, even where no transaction of its WAL tells.
  [[nodiscard]] bool holds_what_is_too_late(std::size_t i) const {
    return request_.target.kind == TargetKind::time && parse_target_time(request_.target.value) < end_time(backups_[i]);
  }

  // A search went through all of that WAL already.
  [[nodiscard]] std::vector<wal::TablespaceCreation> tablespaces_before(Lsn stop, std::size_t chosen) {
    std::vector<wal::TablespaceCreation> all;
    if (request_.target.kind == TargetKind::lsn) {
      all = walk_to_target(chosen).tablespaces;
      std::erase_if(all, [&](const auto& creation) { return creation.record >= stop; });
      return all;
    }
    for (auto i = chosen; i < found_.size(); ++i) {
      for (const auto& creation : found_[i].tablespaces) {
        if (creation.record < stop) all.push_back(creation);
      }
    }
    return all;
  }

  void note_other_points(std::size_t chosen, Recovery& recovery) {
    std::vector<std::string> before, behind;
    const auto text = [](const NamedPoint& point) {
      return fmt::format("{} ({})", to_string(point.record), to_rfc3339(point.time));
    };
    const auto stop = stop_from(chosen)->record;
    for (auto i = chosen; i-- > 0 && backups_[chosen].start_lsn - backups_[i].start_lsn <= look_back_bytes;) {
      search_from(i);
    }
    for (const auto& found : found_) {
      for (const auto& point : found.points) {
        if (point.record != stop) (point.record < stop ? before : behind).push_back(text(point));
      }
    }
    if (before.empty() && behind.empty()) return;
    auto note = fmt::format("restore point \"{}\" is not the only one of its name", request_.target.value);
    if (!before.empty()) note += fmt::format("; earlier: {}", fmt::join(before, ", "));
    if (!behind.empty()) note += fmt::format("; later: {}", fmt::join(behind, ", "));
    recovery.notes.push_back(note +
                             ". Recovery takes the first one behind the newest backup that can reach one; for "
                             "another, give its position with --target-lsn");
  }

  base::Refusal unreachable() {
    held_ = archive_.ranges();
    const auto from = backups_.back().start_lsn;
    Unreachable facts{request_, backups_.front(), {}, {}, {}, {}, candidates_.path.back().timeline, {}};
    for (const auto& range : held_) {
      if (!wal::lies_on(candidates_.path, range.timeline, range.end)) facts.others.insert(range.timeline);
    }
    const auto& minimal = found_.back().minimal;
    facts.tail = read_tail(reader_, from, minimal ? *minimal : held_until(held_, candidates_.path, from));
    if (!minimal) facts.wal_held_again = held_again_behind(facts.tail.end);
    for (std::size_t i = 0; i < found_.size(); ++i) {
      const auto& found = found_[i];
      if (found.stop && facts.minimal.empty() && !facts.stop) facts.stop = found.stop;
      if (found.stop && !facts.minimal.empty() && !facts.beyond) facts.beyond = found.stop;
      if (found.beyond && !facts.beyond) facts.beyond = found.beyond;
      if (found.minimal) facts.minimal.push_back({*found.minimal, i + 1 < found_.size() ? &backups_[i + 1] : nullptr});
      if (found.parent) facts.search.parent = found.parent;
      facts.search.seen = facts.search.seen || found.seen;
      facts.search.prepared = facts.search.prepared || found.prepared;
      if (found.latest && (!facts.search.latest || facts.search.latest->time < found.latest->time)) {
        facts.search.latest = found.latest;
      }
    }
    return describe_unreachable(facts);
  }

  [[nodiscard]] std::optional<Lsn> held_again_behind(Lsn end) const {
    for (const auto& range : held_) {
      if (range.timeline == candidates_.path.back().timeline && range.start > end) return range.start;
    }
    return std::nullopt;
  }

  store::Storage& storage_;
  const RestoreRequest& request_;
  const wal::WalArchive& archive_;
  const std::stop_token& stop_;
  const Candidates candidates_;
  const std::vector<BackupSummary>& backups_;  // in order of their start
  const TargetRule rule_;
  wal::RecordReader reader_;
  std::vector<Findings> found_;  // of the stretch that begins with each backup
  std::size_t searched_;         // of them from this one on
  Findings at_target_;           // of an LSN
  std::optional<std::pair<std::size_t, wal::RecordsEnd>> walked_;
  std::vector<wal::WalRange> held_;
};

Recovery recovery_without_position(store::Storage& storage, const wal::WalArchive& archive,
                                   const RestoreRequest& request, const Candidates& candidates,
                                   const std::stop_token& stop) {
  const auto newest = candidates.backups.size() - 1;
  std::optional<wal::RecordsEnd> walked;
  const auto walk_from = [&](std::size_t i) {
    walked = require_continuous_wal(archive, candidates.path, candidates.backups[i], request, stop);
  };
  auto preference = prefer_sound(storage, request, candidates.backups, newest, [&](std::size_t older) {
    try {
      walk_from(older);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::corrupt) throw;
      return Way::none;  // its WAL is broken, not whole, or minimal before the newest begins
    }
    return way_with(walked->tablespaces, candidates.backups[newest]);
  });
  const auto& backup = candidates.backups[preference.index];
  if (preference.index == newest) walk_from(newest);
  Recovery recovery{backup.label, candidates.notes, std::move(preference.passed_over), {}, {}};
  recovery.notes.insert(recovery.notes.end(), preference.notes.begin(), preference.notes.end());
  if (!walked) {
    recovery.tablespaces =
        in_wal([&] { return find_new_tablespaces(archive, candidates.path, backup, backup.stop_lsn, stop); });
    return recovery;
  }
  recovery.tablespaces = std::move(walked->tablespaces);
  if (!walked->last) return recovery;
  recovery.end = request.target;
  recovery.end->kind = TargetKind::lsn;
  recovery.end->value = to_string(*walked->last);
  recovery.end->inclusive = true;
  const auto timeline = candidates.path.back().timeline.number();
  recovery.end->timeline = candidates.path.size() == 1 ? "current" : std::to_string(timeline);
  return recovery;
}

}  // namespace

Recovery choose_recovery(store::Storage& storage, const RestoreRequest& request, const std::stop_token& stop) {
  const auto identity = store::read_cluster(storage, request.cluster);
  const wal::WalArchive archive(storage, request.cluster, identity.wal_segment_size, Compression{});
  auto candidates = find_candidates(storage, archive, request);
  if (request.target.kind == TargetKind::end_of_wal || request.target.kind == TargetKind::immediate) {
    return recovery_without_position(storage, archive, request, candidates, stop);
  }
  return Choice(storage, archive, request, std::move(candidates), identity.postgres_major, stop).make();
}

}  // namespace backup_engine::restore
