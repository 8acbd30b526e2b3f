#include "harness/restore/stored_wal.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/space.hpp"
#include "backup_engine/postgres/timeline.hpp"
#include "backup_engine/postgres/wal_segment.hpp"
#include "backup_engine/wal.hpp"

namespace harness::restore {

namespace base = backup_engine::base;
namespace pg = backup_engine::postgres;
using base::Error;
using base::ErrorKind;

namespace {

pg::Lsn position(const std::string& lsn) {
  const auto parsed = pg::parse_lsn(lsn);
  if (!parsed) throw Error(ErrorKind::internal, fmt::format("'{}' is no LSN", lsn));
  return *parsed;
}

class Fetching {
 public:
  Fetching(const StoredWalOrder& order, const std::stop_token& stop)
      : order_(order), stop_(stop), size_(pg::SegmentSize::of_bytes(order.segment_bytes)) {}

  StoredWal run() {
    find_path();
    auto begin = position(order_.from_lsn);
    require_room(begin);
    for (const auto& left : wal_.left) {
      const auto end = position(left.at_lsn);
      take(pg::segment_holding(pg::TimelineId(left.timeline), begin, size_),
           pg::segment_ending_at(pg::TimelineId(left.timeline), end, size_).number, Missing::last_one);
      begin = end;
    }
    const pg::TimelineId timeline(order_.reached_timeline);
    const auto reached = pg::segment_ending_at(timeline, position(order_.reached_lsn), size_);
    const auto first = pg::segment_holding(timeline, begin, size_);
    take(first, reached.number, Missing::none);
    take({timeline, std::max(first.number, reached.number + 1)}, reached.number + order_.beyond, Missing::the_rest);
    return wal_;
  }

 private:
  // What of a stretch need not be there: the segment in which a timeline was left is the next timeline's to hold; and
  // behind the point that was reached WAL may end anywhere.
  enum class Missing { none, last_one, the_rest };

  void find_path() {
    if (order_.from_timeline == order_.reached_timeline) return;
    const auto name = pg::history_file_name(pg::TimelineId(order_.reached_timeline));
    if (!fetch(name)) throw Error(ErrorKind::not_found, fmt::format("the repository does not hold {}", name));
    for (const auto& left : pg::parse_history(base::read_file(order_.to / name))) {
      const bool before = wal_.left.empty() && left.parent.number() != order_.from_timeline;
      if (!before) wal_.left.push_back({left.parent.number(), pg::to_string(left.switch_lsn)});
    }
    std::filesystem::remove(order_.to / name);
  }

  void require_room(pg::Lsn begin) {
    const auto reached = position(order_.reached_lsn);
    const auto bytes = reached > begin ? reached - begin : 0;
    base::require_space("the WAL that the restore is judged with", order_.to,
                        bytes + (order_.beyond + 2) * size_.bytes());
  }

  void take(pg::WalSegment segment, std::uint64_t last, Missing missing) {
    for (; segment.number <= last; ++segment.number) {
      if (stop_.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
      const auto name = pg::file_name(segment, size_);
      if (fetch(name)) {
        ++wal_.segments;
        continue;
      }
      if (missing == Missing::the_rest || (missing == Missing::last_one && segment.number == last)) return;
      throw Error(ErrorKind::not_found,
                  fmt::format("the repository does not hold {}, which recovery went through", name));
    }
  }

  bool fetch(const std::string& name) {
    const backup_engine::WalFetchRequest request{
        {order_.repository.string(), order_.key_file}, order_.cluster, name, order_.to / name};
    return backup_engine::fetch_wal(request) == backup_engine::WalFetchOutcome::fetched;
  }

  const StoredWalOrder& order_;
  const std::stop_token& stop_;
  pg::SegmentSize size_;
  StoredWal wal_;
};

}  // namespace

StoredWal fetch_stored_wal(const StoredWalOrder& order, const std::stop_token& stop) {
  return Fetching(order, stop).run();
}

}  // namespace harness::restore
