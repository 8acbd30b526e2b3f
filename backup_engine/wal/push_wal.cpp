#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <optional>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/parallel.hpp"
#include "backup_engine/postgres/control_file.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/wal/push.hpp"
#include "backup_engine/wal/segment_header.hpp"
#include "backup_engine/wal/settle.hpp"
#include "backup_engine/wal/unfinished_segment.hpp"
#include "backup_engine/wal/wal_archive.hpp"

namespace backup_engine {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;
using postgres::TimelineId;
using postgres::WalSegment;

namespace wal {
namespace {

using Bytes = std::vector<std::byte>;

// Of all files that are pushed at the same time.
constexpr std::uint64_t most_bytes_in_memory = std::uint64_t{64} << 20U;
constexpr std::uint64_t most_text_bytes = std::uint64_t{1} << 20U;  // of a .history or .backup

Bytes read_bytes(const fs::path& path, std::uint64_t most_bytes) {
  const auto fd = base::open_for_reading(path);
  const auto size = fs::file_size(path);
  if (size > most_bytes) {
    throw Error(ErrorKind::corrupt, fmt::format("{} has {} bytes, which is too many", path.string(), size))
        .with_remedy("it is no file of this cluster's WAL; nothing of it was kept");
  }
  Bytes bytes(size);
  bytes.resize(base::read_at(fd.get(), bytes, 0, path));
  return bytes;
}

std::string_view text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class Push {
 public:
  Push(const WalPushRequest& request, store::Storage& storage)
      : request_(request),
        storage_(storage),
        folder_(request.file.parent_path()),
        name_(request.file.filename().string()),
        cluster_(find_cluster()),
        archive_(storage, request.cluster, cluster_.wal_segment_size, request.compression) {}

  WalPushResult run() {
    if (const auto timeline = postgres::parse_history_file_name(name_)) {
      push_history(*timeline);
      return {};
    }
    if (const auto segment = parse_segment_name(name_, cluster_.wal_segment_size)) {
      const bool was_there = archive_.has_segment(*segment);
      push_segment(*segment, request_.file);
      // What was there came along with an earlier one, and those behind it too: so they are looked at once.
      return {was_there, was_there ? 0 : push_ready_behind(*segment)};
    }
    push_extra();
    return {};
  }

 private:
  // The data directory is the archive_command's working directory, and above pg_wal in any case.
  store::ClusterIdentity find_cluster() {
    const auto above = folder_.parent_path();
    const auto data_directory = above.empty() ? fs::path(".") : above;
    std::error_code ignored;
    if (!fs::exists(data_directory / "global" / "pg_control", ignored)) {
      return store::read_cluster(storage_, request_.cluster);
    }
    const auto control = postgres::read_control_file(data_directory);
    return store::open_or_create_cluster(
        storage_, request_.cluster,
        {control.system_identifier, control.major, control.segment_size, control.data_checksums});
  }

  [[nodiscard]] FindHistory find_history() const {
    return [this](TimelineId timeline) -> std::optional<std::vector<postgres::TimelineSwitch>> {
      if (const auto held = archive_.read_history(timeline)) return postgres::parse_history(*held);
      const auto beside = folder_ / history_file_name(timeline);
      std::error_code ignored;
      if (!fs::exists(beside, ignored)) return std::nullopt;
      return postgres::parse_history(text_of(read_bytes(beside, most_text_bytes)));
    };
  }

  void require_belongs(ByteSource& bytes, const WalSegment& segment, const fs::path& path) const {
    const auto head = bytes.piece(0, std::min<std::uint64_t>(segment_header_bytes, bytes.size_bytes()));
    wal::require_belongs(head, bytes.size_bytes(), segment, cluster_, find_history(), path.string());
  }
  Bytes read_segment(const WalSegment& segment, const fs::path& path) const {
    auto bytes = read_bytes(path, cluster_.wal_segment_size.bytes());
    MemorySource source(bytes);
    require_belongs(source, segment, path);
    return bytes;
  }

  // PostgreSQL keeps the file as it is until this process has ended.
  void push_segment(const WalSegment& segment, const fs::path& path) {
    FileSource bytes(path);
    require_belongs(bytes, segment, path);
    require_finished(bytes, segment, cluster_, find_history(), path);
    const auto parts = archive_.parts_of(segment);
    require_same_as_parts(segment, parts, bytes);
    archive_.put_segment(segment, bytes);
    if (!parts.empty()) settle(archive_, {SettleTask::Kind::close, segment});
  }

  // What a receiver took of the same segment must be the same WAL.
  void require_same_as_parts(const WalSegment& segment, const std::vector<WalPart>& parts, ByteSource& bytes) {
    const auto start = start_of(segment, cluster_.wal_segment_size);
    for (const auto& part : parts) {
      const auto held = read_if_still_there(part);
      if (!held || std::ranges::equal(*held, bytes.piece(part.from - start, part.to - part.from))) continue;
      throw Error(ErrorKind::mismatch,
                  fmt::format("{} holds other WAL than {}; it stays as it was", part.object, name_))
          .with_remedy(
              "two servers that went different ways write into one cluster name: find out which one it belongs to");
    }
  }
  std::optional<Bytes> read_if_still_there(const WalPart& part) {
    try {
      return archive_.read_part(part.object);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::not_found) throw;
      return std::nullopt;  // a receiver has just closed the segment
    }
  }

