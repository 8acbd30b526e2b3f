#include "harness/measure/rto.hpp"

#include <chrono>
#include <utility>

namespace harness::measure {

using backup_engine::base::UtcTime;
using reports::record::Phase;
using reports::record::Rto;

namespace {

std::optional<double> seconds_between(UtcTime from, const std::optional<UtcTime>& to) {
  if (!to) return std::nullopt;
  return std::chrono::duration<double>(*to - from).count();
}

}  // namespace

Rto measure_rto(const RtoInstants& instants, std::vector<Phase> phases, std::optional<double> objective_seconds) {
  Rto rto;
  rto.phases = std::move(phases);
  rto.restored_seconds = seconds_between(instants.disaster, instants.restored);
  rto.readable_seconds = seconds_between(instants.disaster, instants.readable);
  rto.writable_seconds = seconds_between(instants.disaster, instants.writable);
  rto.verified_seconds = seconds_between(instants.disaster, instants.verified);
  rto.objective_seconds = objective_seconds;
  if (objective_seconds) rto.met = rto.writable_seconds && *rto.writable_seconds <= *objective_seconds;
  return rto;
}

}  // namespace harness::measure
