#include "harness/measure/extrapolation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>

#include "backup_engine/base/quantity_text.hpp"
#include "harness/measure/spread.hpp"

namespace harness::measure {

using backup_engine::base::bytes_text;
using backup_engine::base::seconds_text;
using reports::record::Extrapolation;

namespace {

// PostgreSQL's log, which the time of a replay is read from, has milliseconds.
constexpr double shortest_telling_replay = 0.1;

std::optional<double> rate(std::uint64_t bytes, double seconds) {
  if (bytes == 0 || !std::isfinite(seconds) || seconds <= 0) return std::nullopt;
  return static_cast<double>(bytes) / seconds;
}

bool tells_a_rate(const MeasuredRestore& restore) {
  return restore.database_bytes > 0 && std::isfinite(restore.rto_seconds) && restore.rto_seconds > 0 &&
         rate(restore.restored_bytes, restore.transfer_seconds).has_value();
}

struct Parts {
  double transfer = 0, replay = 0, constant = 0;
  [[nodiscard]] double total() const { return transfer + replay + constant; }
};

// What neither restores bytes nor replays WAL does not grow. Clocks that were set may make the parts more than the
// whole.
Parts parts_at(const MeasuredRestore& restore, std::uint64_t size_bytes) {
  const auto factor = static_cast<double>(size_bytes) / static_cast<double>(restore.database_bytes);
  const auto replay = rate(restore.replayed_wal_bytes, restore.replay_seconds) ? restore.replay_seconds : 0.0;
  return {restore.transfer_seconds * factor, replay * factor,
          std::max(0.0, restore.rto_seconds - restore.transfer_seconds - replay)};
}

std::string size_text(double bytes) {
  return bytes < 1e18 ? bytes_text(static_cast<std::uint64_t>(bytes)) : "more than 1000 PB";
}

std::string times_text(double factor) {
  if (factor < 0.1) return "less than a tenth of";
  if (factor < 10) return fmt::format("{:.1f} times", factor);
  return fmt::format("{:.0f} times", factor);
}

// The further away, the plainer.
std::string distance_text(double factor) {
  if (factor <= 1) return "It is no larger than what was measured: what does not grow with size was kept as it is.";
  if (factor <= 2) return "It is close to what was measured.";
  if (factor <= 10) return "It holds if the rates stay the same: caches and disks may not keep them at that size.";
  if (factor <= 100) {
    return "A rough estimate: caches, disks and the number of files behave otherwise at that size. Drill a larger "
           "database before you promise this.";
  }
  return "An order of magnitude at best, and no promise: too little was measured to speak of that size. Drill a larger "
         "database.";
}

std::string wal_text(const std::vector<MeasuredRestore>& restores, double factor) {
  const auto replay = replay_rate(restores);
  if (!replay)
    return "No WAL was replayed that a rate could be taken from: replay is left out, and the true RTO is longer.";
  std::vector<double> bytes, seconds;
  for (const auto& restore : restores) {
    bytes.push_back(static_cast<double>(restore.replayed_wal_bytes));
    seconds.push_back(restore.replay_seconds);
  }
  const auto wal = *median_of(bytes) * factor;
  auto text = fmt::format("WAL to replay is taken to grow alike, to {}; each GB of it more or less is {}.",
                          size_text(wal), seconds_text(1e9 / *replay));
  if (median_of(seconds).value_or(0) < shortest_telling_replay) {
    text += fmt::format(" Replay took {} when it was measured: too short for a rate to be trusted.",
                        seconds_text(*median_of(seconds)));
  }
  return text;
}

template <typename Part>
std::vector<double> each(const std::vector<MeasuredRestore>& restores, Part part) {
  std::vector<double> values;
  for (const auto& restore : restores) values.push_back(static_cast<double>(part(restore)));
  return values;
}

}  // namespace

std::optional<MeasuredRestore> measured_restore(const reports::record::RestoreRecord& restore) {
  const auto& volume = restore.volume;
  if (!restore.size.database_bytes || !volume.restored_bytes || !restore.rto.writable_seconds) return std::nullopt;
  MeasuredRestore measured;
  measured.database_bytes = *restore.size.database_bytes;
  measured.restored_bytes = *volume.restored_bytes;
  for (const auto& phase : restore.rto.phases) {
    if (phase.name == "fetch" || phase.name == "restore") measured.transfer_seconds += phase.seconds;
  }
  measured.replayed_wal_bytes = volume.replayed_wal_bytes.value_or(0);
  measured.replay_seconds = volume.replay_seconds.value_or(0);
  measured.rto_seconds = *restore.rto.writable_seconds;
  return measured;
}

std::optional<double> restore_rate(const std::vector<MeasuredRestore>& restores) {
  std::vector<double> rates;
  for (const auto& restore : restores) {
    if (const auto one = rate(restore.restored_bytes, restore.transfer_seconds)) rates.push_back(*one);
  }
  return median_of(std::move(rates));
}

std::optional<double> replay_rate(const std::vector<MeasuredRestore>& restores) {
  std::vector<double> rates;
  for (const auto& restore : restores) {
    if (const auto one = rate(restore.replayed_wal_bytes, restore.replay_seconds)) rates.push_back(*one);
  }
  return median_of(std::move(rates));
}

Extrapolation extrapolate(const std::vector<MeasuredRestore>& restores, std::uint64_t size_bytes) {
  Extrapolation result;
  result.size_bytes = size_bytes;
  std::vector<MeasuredRestore> telling;
  std::copy_if(restores.begin(), restores.end(), std::back_inserter(telling), tells_a_rate);
  if (telling.empty() || size_bytes == 0) {
    result.caveat = size_bytes == 0 ? "Not extrapolated: a database of no size is none."
                                    : "Not extrapolated: no restore was measured that a rate could be taken from.";
    return result;
  }
  const auto measured = *median_of(each(telling, [](const auto& restore) { return restore.database_bytes; }));
  result.factor = static_cast<double>(size_bytes) / measured;
  std::vector<Parts> parts;
  for (const auto& restore : telling) parts.push_back(parts_at(restore, size_bytes));
  std::sort(parts.begin(), parts.end(), [](const Parts& a, const Parts& b) { return a.total() < b.total(); });
  std::vector<double> totals;
  for (const auto& part : parts) totals.push_back(part.total());
  result.rto_seconds = median_of(totals);
  result.lowest_seconds = totals.front();
  result.highest_seconds = totals.back();
  const auto& below = parts[(parts.size() - 1) / 2];
  const auto& above = parts[parts.size() / 2];
  result.transfer_seconds = (below.transfer + above.transfer) / 2;
  result.replay_seconds = (below.replay + above.replay) / 2;
  result.constant_seconds = (below.constant + above.constant) / 2;
  result.caveat =
      fmt::format("{} is {} what was measured ({}). {} {}", bytes_text(size_bytes), times_text(*result.factor),
                  size_text(measured), distance_text(*result.factor), wal_text(telling, *result.factor));
  return result;
}

}  // namespace harness::measure
