#include "harness/scenario/steps.hpp"

#include "harness/scenario/disaster_kinds.hpp"

namespace harness::scenario {

namespace {

template <typename Wanted>
std::size_t first_disaster(const Steps& steps, const Wanted& wanted, std::size_t from = 0) {
  for (std::size_t i = from; i < steps.size(); ++i) {
    const auto* const disaster = std::get_if<DisasterStep>(&steps[i].what);
    if (disaster != nullptr && wanted(effect_of(disaster->kind))) return i;
  }
  return nowhere;
}

}  // namespace

bool loses_server(const DisasterStep& step) {
  return effect_of(step.kind) == Effect::ends_server;
}

bool harms_segment(const DisasterStep& step) {
  return step.kind == "lose_segment" || step.kind == "damage_segment";
}

std::size_t first_harm(const Steps& steps) {
  return first_disaster(
      steps, [](const auto& effect) { return effect == Effect::ends_server || effect == Effect::changes_data; });
}

std::size_t first_change(const Steps& steps) {
  return first_disaster(steps, [](const auto& effect) { return effect == Effect::changes_data; });
}

std::size_t server_end(const Steps& steps) {
  return first_disaster(steps, [](const auto& effect) { return effect == Effect::ends_server; });
}

std::size_t next_failover(const Steps& steps, std::size_t from) {
  return first_disaster(
      steps, [](const auto& effect) { return effect == Effect::moves_source; }, from);
}

}  // namespace harness::scenario
