// Which backups the rules keep: a pure function, so that every history can be tried. Defined in docs/retention.md.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "backup_engine/expire.hpp"

namespace backup_engine::retention {

struct Candidate {
  std::string label;
  std::string chain;         // the label of the full that its chain began with; its own for a full
  base::UtcTime stopped_at;  // the point that it restores to by itself, by a clock
  postgres::TimelineId timeline;
  postgres::Lsn stop_lsn;  // with the timeline: which of two is newer, whatever clocks say
  bool restorable = true;
  std::string held_by;  // who needs it now; empty: nobody
};

struct Selection {
  std::map<std::string, std::vector<std::string>> kept;  // label to reasons
  std::vector<std::string> expired;
  std::string window_base;  // the WAL from its start on stays without a gap; empty: no backup is restorable
};

// Only restorable backups count. Of one that is not restorable nothing is known but its age: it stays until it is
// older than every restorable one kept. Throws Error(usage) without a rule, and when no restorable one would stay.
[[nodiscard]] Selection select(std::vector<Candidate> candidates, const RetentionRules& rules, base::UtcTime now);

}  // namespace backup_engine::retention
