#include "backup_engine/backup/wal_arrival.hpp"

#include <fmt/format.h>

#include <optional>
#include <set>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/store/wal_objects.hpp"

namespace backup_engine::backup {

using base::Error;
using base::ErrorKind;

namespace {

// As long as a receiver takes for WAL that was written just now.
constexpr auto late_after = std::chrono::milliseconds(500);

}  // namespace

void WalArrival::wait_for(postgres::TimelineId timeline, postgres::Lsn lsn, const std::stop_token& stop,
                          const std::function<void()>& when_late) const {
  wait_for(timeline, lsn, lsn, stop, when_late);
}

void WalArrival::wait_for(postgres::TimelineId timeline, postgres::Lsn start, postgres::Lsn stop_lsn,
                          const std::stop_token& stop, const std::function<void()>& when_late) const {
  const auto late = base::Deadline::after(late_after);
  bool told_late = !when_late;
  const auto look = [&]() -> std::optional<std::string> {
    const auto ranges = store::continuous_ranges(store::list_wal(storage_, cluster_, segment_size_), segment_size_);
    std::string seen = fmt::format("the repository holds no WAL of timeline {}", timeline.number());
    for (const auto& range : ranges) {
      if (range.timeline != timeline) continue;
      if (range.start <= start && stop_lsn <= range.end) return std::nullopt;
      seen = fmt::format("the repository holds {} to {} of timeline {}", to_string(range.start), to_string(range.end),
                         timeline.number());
    }
    if (!told_late && late.expired()) {
      told_late = true;
      when_late();
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
        .with_remedy(
            fmt::format("Run `lifeboat wal receive --repo {0} --cluster {1} …` beside the backup; or, where WAL "
                        "comes by archive_command, see what the server's log says of `lifeboat wal push`, "
                        "and let the role end segments: GRANT EXECUTE ON FUNCTION pg_switch_wal() TO …",
                        storage_.location(), cluster_));
  }
}

void WalArrival::make_durable(postgres::TimelineId timeline, postgres::Lsn start, postgres::Lsn stop_lsn) const {
  std::set<std::string> folders{store::wal_prefix(cluster_)};
  const auto last = postgres::segment_ending_at(timeline, stop_lsn, segment_size_);
  for (auto segment = postgres::segment_holding(timeline, start, segment_size_); segment.number <= last.number;
       ++segment.number) {
    folders.insert(store::wal_folder(cluster_, segment, segment_size_));
  }
  for (const auto& folder : folders) storage_.make_durable(folder);
}

}  // namespace backup_engine::backup
