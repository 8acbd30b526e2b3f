// Draws what a scenario with `random: true` leaves open: load, way of the WAL, encryption, timeline with its disaster,
// and a restore to fit (docs/scenarios.md, "Random scenarios"). The same seed draws the same on every machine. Internal
// to harness/scenario.
#pragma once

#include <yaml-cpp/yaml.h>

#include <array>
#include <cstdint>
#include <random>

namespace harness::scenario {

// Whole numbers from a seed. The standard library's distributions differ from one implementation to the next.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  [[nodiscard]] std::uint64_t below(std::uint64_t count) { return engine_() % count; }  // count > 0
  [[nodiscard]] std::uint64_t between(std::uint64_t least, std::uint64_t most) {
    return least + below(most - least + 1);
  }
  [[nodiscard]] bool chance(unsigned percent) { return below(100) < percent; }

 private:
  std::mt19937_64 engine_;
};

// Keys of a scenario, and of its source, that the dice fill in.
inline constexpr std::array drawn_keys{"repository", "timeline", "restore"};
inline constexpr std::array drawn_source_keys{"load", "wal"};

// `document` with those keys drawn, and without `random`; what was written is the same node, where it stands. What is
// drawn keeps to the grammar; whether its parts fit together is for the rules to say, and then to draw again.
[[nodiscard]] YAML::Node drawn(const YAML::Node& document, Dice& dice);

}  // namespace harness::scenario
