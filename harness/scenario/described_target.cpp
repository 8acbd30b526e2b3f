#include "harness/scenario/described_target.hpp"

#include "harness/scenario/steps.hpp"

namespace harness::scenario {
namespace {

std::string mark_at(const Steps& steps, std::size_t index) {
  return std::get<MarkStep>(steps[index].what).name;
}

// What came after the mark is replayed too, so it may stand anywhere behind the backup that is restored, the last one;
// recovery cannot stop before it.
std::optional<std::string> mark_for_end_of_wal(const Steps& steps) {
  const auto mark = last_of<MarkStep>(steps);
  const auto backup = last_of<BackupStep>(steps);
  if (mark == nowhere || backup == nowhere || mark < backup) return std::nullopt;
  return mark_at(steps, mark);
}

// The backup's own consistent point is its end: only a mark with nothing written between the two describes it.
std::optional<std::string> mark_for_last_backup(const Steps& steps) {
  const auto backup = last_of<BackupStep>(steps);
  if (backup == nowhere || backup == 0 || !is<MarkStep>(steps[backup - 1])) return std::nullopt;
  if (load_runs_behind(steps, backup)) return std::nullopt;
  return mark_at(steps, backup - 1);
}

bool writes(const Step& step) {
  return is<LoadStep>(step) || is<DisasterStep>(step);
}

// A mark with nothing written between it and the step `at`; it must lie behind a backup itself.
std::optional<std::string> mark_next_to(const Steps& steps, std::size_t at) {
  if (load_runs_behind(steps, at)) return std::nullopt;
  const auto first_backup = first_of<BackupStep>(steps);
  for (auto i = at; i > 0 && i - 1 > first_backup && !writes(steps[i - 1]); --i) {
    if (is<MarkStep>(steps[i - 1])) return mark_at(steps, i - 1);
  }
  if (is<DisasterStep>(steps[at])) return std::nullopt;  // behind it the harm is done
  for (auto i = at + 1; i < steps.size() && !writes(steps[i]); ++i) {
    if (is<MarkStep>(steps[i])) return mark_at(steps, i);
  }
  return std::nullopt;
}

// A mark's own position lies behind all that it describes. Inclusively an LSN adds the record that starts there; an xid
// is that of the last transaction before the point, so it must be in.
bool stops_at_the_point(const RestoreTarget& target) {
  const bool at_disaster = target.point == disaster_point;
  if (target.kind == TargetKind::lsn) return !target.inclusive;
  if (target.kind == TargetKind::xid) return target.inclusive != at_disaster;
  if (target.kind == TargetKind::time) return !(target.inclusive && at_disaster);
  return true;
}

}  // namespace

bool load_runs_behind(const Steps& steps, std::size_t end) {
  bool running = false;
  for (std::size_t i = 0; i < end; ++i) {
    if (const auto* const load = std::get_if<LoadStep>(&steps[i].what)) running = load->keep_running;
  }
  return running;
}

std::size_t step_of_point(const Steps& steps, const RestoreTarget& target) {
  switch (target.kind) {
    case TargetKind::end_of_wal:
    case TargetKind::immediate:
      return nowhere;
    case TargetKind::mark:
      return step_named<MarkStep>(steps, target.point);
    case TargetKind::name:
      return step_named<RestorePointStep>(steps, target.point);
    case TargetKind::time:
    case TargetKind::lsn:
    case TargetKind::xid:
      break;
  }
  if (target.point == disaster_point) return first_harm(steps);
  const auto mark = step_named<MarkStep>(steps, target.point);
  return mark != nowhere ? mark : step_named<RestorePointStep>(steps, target.point);
}

std::optional<std::string> mark_describing_target(const Scenario& scenario) {
  const auto& steps = scenario.timeline;
  const auto& target = scenario.restore.target;
  if (target.kind == TargetKind::end_of_wal) return mark_for_end_of_wal(steps);
  if (target.kind == TargetKind::immediate) return mark_for_last_backup(steps);
  const auto at = step_of_point(steps, target);
  if (at == nowhere || !stops_at_the_point(target)) return std::nullopt;
  return is<MarkStep>(steps[at]) ? mark_at(steps, at) : mark_next_to(steps, at);
}

}  // namespace harness::scenario
