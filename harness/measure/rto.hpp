// RTO: from the disaster to a target that takes writes (docs/glossary.md, "RTO"). Pure.
#pragma once

#include <optional>
#include <vector>

#include "backup_engine/base/utc_time.hpp"
#include "reports/record/report.hpp"

namespace harness::measure {

// When each was reached; empty when it was not.
struct RtoInstants {
  backup_engine::base::UtcTime disaster;
  std::optional<backup_engine::base::UtcTime> restored;  // all files in place
  std::optional<backup_engine::base::UtcTime> readable;  // the first query was answered
  std::optional<backup_engine::base::UtcTime> writable;  // promoted, and a write committed: the achieved RTO
  std::optional<backup_engine::base::UtcTime> verified;
};

// `met` compares disaster → writable with the objective; with an objective and a target that never took a write it is
// false, without an objective empty.
[[nodiscard]] reports::record::Rto measure_rto(const RtoInstants& instants, std::vector<reports::record::Phase> phases,
                                               std::optional<double> objective_seconds);

}  // namespace harness::measure
