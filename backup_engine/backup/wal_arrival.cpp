#include "backup_engine/backup/wal_arrival.hpp"

#include <fmt/format.h>

#include <optional>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/store/wal_objects.hpp"

namespace backup_engine::backup {

using base::Error;
using base::ErrorKind;

void WalArrival::wait_for(postgres::TimelineId timeline, postgres::Lsn lsn, const std::stop_token& stop) const {
  wait_for(timeline, lsn, lsn, stop);
}

void WalArrival::wait_for(postgres::TimelineId timeline, postgres::Lsn start, postgres::Lsn stop_lsn,
                          const std::stop_token& stop) const {
  const auto look = [&]() -> std::optional<std::string> {
    const auto ranges = store::continuous_ranges(store::list_wal(storage_, cluster_, segment_size_), segment_size_);
    std::string seen = fmt::format("the repository holds no WAL of timeline {}", timeline.number());
    for (const auto& range : ranges) {
      if (range.timeline != timeline) continue;
      if (range.start <= start && stop_lsn <= range.end) return std::nullopt;
      seen = fmt::format("the repository holds {} to {} of timeline {}", to_string(range.start), to_string(range.end),
                         timeline.number());
    }
    return seen;
  };
  const auto wanted = start == stop_lsn ? fmt::format("WAL at {}", to_string(start))
                                        : fmt::format("WAL from {} to {}", to_string(start), to_string(stop_lsn));
  try {
    base::poll_until(base::Deadline::after(timeout_), wanted + " in the repository", look, stop);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::timed_out) throw;
    throw Error(ErrorKind::timed_out, error.what())
        .with_remedy(fmt::format("Run `lifeboat wal receive --repo {} --cluster {} …` beside the backup.",
                                 storage_.location(), cluster_));
  }
}

}  // namespace backup_engine::backup
