#include "reports/render/timeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "backup_engine/base/quantity_text.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "reports/render/recovery_point.hpp"
#include "reports/render/text.hpp"

namespace reports::render {

using backup_engine::base::bytes_text;
using backup_engine::base::parse_rfc3339;
using backup_engine::base::to_rfc3339;
using backup_engine::base::UtcTime;
using record::JournalEvent;
using record::Report;
using Kind = TimelineItem::Kind;

namespace {

using Moment = std::optional<UtcTime>;

double seconds_of(UtcTime::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

UtcTime later_by(UtcTime time, double seconds) {
  return time + std::chrono::duration_cast<UtcTime::duration>(std::chrono::duration<double>(seconds));
}

std::string detail_of(const JournalEvent& event, const char* name) {
  const auto found = event.details.find(name);
  return found == event.details.end() ? "" : found->second;
}

// "02:15:14.803".
std::string clock_text(UtcTime time) {
  return to_rfc3339(time).substr(11, 12);
}

std::string date_text(UtcTime time) {
  return to_rfc3339(time).substr(0, 10);
}

// The time of a label, "20261120T021503Z-full": a backup's start, to the second.
Moment time_of_label(const std::string& label) {
  if (label.size() < 16) return std::nullopt;
  return parse_rfc3339(fmt::format("{}-{}-{}T{}:{}:{}Z", label.substr(0, 4), label.substr(4, 2), label.substr(6, 2),
                                   label.substr(9, 2), label.substr(11, 2), label.substr(13, 2)));
}

// RFC 3339, or as PostgreSQL prints it: "2026-11-20 02:15:14.8+00".
Moment time_of_target(std::string text) {
  if (text.size() > 10 && text[10] == ' ') text[10] = 'T';
  for (const std::string_view zone : {"+00:00", "+00", " UTC"}) {
    if (text.ends_with(zone)) text = text.substr(0, text.size() - zone.size()) + "Z";
  }
  return parse_rfc3339(text);
}

// WAL has transaction ids without their epoch.
bool same_transaction(const std::string& one, const std::string& other) {
  const auto low_bits = [](const std::string& text) -> std::optional<std::uint32_t> {
    if (text.empty() || text.size() > 19 || text.find_first_not_of("0123456789") != std::string::npos) return {};
    return static_cast<std::uint32_t>(std::stoull(text));
  };
  const auto low = low_bits(one);
  return low && low == low_bits(other);
}

class SourceSide {
 public:
  SourceSide(const Report& report, const std::vector<JournalEvent>& journal) : report_(report), journal_(journal) {
    add_load();
    for (const auto& backup : report.backups) add_backup(backup);
    add_marks();
    for (const auto& disaster : report.disasters) {
      const auto at = parse_rfc3339(disaster.at);
      add({Kind::disaster, "Disaster: " + disaster.kind, "", disaster.detail, {}}, {{at, at}});
      if (at) disaster_ = at;
    }
    if (!report.restores.empty()) add_target(report.restores.back());
  }

  [[nodiscard]] TimelineScale scale() && {
    TimelineScale scale;
    if (!begin_) return scale;
    scale.title = fmt::format("Source, from {} UTC", to_rfc3339(*begin_).substr(0, 19).replace(10, 1, " "));
    scale.seconds = std::max(0.001, seconds_of(*end_ - *begin_));
    for (auto& entry : entries_) {
      for (const auto& [from, to] : entry.spans) {
        if (!from || !to) continue;
        entry.item.spans.push_back({std::clamp(seconds_of(*from - *begin_), 0.0, scale.seconds),
                                    std::clamp(seconds_of(*to - *begin_), 0.0, scale.seconds)});
      }
      scale.items.push_back(std::move(entry.item));
    }
    return scale;
  }

 private:
  using Spans = std::vector<std::pair<Moment, Moment>>;
  struct Entry {
    TimelineItem item;
    Spans spans;
  };

  void widen(UtcTime time) {
    begin_ = begin_ ? std::min(*begin_, time) : time;
    end_ = end_ ? std::max(*end_, time) : time;
  }

  // `when` is filled in, unless there is something special to say.
  void add(TimelineItem item, const Spans& spans) {
    double total = 0;
    Moment first;
    for (const auto& [from, to] : spans) {
      if (!from || !to) continue;
      widen(*from);
      widen(*to);
      if (!first) first = from;
      total += seconds_of(*to - *from);
    }
    if (item.when.empty()) {
      item.when = !first       ? "when is not known"
                  : total == 0 ? clock_text(*first)
                               : fmt::format("{}, {}", clock_text(*first), duration_text(total));
    }
    entries_.push_back({std::move(item), spans});
  }

  void add_load() {
    Spans spans;
    std::string acknowledged;
    for (const auto& event : journal_) {
      if (event.event == "load.begin") spans.push_back({parse_rfc3339(event.time), std::nullopt});
      if (event.event != "load.end" && event.event != "load.ended") continue;
      acknowledged = detail_of(event, "acknowledged");
      load_ended_ = parse_rfc3339(event.time);
      if (!spans.empty() && !spans.back().second) spans.back().second = load_ended_;
    }
    if (spans.empty()) return;
    add({Kind::load, "Load", "", acknowledged.empty() ? "" : acknowledged + " transactions acknowledged in all", {}},
        spans);
  }

  void add_backup(const record::BackupRecord& backup) {
    Moment begun, from, to;
    for (const auto& event : journal_) {
      if (event.event == "backup.begin") begun = parse_rfc3339(event.time);
      if (event.event != "backup.done" || detail_of(event, "label") != backup.label) continue;
      from = begun;
      to = parse_rfc3339(event.time);
    }
    if (!from || !to) {
      from = time_of_label(backup.label);
      to = from ? Moment(later_by(*from, backup.seconds)) : std::nullopt;
    }
    const auto type = backup.type.empty() ? std::string("Backup") : "Backup, " + backup.type;
    add({Kind::backup,
         type,
         "",
         fmt::format("{}, {} stored, WAL {} – {}", backup.label, bytes_text(backup.stored_bytes), backup.start_lsn,
                     backup.stop_lsn),
         {}},
        {{from, to}});
    if (to && !report_.restores.empty() && report_.restores.back().backup_label == backup.label) restored_backup_ = to;
  }

  void add_marks() {
    for (const auto& event : journal_) {
      const bool mark = event.event == "mark.done";
      if (!mark && event.event != "restore_point.done") continue;
      const auto at = time_of_point(event);
      add({Kind::mark,
           (mark ? "Mark " : "Restore point ") + detail_of(event, "name"),
           "",
           "LSN " + detail_of(event, "lsn"),
           {}},
          {{at, at}});
    }
  }

  // When the journal's event was true; it is written a little later.
  [[nodiscard]] static Moment time_of_point(const JournalEvent& event) {
    for (const char* name : {"began_at", "time"}) {
      if (const auto time = parse_rfc3339(detail_of(event, name))) return time;
    }
    return parse_rfc3339(event.time);
  }

  [[nodiscard]] bool leads_to(const JournalEvent& event, const record::RestoreTarget& target) const {
    const auto name = detail_of(event, "name");
    if (target.type == "mark") {
      return event.event == "mark.done" && (target.value == name || target.value == "lifeboat-" + name);
    }
    if (target.type == "name") return event.event == "restore_point.done" && target.value == name;
    if (target.type == "lsn") return !target.value.empty() && detail_of(event, "lsn") == target.value;
    return target.type == "xid" && same_transaction(detail_of(event, "xid"), target.value);
  }

  // A position has a time where the journal tells of it, or by the last commit that recovery reached before it.
  [[nodiscard]] Moment time_of(const record::RestoreRecord& restore) const {
    const auto& target = restore.target;
    if (target.type == "time") return time_of_target(target.value);
    if (target.type == "end_of_wal") return disaster_;
    if (target.type == "immediate") return restored_backup_;
    for (const auto& event : journal_) {
      if (leads_to(event, target)) return time_of_point(event);
    }
    return time_reached(restore.reached);
  }

  // Its time is that of the last commit before it, which may be long ago; the journal may know the position itself.
  [[nodiscard]] Moment time_reached(const record::RestoreRecord::Reached& reached) const {
    for (const auto& event : journal_) {
      if (!reached.lsn.empty() && detail_of(event, "lsn") == reached.lsn) return time_of_point(event);
    }
    return parse_rfc3339(reached.time);
  }

  void add_target(const record::RestoreRecord& restore) {
    auto target = time_of(restore);
    // A time stands beside it already, and would leave no room for which side of it is meant.
    const auto* const side = restore.target.inclusive ? "inclusive" : "exclusive";
    TimelineItem item{
        Kind::target,
        "Target: " + (restore.target.type == "time" ? fmt::format("time, {}", side) : target_text(restore.target)),
        "",
        restore.target.value,
        {}};
    if (target && begin_) {
      const auto known = *end_ - *begin_;
      if (*target < *begin_ - known) item.when = "long before, " + date_text(*target);
      if (*target > *end_ + known) item.when = "long after, " + date_text(*target);
      if (!item.when.empty()) target = std::clamp(*target, *begin_, *end_);
    }
    add(std::move(item), {{target, target}});
    const auto reached = time_reached(restore.reached);
    const bool ended = restore.outcome.empty() || restore.outcome == "recovered";
    const auto where = restore.reached.lsn.empty() ? ended ? std::string("not known") : "nothing, " + restore.outcome
                                                   : restore.reached.lsn;
    add({Kind::reached, "Reached: " + where, "", reached_text(restore.reached), {}}, {{reached, reached}});
    if (restore.rpo.discarded.value_or(0) == 0) return;
    const auto from = target ? target : reached;
    // A source that survived went on with work that was given up as well.
    const auto until = load_ended_ && disaster_ ? std::max(*load_ended_, *disaster_) : disaster_;
    const bool before = from && until && *from < *until;
    add({Kind::discarded,
         "Given up: " + count_text(*restore.rpo.discarded, "transaction"),
         restore.rpo.discarded_seconds ? duration_text(*restore.rpo.discarded_seconds) : "",
         "acknowledged past the target",
         {}},
        {{before ? from : std::nullopt, until}});
  }

  const Report& report_;
  const std::vector<JournalEvent>& journal_;
  std::vector<Entry> entries_;
  Moment begin_, end_, load_ended_, disaster_, restored_backup_;
};

}  // namespace

std::vector<double> phase_starts(const std::vector<record::Phase>& phases) {
  std::vector<double> starts;
  double end = 0;
  for (const auto& phase : phases) {
    const auto measured = seconds_between(phases.front().started_at, phase.started_at);
    starts.push_back(std::max(0.0, measured.value_or(end)));
    end = starts.back() + phase.seconds;
  }
  return starts;
}

TimelineScale source_scale(const Report& report, const std::vector<JournalEvent>& journal) {
  return SourceSide(report, journal).scale();
}

TimelineScale recovery_scale(const Report& report) {
  TimelineScale scale;
  if (report.restores.empty()) return scale;
  const auto& restore = report.restores.back();
  const auto& rto = restore.rto;
  const auto starts = phase_starts(rto.phases);
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const auto& phase = rto.phases[i];
    const auto end = starts[i] + std::max(0.0, phase.seconds);
    scale.seconds = std::max(scale.seconds, end);
    scale.items.push_back({Kind::phase,
                           phase.name,
                           duration_text(phase.seconds),
                           "began " + duration_text(starts[i]) + " after the disaster",
                           {{starts[i], end}}});
  }
  if (rto.writable_seconds) {
    scale.seconds = std::max(scale.seconds, *rto.writable_seconds);
    scale.items.push_back({Kind::achieved,
                           "Achieved RTO: " + end_of_rto(restore),
                           duration_text(*rto.writable_seconds),
                           "",
                           {{*rto.writable_seconds, *rto.writable_seconds}}});
  }
  if (scale.seconds <= 0) return {};
  scale.title = "Recovery, from the disaster on";
  if (rto.objective_seconds) {
    const auto promised = *rto.objective_seconds;
    const bool far = promised > 3 * scale.seconds;
    TimelineItem objective{Kind::objective, "Objective, far beyond this scale", duration_text(promised), "", {}};
    if (!far) {
      scale.seconds = std::max(scale.seconds, promised);
      objective.name = "Objective";
      objective.spans = {{promised, promised}};
    }
    scale.items.push_back(std::move(objective));
  }
  return scale;
}

}  // namespace reports::render
