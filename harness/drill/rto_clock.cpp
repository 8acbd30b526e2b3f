#include "harness/drill/rto_clock.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>

namespace harness::drill {

namespace base = backup_engine::base;

namespace {

double seconds_between(base::UtcTime from, base::UtcTime to) {
  return std::chrono::duration<double>(to - from).count();
}

server::ResourceUse share_of(const server::ResourceUse& use, double share) {
  const auto part = [share](std::uint64_t bytes) {
    return static_cast<std::uint64_t>(std::llround(static_cast<double>(bytes) * share));
  };
  return {use.cpu_seconds * share, use.peak_memory_bytes, part(use.read_bytes), part(use.written_bytes)};
}

}  // namespace

RtoClock::RtoClock(double spent_seconds)
    : started_at_(base::utc_now() -
                  std::chrono::duration_cast<Time::duration>(std::chrono::duration<double>(spent_seconds))),
      phase_began_(started_at_),
      meter_(::getpid()) {}

void RtoClock::add(const std::string& name, Time from, double seconds, const server::ResourceUse& use) {
  phases_.push_back({name,
                     base::to_rfc3339(from),
                     seconds,
                     {use.cpu_seconds, use.peak_memory_bytes, use.read_bytes, use.written_bytes}});
}

void RtoClock::end_phase(const std::string& name) {
  const auto now = base::utc_now();
  add(name, phase_began_, seconds_between(phase_began_, now), meter_.lap());
  phase_began_ = now;
}

void RtoClock::end_phases(const std::vector<std::pair<std::string, double>>& name_and_seconds) {
  const auto use = meter_.lap();
  double total = 0;
  for (const auto& [name, seconds] : name_and_seconds) total += seconds;
  auto from = phase_began_;
  for (const auto& [name, seconds] : name_and_seconds) {
    add(name, from, seconds, share_of(use, total > 0 ? seconds / total : 0));
    from += std::chrono::duration_cast<Time::duration>(std::chrono::duration<double>(seconds));
  }
  phase_began_ = from;
}

void RtoClock::end_recovery(const restore::Milestones& milestones) {
  const auto use = meter_.lap();
  const auto started = milestones.started;
  const auto readable = milestones.readable.value_or(started);
  // A cluster that had nothing to replay says neither: both are then reached when it answers.
  const auto replayed = milestones.replayed.value_or(readable);
  const auto consistent = milestones.consistent.value_or(readable);
  add("replay", started, std::max(0.0, seconds_between(started, replayed)), use);
  add("consistent", started, std::max(0.0, seconds_between(started, consistent)), {});
  add("readable", started, seconds_between(started, readable), {});
  const auto writable = milestones.writable.value_or(readable);
  add("writable", readable, seconds_between(readable, writable), {});
  phase_began_ = base::utc_now();
}

}  // namespace harness::drill
