#include "backup_engine/verify/reach_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "backup_engine/restore/candidates.hpp"
#include "backup_engine/restore/stop_search.hpp"
#include "backup_engine/store/copied_database.hpp"
#include "backup_engine/store/wal_objects.hpp"
#include "backup_engine/wal/copied_databases.hpp"
#include "backup_engine/wal/reach.hpp"
#include "backup_engine/wal/record_reader.hpp"
#include "backup_engine/wal/start_position.hpp"

namespace backup_engine::verify {

using base::Error;
using base::ErrorKind;
using postgres::Lsn;
using postgres::TimelineId;

namespace {

constexpr TimelineId first_timeline{1};

}  // namespace

ReachCheck::ReachCheck(store::Storage& storage, const std::string& cluster, postgres::SegmentSize size,
                       std::vector<wal::WalRange> sound, Findings& findings)
    : storage_(storage),
      cluster_(cluster),
      archive_(storage, cluster, size, Compression{}),
      sound_(std::move(sound)),
      findings_(findings) {}

void ReachCheck::read_timelines() {
  std::set<TimelineId> with_wal;
  for (const auto& range : sound_) with_wal.insert(range.timeline);
  read_histories();
  for (const auto timeline : with_wal) {
    const auto name = store::wal_history_name(cluster_, timeline);
    if (timeline <= first_timeline || histories_.contains(timeline) || !findings_.damage_of(name).empty()) continue;
    findings_.add_damage(
        name, fmt::format("missing: without it the WAL of timeline {} cannot be reached", timeline.number()));
  }
  for (const auto& gap : archive_.gaps()) {
    const auto name = wal::gap_object_name(cluster_, gap);
    std::string text;
    findings_.examine(name, [&] {
      findings_.count_object(storage_.size(name).value_or(0));
      text = archive_.read_gap(gap);
    });
    gaps_.emplace_back(gap, text);
  }
}

// Those that were not read yet.
void ReachCheck::read_histories() {
  for (const auto& object : store::list_wal(storage_, cluster_, archive_.segment_size())) {
    if (object.parsed.kind == store::WalObjectKind::history) read_history(object.parsed.segment.timeline);
  }
}

// Its bytes were read with the rest of the WAL.
void ReachCheck::read_history(TimelineId timeline) {
  const auto name = store::wal_history_name(cluster_, timeline);
  if (histories_.contains(timeline) || !findings_.damage_of(name).empty()) return;
  findings_.examine(name, [&] {
    auto switches = postgres::parse_history(archive_.read_history(timeline).value_or(""));
    for (const auto& left : switches) {
      if (left.parent >= timeline) {
        throw Error(ErrorKind::corrupt,
                    fmt::format("says that timeline {} came before {}", left.parent.number(), timeline.number()));
      }
    }
    histories_[timeline] = std::move(switches);
  });
}

wal::TimelinePath ReachCheck::path_of(TimelineId timeline) const {
  const auto history = histories_.find(timeline);
  if (history == histories_.end()) return wal::path_along({}, timeline);
  return wal::path_along(history->second, timeline);
}

OwnWal ReachCheck::walk(const store::Manifest& manifest) {
  const auto& summary = manifest.summary;
  const auto object = object_at(summary.timeline, summary.start_lsn);
  OwnWal own;
  std::vector<wal::DatabaseChange> databases;
  // Objects that are sound one by one may contradict each other.
  const bool could_be_read = findings_.examine(object, [&] { own.wrong = walk_records(summary, databases); });
  if (!could_be_read) own.wrong = fmt::format("{}: {}", object, findings_.damage_of(object));
  own.copied_databases = wal::copies_that_stay(databases);
  store::give_names(own.copied_databases, manifest.databases);
  return own;
}

std::string ReachCheck::walk_records(const BackupSummary& summary, std::vector<wal::DatabaseChange>& databases) {
  wal::RecordReader reader(archive_, path_of(summary.timeline), summary.postgres_major);
  reader.begin_at(summary.start_lsn);
  for (auto reached = summary.start_lsn; reached < summary.stop_lsn;) {
    if (findings_.stop().stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
    const auto record = reader.next();
    if (!record) {
      const auto object = object_at(summary.timeline, reached);
      const auto text =
          fmt::format("no record of WAL follows at {}, and backup {} needs them up to {}: {}", to_string(reached),
                      summary.label, to_string(summary.stop_lsn), reader.why_it_ends());
      findings_.add_damage(object, text);
      return fmt::format("{}: {}", object, text);
    }
    if (auto change = wal::parse_database_change(*record)) databases.push_back(std::move(*change));
    reached = record->end;
  }
  return {};
}

std::string ReachCheck::object_at(TimelineId timeline, Lsn position) const {
  const auto size = archive_.segment_size();
  const auto segment = segment_holding(timeline, position, size);
  const auto offset = position - start_of(segment, size);
  for (const auto& object : store::list_wal(storage_, cluster_, size)) {
    const auto& parsed = object.parsed;
    const bool is_wal = parsed.kind == store::WalObjectKind::segment || parsed.kind == store::WalObjectKind::part;
    if (is_wal && parsed.segment == segment && parsed.from_bytes <= offset && offset < parsed.to_bytes) {
      return object.name;
    }
  }
  return store::wal_folder(cluster_, segment, size) + file_name(segment, size);
}

void ReachCheck::check_newest(const std::vector<BackupSummary>& backups) {
  constexpr int most_looks = 5;  // while a receiver closes segments, a listing may look as if there were a hole
  auto lost = newest_out_of_reach(backups);
  for (int look = 1; lost && look < most_looks; ++look) lost = newest_out_of_reach(backups);
  if (!lost) return;
  const auto& wal = lost->wal;
  const bool is_told = !findings_.damage_of(object_at(wal.timeline, wal.start)).empty() ||
                       !findings_.damage_of(store::wal_history_name(cluster_, wal.timeline)).empty();
  if (is_told) return;
  findings_.add_damage(lost->hole ? object_of(*lost->hole) : object_at(wal.timeline, wal.start),
                       lost->text + "; take a new backup");
}

std::optional<WalOutOfReach> ReachCheck::newest_out_of_reach(const std::vector<BackupSummary>& backups) {
  WalCheckResult reach;
  auto ranges = archive_.ranges();
  read_histories();  // of timelines whose WAL came since
  wal::describe_reach({std::move(ranges), gaps_, histories_, backups, {}, minimal_}, reach);
  // A hole in a backup's own WAL was found with that backup.
  const bool is_told = std::ranges::any_of(reach.backups, [&](const BackupReach& backup) {
    const auto& lost = reach.out_of_reach;
    return backup.missing && lost && (!lost->hole || backup.missing->from == lost->hole->from);
  });
  return is_told ? std::nullopt : reach.out_of_reach;
}

std::string ReachCheck::object_of(const WalHole& hole) const {
  for (const auto& [gap, text] : gaps_) {
    const bool is_it = gap.timeline == hole.timeline && gap.from < hole.to && hole.from < gap.to;
    if (is_it) return wal::gap_object_name(cluster_, gap);
  }
  return object_at(hole.timeline, hole.from);
}

std::vector<std::vector<RecoverySpan>> ReachCheck::spans(const std::vector<BackupSummary>& backups, unsigned jobs) {
  WalCheckResult reach;
  wal::describe_reach({sound_, gaps_, histories_, backups, {}}, reach);
  std::vector<std::vector<RecoverySpan>> all(backups.size());
  for (std::size_t i = 0; i < backups.size(); ++i) {
    const auto& backup = backups[i];
    for (const auto& by_name : reach.backups[i].reaches) {
      std::optional<RecoverySpan> span;
      // Objects that are sound one by one may contradict each other; up to its stop the backup's own do not.
      const bool could_be_read =
          findings_.examine(object_at(by_name.timeline, Lsn(by_name.until.position_bytes() - 1)),
                            [&] { span = span_of(by_name.timeline, by_name.until, backup, jobs); });
      if (!could_be_read && by_name.timeline == backup.timeline) {
        span = RecoverySpan{by_name.timeline, backup.stop_lsn, backup.stop_lsn, restore::end_time(backup), {}};
      }
      if (span) all[i].push_back(*span);
    }
  }
  return all;
}

std::optional<RecoverySpan> ReachCheck::span_of(TimelineId timeline, Lsn by_name, const BackupSummary& backup,
                                                unsigned jobs) {
  auto until = records_end(timeline, by_name, backup, jobs);
  const auto minimal = wal::first_minimal(minimal_, path_of(timeline), backup.start_lsn);
  const bool ends_in_minimal = minimal && *minimal < until;
  if (ends_in_minimal) until = *minimal;
  // Records that end before the timeline branches off never lead to it.
  if (timeline != backup.timeline && until <= path_of(timeline).back().begin) return std::nullopt;
  RecoverySpan span{timeline, backup.stop_lsn, std::max(until, backup.stop_lsn), restore::end_time(backup),
                    {},       ends_in_minimal};
  const auto& tail = tail_of(timeline, until, backup);
  if (tail.record && *tail.record >= backup.stop_lsn) span.latest_time = tail.time;
  return span;
}

// The backup that begins first asks first, and what was found behind its start holds for the others.
Lsn ReachCheck::records_end(TimelineId timeline, Lsn until, const BackupSummary& backup, unsigned jobs) {
  for (const auto& walked : walked_) {
    const bool covers = walked.from <= backup.start_lsn && backup.start_lsn < walked.end;
    if (walked.timeline == timeline && walked.until == until && covers) return walked.end;
  }
  const auto path = path_of(timeline);
  const auto begin = begin_of_walk(path, backup);
  wal::RecordsEnd end;
  // Objects that are sound one by one may contradict each other: then nothing behind the backup is promised.
  const bool could_be_read = findings_.examine(object_at(timeline, begin), [&] {
    end = wal::walk_records(archive_, path, backup.postgres_major, begin, until, jobs, findings_.stop());
  });
  if (!could_be_read) end = {wal::RecordsEnd::Kind::no_more, backup.stop_lsn, {}, {}};
  take_down(path, end.minimal);
  // The WAL held may end within a record; what is held of that is of no use, and no damage.
  const bool to_the_end = end.kind == wal::RecordsEnd::Kind::reached || end.kind == wal::RecordsEnd::Kind::held_ends;
  const auto reached = to_the_end ? until : end.at;
  walked_.push_back({timeline, backup.start_lsn, until, reached});
  if (end.kind != wal::RecordsEnd::Kind::broken) return reached;
  const auto owner = std::ranges::find_if(path, [&](const auto& span) { return !span.end || reached < *span.end; });
  findings_.add_damage(
      object_at(owner->timeline, reached),
      fmt::format(
          "the records of WAL end at {}, and WAL is held up to {}: {}. No recovery gets further: it is damaged, "
          "or from here on another history of the server, put back to an earlier state",
          to_string(reached), to_string(until), end.why));
  return reached;
}

void ReachCheck::take_down(const wal::TimelinePath& path, const std::vector<wal::MinimalWal>& minimal) {
  for (const auto& each : minimal) {
    const auto leads_on = [&](const auto& span) { return !span.end || each.record < *span.end; };
    minimal_.emplace_back(std::ranges::find_if(path, leads_on)->timeline, each.record);
  }
  std::ranges::sort(minimal_);
  minimal_.erase(std::unique(minimal_.begin(), minimal_.end()), minimal_.end());
}

// What was found on the way to the timeline that it branched off need not be walked again; only the seam is.
Lsn ReachCheck::begin_of_walk(const wal::TimelinePath& path, const BackupSummary& backup) const {
  if (path.size() < 2) return backup.start_lsn;
  const auto size = archive_.segment_size();
  for (const auto& walked : walked_) {
    const bool covers = walked.from <= backup.start_lsn && backup.start_lsn < walked.end;
    if (walked.timeline != path[path.size() - 2].timeline || !covers) continue;
    const auto seam = wal::start_of_segment(std::min(walked.end, path.back().begin), size);
    if (seam.position_bytes() < size.bytes()) continue;
    return std::max(backup.start_lsn, Lsn(seam.position_bytes() - size.bytes()));
  }
  return backup.start_lsn;
}

// The backup that begins first asks first, so that what it found holds for all.
const ReachCheck::Tail& ReachCheck::tail_of(TimelineId timeline, Lsn until, const BackupSummary& backup) {
  const auto known = tails_.find(timeline);
  if (known != tails_.end() && known->second.until == until) return known->second;
  auto path = path_of(timeline);
  path.back().end = until;  // what is behind may be damaged
  wal::RecordReader reader(archive_, std::move(path), backup.postgres_major);
  const auto found = restore::read_tail(reader, backup.start_lsn, until);
  Tail tail{until, {}, {}};
  if (found.last) {
    tail.record = found.last->record;
    tail.time = found.last->time;
  }
  return tails_[timeline] = tail;
}

}  // namespace backup_engine::verify