  void push_history(TimelineId timeline) {
    const auto bytes = read_bytes(request_.file, most_text_bytes);
    if (postgres::parse_history(text_of(bytes)).empty()) {
      throw Error(ErrorKind::corrupt, fmt::format("{} names no timeline that it branched off", request_.file.string()))
          .with_remedy("it is damaged; nothing of it was kept");
    }
    archive_.put_history(timeline, text_of(bytes));
  }

  // PostgreSQL's own names for what else it archives: SEGMENT.partial, the last one of a timeline that was left, and
  // SEGMENT.OFFSET.backup, where and when a backup was taken.
  void push_extra() {
    const auto segment_name = name_.substr(0, name_.find('.'));
    const auto segment = parse_segment_name(segment_name, cluster_.wal_segment_size);
    const bool partial = name_.ends_with(".partial");
    (void)store::wal_extra_name(request_.cluster, name_, cluster_.wal_segment_size);  // refuses any other name
    if (partial) {
      archive_.put_extra(name_, read_segment(segment.value(), request_.file));
      return;
    }
    const auto bytes = read_bytes(request_.file, most_text_bytes);
    if (text_of(bytes).find(fmt::format("(file {})", segment_name)) == std::string_view::npos) {
      throw Error(ErrorKind::mismatch,
                  fmt::format("{} does not tell of a backup that began in {}", request_.file.string(), segment_name))
          .with_remedy("it was renamed or is damaged; nothing of it was kept");
    }
    archive_.put_extra(name_, bytes);
  }

  // PostgreSQL asks for one segment after the other, and each waits for the disk. Those that it will ask for next are
  // marked: they do not change any more. It finds them there with the same content, and says so to nobody but us.
  unsigned push_ready_behind(const WalSegment& segment) {
    std::vector<WalSegment> ready;
    for (auto next = segment; ready.size() < request_.ahead;) {
      ++next.number;
      if (!is_ready(next)) break;
      ready.push_back(next);
    }
    const auto fitting = std::max<std::uint64_t>(1, most_bytes_in_memory / cluster_.wal_segment_size.bytes());
    const auto jobs = static_cast<unsigned>(std::min<std::uint64_t>(std::max(1U, request_.jobs), fitting));
    std::atomic<unsigned> pushed = 0;
    base::for_each_in_parallel(jobs, ready.size(), [&](std::size_t i) {
      if (push_if_still_ready(ready[i])) ++pushed;
    });
    return pushed;
  }
  [[nodiscard]] bool is_ready(const WalSegment& segment) const {
    std::error_code ignored;
    const auto name = file_name(segment, cluster_.wal_segment_size);
    return fs::exists(folder_ / "archive_status" / (name + ".ready"), ignored);
  }
  // Whatever goes wrong here is told when PostgreSQL asks for that segment itself.
  bool push_if_still_ready(const WalSegment& segment) {
    try {
      const auto path = folder_ / file_name(segment, cluster_.wal_segment_size);
      const auto bytes = read_segment(segment, path);
      MemorySource source(bytes);
      require_finished(source, segment, cluster_, find_history(), path);
      // Had it been archived by another meanwhile, PostgreSQL could have begun to use the file again.
      if (!is_ready(segment) || !archive_.parts_of(segment).empty()) return false;
      archive_.put_segment(segment, bytes);
      return true;
    } catch (const Error&) {
      return false;
    }
  }

  const WalPushRequest& request_;
  store::Storage& storage_;
  const fs::path folder_;
  const std::string name_;
  const store::ClusterIdentity cluster_;
  WalArchive archive_;
};

}  // namespace

WalPushResult push(const WalPushRequest& request, base::FileSystem& file_system) {
  store::check_cluster_name(request.cluster);
  const auto storage = store::open_repository(request.repository, file_system);
  return Push(request, *storage).run();
}

}  // namespace wal

WalPushResult push_wal(const WalPushRequest& request) {
  return wal::push(request, base::posix_file_system());
}

}  // namespace backup_engine
