// The RTO clock: phases with their duration and what they used. Those of a recovery overlap as PostgreSQL's do
// (docs/glossary.md, "RTO"); what it used is then booked under replay.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "backup_engine/base/utc_time.hpp"
#include "harness/restore/restore.hpp"
#include "harness/server/resource_meter.hpp"
#include "reports/record/report.hpp"

namespace harness::drill {

class RtoClock {
 public:
  using Time = backup_engine::base::UtcTime;

  // Starts; `spent_seconds` of the recovery have passed already and belong to the first phase that takes time.
  explicit RtoClock(double spent_seconds = 0);

  // The phase that has just ended; it began when the one before did end.
  void end_phase(const std::string& name);
  // As end_phase for several phases, one after another, whose lengths are known; the use is shared out by length. The
  // next phase begins where they end.
  void end_phases(const std::vector<std::pair<std::string, double>>& name_and_seconds);
  // replay, consistent, readable and writable, as the milestones tell.
  void end_recovery(const restore::Milestones& milestones);

  [[nodiscard]] Time started_at() const { return started_at_; }
  [[nodiscard]] const std::vector<reports::record::Phase>& phases() const { return phases_; }

 private:
  void add(const std::string& name, Time from, double seconds, const server::ResourceUse& use);

  Time started_at_, phase_began_;
  server::ResourceMeter meter_;
  std::vector<reports::record::Phase> phases_;
};

}  // namespace harness::drill
