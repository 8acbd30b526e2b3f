#include "harness/measure/spread.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

namespace harness::measure {

using reports::record::Rto;
using reports::record::Spread;

namespace {

void keep_finite(std::vector<double>& samples) {
  std::erase_if(samples, [](double sample) { return !std::isfinite(sample); });
  std::sort(samples.begin(), samples.end());
}

double middle_of(const std::vector<double>& sorted) {
  const auto half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

// In whole numbers: 0.95 × 20 as a binary fraction is more than 19.
double percentile_95(const std::vector<double>& sorted) {
  return sorted[(95 * sorted.size() + 99) / 100 - 1];
}

std::optional<double> deviation_of(const std::vector<double>& samples) {
  if (samples.size() < 2) return std::nullopt;
  const auto count = static_cast<double>(samples.size());
  const auto mean = std::accumulate(samples.begin(), samples.end(), 0.0) / count;
  double squares = 0;
  for (const double sample : samples) squares += (sample - mean) * (sample - mean);
  return std::sqrt(squares / (count - 1));
}

void add(std::vector<Spread>& spreads, const std::string& name, std::vector<double> seconds) {
  if (auto spread = spread_of(name, std::move(seconds))) spreads.push_back(*std::move(spread));
}

std::vector<double> seconds_of_phase(const std::vector<Rto>& repeats, const std::string& name) {
  std::vector<double> seconds;
  for (const auto& rto : repeats) {
    for (const auto& phase : rto.phases) {
      if (phase.name == name) seconds.push_back(phase.seconds);
    }
  }
  return seconds;
}

}  // namespace

std::optional<double> median_of(std::vector<double> samples) {
  keep_finite(samples);
  return samples.empty() ? std::nullopt : std::optional(middle_of(samples));
}

std::optional<Spread> spread_of(std::string name, std::vector<double> seconds) {
  keep_finite(seconds);
  if (seconds.empty()) return std::nullopt;
  return Spread{std::move(name),        static_cast<unsigned>(seconds.size()),
                seconds.front(),        middle_of(seconds),
                percentile_95(seconds), seconds.back(),
                deviation_of(seconds)};
}

std::vector<Spread> spread_of_phases(const std::vector<Rto>& repeats) {
  std::vector<std::string> names;
  for (const auto& rto : repeats) {
    for (const auto& phase : rto.phases) {
      if (phase.name == "verified" || std::find(names.begin(), names.end(), phase.name) != names.end()) continue;
      names.push_back(phase.name);
    }
  }
  std::vector<Spread> spreads;
  for (const auto& name : names) add(spreads, name, seconds_of_phase(repeats, name));
  return spreads;
}

std::vector<Spread> spread_of_milestones(const std::vector<Rto>& repeats) {
  constexpr std::array<std::pair<const char*, std::optional<double> Rto::*>, 3> milestones{
      {{"restored", &Rto::restored_seconds},
       {"readable", &Rto::readable_seconds},
       {"writable", &Rto::writable_seconds}}};
  std::vector<Spread> spreads;
  for (const auto& [name, seconds] : milestones) {
    std::vector<double> samples;
    for (const auto& rto : repeats) {
      if (rto.*seconds) samples.push_back(*(rto.*seconds));
    }
    add(spreads, name, std::move(samples));
  }
  return spreads;
}

}  // namespace harness::measure
