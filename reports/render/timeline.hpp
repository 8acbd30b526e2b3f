// Private to reports/render: when what happened in a drill, on two scales: the source until its disaster, and the
// recovery from the disaster on. Pure; drawn by timeline_view.hpp.
#pragma once

#include <string>
#include <vector>

#include "reports/record/journal.hpp"
#include "reports/record/report.hpp"

namespace reports::render {

struct TimelineSpan {
  double begin = 0, end = 0;  // seconds on the scale; the same for a moment
};

struct TimelineItem {
  enum class Kind { load, backup, mark, disaster, target, reached, discarded, phase, achieved, objective };
  Kind kind = Kind::load;
  std::string name, when, detail;   // as people read them; any bytes
  std::vector<TimelineSpan> spans;  // empty: it is not known when
};

struct TimelineScale {
  std::string title;
  double seconds = 0;  // its length; spans lie within
  std::vector<TimelineItem> items;
};

// Seconds from the start of the first phase to the start of each; one after the other where the times are not known.
[[nodiscard]] std::vector<double> phase_starts(const std::vector<record::Phase>& phases);

// Loads, backups, marks, disasters, then the last restore's target, what it reached and what it gave up. Times are
// taken from the journal; without one, a backup's from its label. A target far beyond what else is known would make
// that unreadable: it then stands at the edge, and `when` says so. No items, when no time is known at all.
[[nodiscard]] TimelineScale source_scale(const record::Report& report,
                                         const std::vector<record::JournalEvent>& journal);

// The last restore's phases from the disaster on, the achieved RTO and its objective (without a place when it is more
// than three times as long as everything else). No items, when nothing was measured.
[[nodiscard]] TimelineScale recovery_scale(const record::Report& report);

}  // namespace reports::render
