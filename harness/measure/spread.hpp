// How a time varies over the repeats of one restore: minimum, median, 95th percentile, maximum and standard deviation
// (docs/statistics.md). Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reports/record/report.hpp"

namespace harness::measure {

// With fewer samples the 95th percentile by nearest rank is the maximum.
constexpr unsigned least_samples_for_percentile = 20;

// The middle one; of an even number the mean of the two in the middle. nullopt when none is finite.
[[nodiscard]] std::optional<double> median_of(std::vector<double> samples);

// Samples that are not finite are left out; nullopt when none is left. percentile_95_seconds: by nearest rank, the
// ceil(0.95 n)-th smallest; standard_deviation_seconds: of the sample, with n - 1.
[[nodiscard]] std::optional<reports::record::Spread> spread_of(std::string name, std::vector<double> seconds);

// Of each phase, in the order of the first restore that has it, and of the milestones restored, readable and writable.
// `verified` is left out: it is no part of the RTO, and only one restore is verified.
[[nodiscard]] std::vector<reports::record::Spread> spread_of_phases(const std::vector<reports::record::Rto>& repeats);
[[nodiscard]] std::vector<reports::record::Spread> spread_of_milestones(
    const std::vector<reports::record::Rto>& repeats);

}  // namespace harness::measure
