// The RTO of a database of another size, from the rates that restores of this one were measured at: bytes to put into
// place and WAL to replay grow with the database, the rest stays (docs/statistics.md). Pure; never a verdict.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "reports/record/report.hpp"

namespace harness::measure {

// One restore: how much went through, how long that took, and the whole RTO, of which the two are parts.
struct MeasuredRestore {
  std::uint64_t database_bytes = 0;
  std::uint64_t restored_bytes = 0;
  double transfer_seconds = 0;  // phases fetch and restore
  std::uint64_t replayed_wal_bytes = 0;
  double replay_seconds = 0;
  double rto_seconds = 0;
};

// Of a record; nullopt when it lacks what an extrapolation rests on: size, volume, or an RTO that was reached.
[[nodiscard]] std::optional<MeasuredRestore> measured_restore(const reports::record::RestoreRecord& restore);

// Bytes a second, the median over the restores that tell a rate: those with bytes and with time. nullopt: none does.
[[nodiscard]] std::optional<double> restore_rate(const std::vector<MeasuredRestore>& restores);
[[nodiscard]] std::optional<double> replay_rate(const std::vector<MeasuredRestore>& restores);

// Without a restore that tells a rate, or with a size of 0, only size and caveat are set, and the caveat says why.
[[nodiscard]] reports::record::Extrapolation extrapolate(const std::vector<MeasuredRestore>& restores,
                                                         std::uint64_t size_bytes);

}  // namespace harness::measure
