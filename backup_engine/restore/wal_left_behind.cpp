#include "backup_engine/restore/wal_left_behind.hpp"

#include <fmt/format.h>

#include <array>
#include <set>
#include <span>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/postgres/control_file.hpp"
#include "backup_engine/store/little_endian.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/wal/wal_archive.hpp"

namespace backup_engine::restore {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;
using postgres::Lsn;

namespace {

constexpr std::uint64_t page_bytes = 8192;  // XLOG_BLCKSZ
constexpr std::size_t page_address_at = 8;  // in a page's header
constexpr std::uint32_t shut_down = 1;      // DB_SHUTDOWNED
constexpr std::uint64_t longest_page_header_bytes = 40;

template <typename Number>
std::optional<Number> number_at(const fs::path& file, std::uint64_t offset_bytes) {
  std::array<std::byte, sizeof(Number)> bytes{};
  if (base::read_at(base::open_for_reading(file).get(), bytes, offset_bytes, file) != bytes.size()) return std::nullopt;
  return store::get_little_endian<Number>(bytes.data());
}

// A page that was begun says where it lies, and is zeros behind its last record; one of a recycled segment says where
// it lay before.
bool goes_on_at(const fs::path& file, std::uint64_t offset_bytes, Lsn position) {
  const auto page_at = offset_bytes - offset_bytes % page_bytes;
  const auto address = number_at<std::uint64_t>(file, page_at + page_address_at);
  if (!address || *address != position.position_bytes() - (offset_bytes - page_at)) return false;
  return page_at == offset_bytes || number_at<std::uint32_t>(file, offset_bytes).value_or(0) != 0;
}

// Behind a switch of segments the rest of one is zeros.
bool goes_on_behind(const fs::path& folder, postgres::TimelineId timeline, Lsn held, postgres::SegmentSize size) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto segment = parse_segment_name(entry.path().filename().string(), size);
    if (!segment || segment->timeline != timeline || start_of(*segment, size) < held) continue;
    if (entry.is_regular_file() && goes_on_at(entry.path(), 0, start_of(*segment, size))) return true;
  }
  return false;
}

// A clean shutdown ends with a checkpoint that an archive_command never gets, and that nobody misses.
bool is_only_the_shutdown(const postgres::ControlFile& control, Lsn held) {
  return control.state == shut_down && control.checkpoint >= held &&
         control.checkpoint - held <= longest_page_header_bytes;
}

// pg_control names a new timeline only when the checkpoint behind a promotion has ended: the WAL may be further on.
std::set<postgres::TimelineId> timelines_from(postgres::TimelineId first, std::span<const wal::WalRange> held) {
  std::set<postgres::TimelineId> timelines;
  for (const auto& range : held) {
    if (range.timeline >= first) timelines.insert(range.timeline);
  }
  return timelines;
}

}  // namespace

void require_no_wal_left_behind(store::Storage& storage, const RestoreRequest& request, const Plan& plan) {
  const auto folder = plan.to / "pg_wal";
  // What a link leads to stays as it is. Of a safety copy only the end of WAL would have wanted it.
  const bool in_place = request.existing == ExistingFiles::set_aside;
  if (in_place && request.target.kind != TargetKind::end_of_wal) return;
  if (plan.existing.found != Found::cluster || !fs::is_directory(fs::symlink_status(folder))) return;
  const auto control = postgres::read_control_file(plan.to);
  const auto size = store::read_cluster(storage, request.cluster).wal_segment_size;
  const wal::WalArchive archive(storage, request.cluster, size, Compression{});
  const auto ranges = archive.ranges();
  for (const auto timeline : timelines_from(control.timeline, ranges)) {
    const auto held = wal::durable_end(ranges, timeline).value();
    if (timeline == control.timeline && is_only_the_shutdown(control, held)) continue;
    const auto segment = segment_holding(timeline, held, size);
    const auto file = folder / file_name(segment, size);
    const auto offset = held - start_of(segment, size);
    const bool goes_on =
        (fs::is_regular_file(file) && goes_on_at(file, offset, held)) || goes_on_behind(folder, timeline, held, size);
    if (!goes_on) continue;
    throw Error(
        ErrorKind::usage,
        fmt::format("{} holds WAL of timeline {} behind {}, where that in the repository ends; a restore would "
                    "{}, and nothing was touched",
                    folder.string(), timeline.number(), to_string(held), in_place ? "end without it" : "remove it"))
        .with_remedy(
            fmt::format("Push it first, {} and the segments behind it: lifeboat wal push --repo {} --cluster {} {}. "
                        "To give it up, {}.",
                        file.filename().string(), request.repository.text, request.cluster, file.string(),
                        in_place ? "name a recovery target before it: the safety copy keeps it"
                                 : fmt::format("empty {}", folder.string())));
  }
}

}  // namespace backup_engine::restore
