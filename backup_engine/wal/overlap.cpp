#include "backup_engine/wal/overlap.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <variant>

#include "backup_engine/store/little_endian.hpp"
#include "backup_engine/wal/held_segment.hpp"
#include "backup_engine/wal/record_reader.hpp"

namespace backup_engine::wal {

using base::Error;
using base::ErrorKind;
using postgres::Lsn;
using store::get_little_endian;

namespace {

constexpr std::uint64_t page_bytes = 8192;
constexpr std::size_t short_header_bytes = 24, long_header_bytes = 40;
// Two histories hardly agree on this much: it holds records, each with its CRC and its link to the one before.
constexpr std::uint64_t least_overlap_bytes = std::uint64_t{64} << 10U;

// A record that begins at the start of a page begins behind its header.
Lsn start_of_record(Lsn lsn, postgres::SegmentSize size) {
  if (lsn.position_bytes() % page_bytes != 0) return lsn;
  return lsn + (lsn == start_of_segment(lsn, size) ? long_header_bytes : short_header_bytes);
}

// Hands what the server streams from `from` to `take` until that says that it is enough. False when the server no
// longer has it.
template <typename Take>
bool stream_until(postgres::ReplicationConnection& connection, const StreamPosition& from, const std::stop_token& stop,
                  const Take& take) {
  constexpr auto patience = std::chrono::seconds(80), look_up = std::chrono::seconds(1);
  try {
    connection.start_streaming("", from.at, from.timeline);
    auto silent_since = std::chrono::steady_clock::now();
    for (bool enough = false; !enough;) {
      if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
      const auto message = connection.take();
      if (!message) {
        if (std::chrono::steady_clock::now() - silent_since >= patience) {
          throw Error(ErrorKind::connection, fmt::format("the server has been silent for {} s", patience.count()));
        }
        connection.wait(look_up, -1);
        continue;
      }
      silent_since = std::chrono::steady_clock::now();
      if (std::holds_alternative<postgres::EndOfStream>(*message)) break;
      // Says that this receiver lives, and nothing of what it has.
      const auto* keepalive = std::get_if<postgres::Keepalive>(&*message);
      if (keepalive != nullptr && keepalive->reply_requested) connection.send({});
      if (const auto* data = std::get_if<postgres::WalData>(&*message)) enough = take(data->bytes);
    }
    (void)connection.end_streaming();
    return true;
  } catch (const Error& error) {
    if (postgres::wal_loss(error) != postgres::WalLoss::removed) throw;
    return false;
  }
}

}  // namespace

Error other_history(const StreamPosition& common, const std::string& how) {
  return Error(ErrorKind::mismatch,
               fmt::format("the server's WAL of timeline {} is not the one that the repository holds up to {}: {}",
                           common.timeline.number(), to_string(common.at), how))
      .with_remedy(
          "the server was put back to an earlier state without a new timeline (a snapshot of its volume?) and has "
          "written on from there. Nothing of that was kept; what is held stays, and can be restored. For the server as "
          "it is now use another cluster name, for receiver and archive_command, and take a full backup there: "
          "docs/wal.md, \"A server that was put back\"");
}

HeldComparison::HeldComparison(const WalArchive& archive, StreamPosition held_until, Lsn from)
    : archive_(archive), held_until_(held_until), at_(from) {}

void HeldComparison::load_segment() {
  const auto segment = segment_holding(held_until_.timeline, at_, archive_.segment_size());
  if (segment_ == segment) return;
  bytes_ = read_held(archive_, segment).value_or(std::vector<std::byte>());
  segment_ = segment;
}

void HeldComparison::compare(std::span<const std::byte> bytes) {
  const auto size = archive_.segment_size();
  while (!bytes.empty() && !done()) {
    load_segment();
    const auto start = start_of_segment(at_, size);
    const auto offset = at_ - start;
    const auto count = std::min({bytes.size(), size.bytes() - offset, held_until_.at - at_});
    if (offset + count > bytes_.size()) {
      throw Error(ErrorKind::corrupt, fmt::format("WAL of timeline {} at {} is not held any more",
                                                  held_until_.timeline.number(), to_string(at_)))
          .with_remedy("somebody else changes the repository; start the receiver again");
    }
    const auto held = std::span(bytes_).subspan(offset, count);
    const auto differing = std::ranges::mismatch(held, bytes.first(count)).in1 - held.begin();
    if (static_cast<std::size_t>(differing) < count) {
      const auto where = at_ + static_cast<std::uint64_t>(differing);
      throw other_history(held_until_, "they differ at " + to_string(where));
    }
    at_ = at_ + count;
    bytes = bytes.subspan(count);
  }
}

// As RecordReader::begin_in_segment_of finds that record, on pages that come one after the other.
std::optional<Lsn> link_of_first_record(std::span<const std::byte> bytes) {
  constexpr std::size_t link_offset = 8;
  constexpr std::uint16_t first_is_continued = 0x1, has_long_header = 0x2;
  for (std::size_t page = 0; page + long_header_bytes <= bytes.size(); page += page_bytes) {
    const auto flags = get_little_endian<std::uint16_t>(bytes.data() + page + 2);
    std::size_t record = (flags & has_long_header) != 0 ? long_header_bytes : short_header_bytes;
    if ((flags & first_is_continued) != 0) {
      record += get_little_endian<std::uint32_t>(bytes.data() + page + 16);
      record = (record + 7) & ~std::size_t{7};
    }
    if (record >= page_bytes) continue;
    // Records are aligned to 8 bytes, so the link itself lies on one page.
    auto link = page + record + link_offset;
    if (record + link_offset == page_bytes) link += short_header_bytes;
    if (link + sizeof(std::uint64_t) > bytes.size()) return std::nullopt;
    return Lsn(get_little_endian<std::uint64_t>(bytes.data() + link));
  }
  return std::nullopt;
}

std::optional<Lsn> last_record_before(const WalArchive& archive, const StreamPosition& end, int major) {
  constexpr int most_segments = 64;  // of which one record is the whole
  const auto size = archive.segment_size();
  auto path = path_to(archive, end.timeline);
  path.back().end = end.at;
  RecordReader reader(archive, std::move(path), major);
  auto segment = end.at;
  for (int looked_at = 0; looked_at < most_segments && segment.position_bytes() > size.bytes(); ++looked_at) {
    segment = start_of_segment(Lsn(segment.position_bytes() - 1), size);
    reader.begin_in_segment_of(segment);
    std::optional<Lsn> last;
    while (const auto record = reader.next()) last = record->start;
    if (!reader.held_ends()) return std::nullopt;
    // One that goes on behind the end.
    if (reader.end() < end.at) last = start_of_record(reader.end(), size);
    if (last) return last;
  }
  return std::nullopt;
}

Overlap compare_overlap(postgres::ReplicationConnection& connection, const WalArchive& archive,
                        const StreamPosition& common, Lsn from, const std::stop_token& stop) {
  HeldComparison comparison(archive, common, from);
  const bool there = stream_until(connection, {common.timeline, from}, stop, [&](std::span<const std::byte> bytes) {
    comparison.compare(bytes);
    return comparison.done();
  });
  if (!there) return Overlap::gone;
  if (!comparison.done()) {
    throw Error(ErrorKind::connection,
                fmt::format("the server ended the stream at {}, while it was compared with what is held up to {}",
                            to_string(comparison.at()), to_string(common.at)))
        .with_remedy("start the receiver again");
  }
  return Overlap::same;
}

Overlap compare_link(postgres::ReplicationConnection& connection, const WalArchive& archive,
                     const StreamPosition& common, const StreamPosition& next, Lsn flushed,
                     const std::stop_token& stop) {
  if (flushed <= next.at) return Overlap::same;
  const auto last = last_record_before(archive, common, connection.server_version().major());
  if (!last) return Overlap::same;
  std::vector<std::byte> bytes;
  std::optional<Lsn> link;
  const bool there = stream_until(connection, next, stop, [&](std::span<const std::byte> piece) {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
    link = link_of_first_record(bytes);
    return link || next.at + bytes.size() >= flushed;
  });
  if (!there) return Overlap::gone;
  if (link && *link != *last) {
    throw other_history(common,
                        fmt::format("its first record behind that follows one at {}, the last one held is at {}",
                                    to_string(*link), to_string(*last)));
  }
  return Overlap::same;
}

std::optional<Lsn> overlap_start(std::span<const WalRange> held, const StreamPosition& common,
                                 postgres::SegmentSize size) {
  const auto range = std::ranges::find_if(held, [&](const WalRange& each) {
    return each.timeline == common.timeline && each.start < common.at && common.at <= each.end;
  });
  if (range == held.end()) return std::nullopt;
  const auto little = common.at.position_bytes() - std::min(common.at.position_bytes(), least_overlap_bytes);
  const auto first_whole = (range->start.position_bytes() + size.bytes() - 1) / size.bytes() * size.bytes();
  const auto from = std::max(start_of_segment(Lsn(little), size), Lsn(first_whole));
  return from < common.at ? std::optional(from) : std::nullopt;
}

}  // namespace backup_engine::wal
