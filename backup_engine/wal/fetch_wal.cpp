#include <optional>

#include "backup_engine/wal.hpp"
#include "backup_engine/wal/asked_file.hpp"
#include "backup_engine/wal/prefetch.hpp"
#include "backup_engine/wal/served_fetch.hpp"
#include "backup_engine/wal/spool.hpp"
#include "backup_engine/wal/whole_file.hpp"

namespace backup_engine {

namespace {

class Fetch {
 public:
  explicit Fetch(const WalFetchRequest& request)
      : request_(request),
        folder_(request.to.has_parent_path() ? request.to.parent_path() : "."),
        spool_(folder_, request.repository.text, request.cluster) {}

  // What lies ready needs no look at the repository.
  WalFetchOutcome run() {
    if (request_.prefetch == 0) return fetch_directly();
    if (const auto size = spool_.take(request_.file_name, request_.to)) {
      go_on_behind(*size);
      return WalFetchOutcome::fetched;
    }
    const auto outcome = fetch_directly();
    const bool is_segment = size_ && parse_segment_name(request_.file_name, *size_);
    if (outcome == WalFetchOutcome::fetched && is_segment) {
      go_on_behind(*size_);
    } else {
      // The end of WAL, or the search for a timeline that comes before and after recovery: nothing is wanted ahead.
      spool_.clear();
    }
    return outcome;
  }

 private:
  // While half of what may lie there still does, whoever fills it is at work or can be woken later.
  void go_on_behind(postgres::SegmentSize size) const {
    const auto segment = parse_segment_name(request_.file_name, size);
    const auto count = segment ? wal::spool_limit(request_.prefetch, size, folder_) : 0;
    if (count == 0) return;
    auto half_way = *segment;
    half_way.number += (count + 1) / 2;
    if (spool_.holds(file_name(half_way, size)) || !spool_.make()) return;
    spool_.keep_near(*segment, size, count);
    wal::start_behind(spool_, [&] {
      const auto opened = wal::open_archive(request_.repository, request_.cluster);
      wal::prefetch(opened.archive, spool_, *segment, count);
    });
  }

  WalFetchOutcome fetch_directly() {
    const auto opened = wal::open_archive(request_.repository, request_.cluster);
    size_ = opened.archive.segment_size();
    return wal::write_whole(request_.to, [&](const auto& write) {
      return wal::copy_asked(opened.archive, request_.cluster, request_.file_name, asked_by(), write);
    });
  }

  // PostgreSQL asks for a file in pg_wal.
  [[nodiscard]] wal::AskedBy asked_by() const {
    std::error_code ignored;
    const auto above = folder_.parent_path();
    const auto data_directory = above.empty() ? std::filesystem::path(".") : above;
    return std::filesystem::exists(data_directory / "standby.signal", ignored) ? wal::AskedBy::standby
                                                                               : wal::AskedBy::recovery;
  }

  const WalFetchRequest& request_;
  std::filesystem::path folder_;
  wal::Spool spool_;
  std::optional<postgres::SegmentSize> size_;  // once the repository was looked at
};

}  // namespace

WalFetchOutcome fetch_wal(const WalFetchRequest& request) {
  if (!request.socket.empty()) return wal::fetch_served(request.socket, request.file_name, request.to);
  return Fetch(request).run();
}

}  // namespace backup_engine
