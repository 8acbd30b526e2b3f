#include "backup_engine/wal/record_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/store/little_endian.hpp"
#include "backup_engine/wal/held_segment.hpp"
#include "backup_engine/wal/segment_header.hpp"

namespace backup_engine::wal {

using postgres::Lsn;
using postgres::TimelineId;
using store::get_little_endian;

namespace {

constexpr std::uint64_t page_bytes = 8192;  // XLOG_BLCKSZ
constexpr std::size_t short_header_bytes = 24, long_header_bytes = 40;
constexpr std::uint16_t first_is_continued = 0x1, has_long_header = 0x2, first_overwrites = 0x8;
constexpr std::size_t most_record_bytes = std::size_t{1020} << 20U;  // XLogRecordMaxSize
constexpr std::size_t crc_offset = 20;                               // in a record's header

Lsn aligned(Lsn lsn) {
  return Lsn((lsn.position_bytes() + 7) & ~std::uint64_t{7});
}

Lsn page_start(Lsn lsn) {
  return Lsn(lsn.position_bytes() & ~(page_bytes - 1));
}

}  // namespace

RecordReader::RecordReader(const WalArchive& archive, TimelinePath path, int major)
    : archive_(archive), path_(std::move(path)), major_(major), segment_bytes_(archive.segment_size().bytes()) {}

void RecordReader::begin_at(Lsn start) {
  next_ = start;
  previous_.reset();
  ended_ = held_ends_ = false;
  why_it_ends_.clear();
}

void RecordReader::begin_in_segment_of(Lsn position) {
  begin_at(Lsn(position.position_bytes() / segment_bytes_ * segment_bytes_));
  for (;;) {
    const auto page = page_of(next_);
    if (!page) {
      ended_ = true;
      return;
    }
    if (!page->continues) return;
    const auto behind = aligned(page->start + page->header_bytes + page->continued_bytes);
    if (behind < page->start + page_bytes) {
      next_ = behind;
      return;
    }
    next_ = page->start + page_bytes;
  }
}

std::optional<WalRecord> RecordReader::next() {
  if (ended_) return std::nullopt;
  auto record = read_record();
  if (!record) {
    ended_ = true;
    return std::nullopt;
  }
  previous_ = record->start;
  next_ = record->end;
  return record;
}

bool RecordReader::ends(std::string why) {
  why_it_ends_ = std::move(why);
  return false;
}

bool RecordReader::ends_with_what_is_held(std::string why) {
  held_ends_ = true;
  return ends(std::move(why));
}

bool RecordReader::load_segment_of(Lsn position) {
  const auto number = position.position_bytes() / segment_bytes_;
  const Lsn start(number * segment_bytes_);
  if (segment_start_ == start) return true;
  segment_start_.reset();
  // As PostgreSQL does: the newest timeline that has this segment, because its first one repeats what it branched off.
  for (auto span = path_.rbegin(); span != path_.rend(); ++span) {
    if (span->begin.position_bytes() / segment_bytes_ > number) continue;
    if (span->end && *span->end <= start) break;
    auto bytes = read_held(archive_, {span->timeline, number});
    if (!bytes) continue;
    segment_ = std::move(*bytes);
    if (span->end && *span->end < start + segment_.size()) segment_.resize(*span->end - start);
    segment_start_ = start;
    return true;
  }
  return ends_with_what_is_held(fmt::format("the WAL held ends at {}", to_string(position)));
}

bool RecordReader::is_own_page(Lsn start, std::span<const std::byte> bytes) const {
  const auto timeline = TimelineId(get_little_endian<std::uint32_t>(bytes.data() + 4));
  const bool on_path = std::ranges::any_of(path_, [&](const auto& span) { return span.timeline == timeline; });
  return get_little_endian<std::uint16_t>(bytes.data()) == page_magic(major_) && on_path &&
         get_little_endian<std::uint64_t>(bytes.data() + 8) == start.position_bytes();
}

bool RecordReader::goes_on_behind() {
  if (!load_segment_of(unread_)) return false;
  for (auto page = unread_; page + short_header_bytes <= *segment_start_ + segment_.size(); page = page + page_bytes) {
    if (is_own_page(page, std::span(segment_).subspan(page - *segment_start_))) return true;
  }
  return false;
}

std::optional<RecordReader::Page> RecordReader::page_of(Lsn position) {
  if (!load_segment_of(position)) return std::nullopt;
  Page page;
  page.start = page_start(position);
  unread_ = page.start + page_bytes;
  const auto offset = page.start - *segment_start_;
  if (offset + short_header_bytes > segment_.size()) {
    static_cast<void>(
        ends_with_what_is_held(fmt::format("the WAL held ends at {}", to_string(*segment_start_ + segment_.size()))));
    return std::nullopt;
  }
  page.bytes = std::span(segment_).subspan(offset, std::min<std::size_t>(page_bytes, segment_.size() - offset));
  if (!is_own_page(page.start, page.bytes)) {
    static_cast<void>(ends(fmt::format("there is no page of this WAL at {}", to_string(page.start))));
    return std::nullopt;
  }
  const auto flags = get_little_endian<std::uint16_t>(page.bytes.data() + 2);
  page.header_bytes = (flags & has_long_header) != 0 ? long_header_bytes : short_header_bytes;
  page.continues = (flags & first_is_continued) != 0;
  page.overwrites = (flags & first_overwrites) != 0;
  page.continued_bytes = get_little_endian<std::uint32_t>(page.bytes.data() + 16);
  return page;
}

// A record's length stands on its first page, whatever else does.
bool RecordReader::begin_record(const Page& page, Gathered& record) {
  const auto offset = record.start - page.start;
  if (offset + sizeof(std::uint32_t) > page.bytes.size()) {
    return ends_with_what_is_held(fmt::format("the WAL held ends at {}", to_string(page.start + page.bytes.size())));
  }
  record.total_bytes = get_little_endian<std::uint32_t>(page.bytes.data() + offset);
  record.behind = record.start;
  const bool possible = record.total_bytes >= record_header_bytes && record.total_bytes <= most_record_bytes;
  return possible || ends(fmt::format("there is no record at {}", to_string(record.start)));
}

// A record that is linked to another one is left over from before a crash.
bool RecordReader::is_linked(const Gathered& record) {
  const Lsn previous(get_little_endian<std::uint64_t>(record.header.data() + 8));
  const bool linked = previous_ ? previous == *previous_ : previous < record.start;
  return linked || ends(fmt::format("the record at {} does not follow the one before", to_string(record.start)));
}

bool RecordReader::take(std::span<const std::byte> bytes, Gathered& record) {
  record.behind = record.behind + bytes.size();
  if (record.taken_bytes < record_header_bytes) {
    const auto of_header = bytes.first(std::min(bytes.size(), record_header_bytes - record.taken_bytes));
    std::ranges::copy(of_header, record.header.begin() + static_cast<std::ptrdiff_t>(record.taken_bytes));
    record.taken_bytes += of_header.size();
    bytes = bytes.subspan(of_header.size());
    if (record.taken_bytes == record_header_bytes && !is_linked(record)) return false;
  }
  if (bytes.empty()) return true;
  record.taken_bytes += bytes.size();
  record.body_crc = base::crc32c(bytes, record.body_crc);
  const auto manager = static_cast<std::uint8_t>(record.header[17]);
  const bool wanted = manager == xlog_manager || manager == transaction_manager || manager == database_manager ||
                      manager == tablespace_manager;
  if (wanted) body_.insert(body_.end(), bytes.begin(), bytes.end());
  return true;
}

std::optional<WalRecord> RecordReader::finish(const Gathered& gathered) {
  const auto header = std::span(gathered.header);
  if (base::crc32c(header.first(crc_offset), gathered.body_crc) !=
      get_little_endian<std::uint32_t>(header.data() + crc_offset)) {
    static_cast<void>(ends(fmt::format("the record at {} has a wrong CRC", to_string(gathered.start))));
    return std::nullopt;
  }
  WalRecord record;
  record.start = gathered.start;
  record.end = aligned(gathered.behind);
  record.xid = get_little_endian<std::uint32_t>(header.data() + 4);
  record.info = static_cast<std::uint8_t>(header[16]);
  record.manager = static_cast<std::uint8_t>(header[17]);
  record.body = body_;
  if (is_segment_switch(record)) {  // the rest of the segment is empty
    const auto into = record.end.position_bytes() % segment_bytes_;
    if (into != 0) record.end = record.end + (segment_bytes_ - into);
  }
  return record;
}

std::optional<WalRecord> RecordReader::read_record() {
  auto page = page_of(next_);
  if (!page) return std::nullopt;
  Gathered record;
  record.start = next_ == page->start ? page->start + page->header_bytes : next_;
  body_.clear();
  if (!begin_record(*page, record)) return std::nullopt;
  for (;;) {
    const auto offset = record.behind - page->start;
    const auto wanted = std::min<std::uint64_t>(record.total_bytes - record.taken_bytes, page_bytes - offset);
    if (offset + wanted > page->bytes.size()) {
      static_cast<void>(ends_with_what_is_held(fmt::format("the record at {} is not whole", to_string(record.start))));
      return std::nullopt;
    }
    if (!take(page->bytes.subspan(offset, wanted), record)) return std::nullopt;
    if (record.taken_bytes == record.total_bytes) return finish(record);

    page = page_of(page->start + page_bytes);
    if (!page) return std::nullopt;
    if (page->overwrites) {  // a crash cut the record off, and the server went on here
      next_ = page->start;
      return read_record();
    }
    if (!page->continues || page->continued_bytes != record.total_bytes - record.taken_bytes) {
      unread_ = page->start;
      static_cast<void>(ends(fmt::format("the record at {} is not continued", to_string(record.start))));
      return std::nullopt;
    }
    record.behind = page->start + page->header_bytes;
  }
}

}  // namespace backup_engine::wal
