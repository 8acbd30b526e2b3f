#include "backup_engine/wal/wal_archive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/store/document_object.hpp"
#include "backup_engine/store/framed_object.hpp"
#include "backup_engine/store/wal_objects.hpp"

namespace backup_engine::wal {

using base::Error;
using base::ErrorKind;
using postgres::Lsn;
using postgres::TimelineId;
using postgres::WalSegment;
using store::ObjectKind;

namespace {

constexpr std::array<Codec, 3> codecs = {Codec::lz4, Codec::zstd, Codec::none};
constexpr Compression as_it_comes{Codec::none, 0};

Error other_content(const std::string& object) {
  return Error(ErrorKind::mismatch, fmt::format("{} is there already, with other content; it stays as it was", object))
      .with_remedy(
          "two servers that went different ways write into one cluster name: find out which one it belongs to");
}

void require_same(store::FramedReader& held, ByteSource& new_bytes, const std::string& object) {
  std::uint64_t compared = 0;
  while (const auto frame = held.next()) {
    const bool same = frame->size() <= new_bytes.size_bytes() - compared &&
                      std::memcmp(frame->data(), new_bytes.piece(compared, frame->size()).data(), frame->size()) == 0;
    if (!same) throw other_content(object);
    compared += frame->size();
  }
  if (compared != new_bytes.size_bytes()) throw other_content(object);
}

std::optional<std::vector<std::byte>> read_if_there(store::Storage& storage, const std::string& object,
                                                    ObjectKind kind) {
  try {
    return store::read_framed(storage, object, kind);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::not_found) return std::nullopt;
    throw;
  }
}

std::optional<store::FramedReader> open_if_there(store::Storage& storage, const std::string& object) {
  try {
    return std::optional<store::FramedReader>(std::in_place, storage, object, ObjectKind::wal_segment);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::not_found) return std::nullopt;
    throw;
  }
}

// The end of the line.
std::string seal_of_gap(std::string_view text) {
  return fmt::format(" crc32c:{:08X}\n", base::crc32c(std::as_bytes(std::span(text))));
}

void put_new(store::Storage& storage, const std::string& object, ObjectKind kind, Compression compression,
             ByteSource& bytes) {
  constexpr std::uint64_t frame_bytes = std::uint64_t{1} << 20U;  // so that the writer need not gather
  const auto put = storage.begin_put(object);
  store::FramedWriter writer(*put, object, kind, compression, storage.keys() ? storage.keys()->newest() : nullptr,
                             bytes.size_bytes());
  for (std::uint64_t at = 0; at < bytes.size_bytes(); at += frame_bytes) {
    writer.write(bytes.piece(at, std::min(frame_bytes, bytes.size_bytes() - at)));
  }
  writer.finish();
  put->commit(store::Durability::now);
}

void put_once(store::Storage& storage, const std::string& object, ObjectKind kind, Compression compression,
              ByteSource& bytes) {
  try {
    put_new(storage, object, kind, compression, bytes);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::already_exists) throw;
    store::FramedReader held(storage, object, kind);
    require_same(held, bytes, object);
    // Whoever put it may have died before it was durable.
    storage.make_durable(object.substr(0, object.rfind('/') + 1));
  }
}

void put_once(store::Storage& storage, const std::string& object, ObjectKind kind, Compression compression,
              std::span<const std::byte> bytes) {
  MemorySource source(bytes);
  put_once(storage, object, kind, compression, source);
}

}  // namespace

WalArchive::WalArchive(store::Storage& storage, std::string cluster, postgres::SegmentSize size,
                       Compression compression)
    : storage_(storage), cluster_(std::move(cluster)), size_(size), compression_(compression) {}

void WalArchive::confirm(TimelineId timeline, Lsn end) {
  storage_.make_durable(store::wal_folder(cluster_, segment_ending_at(timeline, end, size_), size_));
}

void WalArchive::put_part(TimelineId timeline, Lsn from, std::span<const std::byte> bytes) {
  const auto segment = segment_holding(timeline, from, size_);
  const auto offset = from - start_of(segment, size_);
  const auto object = store::wal_part_name(cluster_, segment, size_, offset, offset + bytes.size());
  put_once(storage_, object, ObjectKind::wal_part, as_it_comes, bytes);
}

void WalArchive::put_segment(const WalSegment& segment, std::span<const std::byte> bytes) {
  MemorySource source(bytes);
  put_segment(segment, source);
}

void WalArchive::put_segment(const WalSegment& segment, ByteSource& bytes) {
  const auto own = store::wal_segment_name(cluster_, segment, size_, compression_.codec);
  // The name holds the codec, so put-if-absent alone would let the same segment in twice. And what is there already is
  // compared without compressing and writing it again.
  const auto agrees_with = [&](Codec codec) {
    const auto object = store::wal_segment_name(cluster_, segment, size_, codec);
    auto held = open_if_there(storage_, object);
    if (!held) return false;
    require_same(*held, bytes, object);
    storage_.make_durable(store::wal_folder(cluster_, segment, size_));
    return true;
  };
  bool found = false;
  for (const auto codec : codecs) found |= agrees_with(codec);
  if (found) return;
  put_once(storage_, own, ObjectKind::wal_segment, compression_, bytes);
  for (const auto codec : codecs) {
    if (codec != compression_.codec) (void)agrees_with(codec);  // put by another receiver meanwhile
  }
}

void WalArchive::put_history(TimelineId timeline, std::string_view text) {
  put_once(storage_, store::wal_history_name(cluster_, timeline), ObjectKind::wal_history, as_it_comes,
           std::as_bytes(std::span(text)));
}

void WalArchive::put_extra(const std::string& file_name, std::span<const std::byte> bytes) {
  put_once(storage_, store::wal_extra_name(cluster_, file_name, size_), ObjectKind::wal_extra, compression_, bytes);
}

void WalArchive::put_gap(const WalGap& gap, std::string_view reason) {
  try {
    const auto text = fmt::format("{} {}", base::to_rfc3339(base::utc_now()), reason);
    store::put_document(storage_, gap_object_name(cluster_, gap), text + seal_of_gap(text), store::Durability::now);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::already_exists) throw;
  }
}

std::optional<std::vector<std::byte>> WalArchive::read_segment(const WalSegment& segment) const {
  std::vector<std::byte> whole;
  whole.reserve(size_.bytes());
  const bool there = copy_segment(segment, [&](auto bytes) { whole.insert(whole.end(), bytes.begin(), bytes.end()); });
  return there ? std::optional(std::move(whole)) : std::nullopt;
}

bool WalArchive::copy_segment(const WalSegment& segment,
                              const std::function<void(std::span<const std::byte>)>& write) const {
  for (const auto codec : codecs) {
    const auto object = store::wal_segment_name(cluster_, segment, size_, codec);
    auto reader = open_if_there(storage_, object);
    if (!reader) continue;
    std::uint64_t bytes = 0;
    while (const auto frame = reader->next()) {
      bytes += frame->size();
      write(*frame);
    }
    if (bytes == size_.bytes()) return true;
    throw Error(ErrorKind::corrupt, fmt::format("{} holds {} bytes, a segment has {}", object, bytes, size_.bytes()));
  }
  return false;
}

std::vector<std::byte> WalArchive::read_part(const std::string& object) const {
  return store::read_framed(storage_, object, ObjectKind::wal_part);
}

std::optional<std::string> WalArchive::read_history(TimelineId timeline) const {
  const auto bytes = read_if_there(storage_, store::wal_history_name(cluster_, timeline), ObjectKind::wal_history);
  if (!bytes) return std::nullopt;
  std::string text(bytes->size(), '\0');
  std::ranges::transform(*bytes, text.begin(), [](std::byte byte) { return static_cast<char>(byte); });
  return text;
}

std::optional<std::vector<std::byte>> WalArchive::read_extra(const std::string& file_name) const {
  return read_if_there(storage_, store::wal_extra_name(cluster_, file_name, size_), ObjectKind::wal_extra);
}

std::vector<WalPart> WalArchive::parts_of(const WalSegment& segment) const {
  std::vector<WalPart> parts;
  const auto start = start_of(segment, size_);
  for (const auto& listed : storage_.list(store::wal_folder(cluster_, segment, size_))) {
    const auto parsed = store::parse_wal_object(cluster_, listed.name, size_);
    if (!parsed || parsed->kind != store::WalObjectKind::part || parsed->segment != segment) continue;
    parts.push_back({listed.name, start + parsed->from_bytes, start + parsed->to_bytes});
  }
  std::ranges::sort(parts, {}, &WalPart::from);
  return parts;
}

bool WalArchive::has_segment(const WalSegment& segment) const {
  return std::ranges::any_of(codecs, [&](Codec codec) {
    return storage_.size(store::wal_segment_name(cluster_, segment, size_, codec)).has_value();
  });
}

bool WalArchive::has_wal_of(TimelineId timeline) const {
  const auto listed = storage_.list(fmt::format("{}{}/", store::wal_prefix(cluster_), to_hex(timeline)));
  return std::ranges::any_of(listed, [&](const auto& object) {
    const auto parsed = store::parse_wal_object(cluster_, object.name, size_);
    return parsed && (parsed->kind == store::WalObjectKind::segment || parsed->kind == store::WalObjectKind::part);
  });
}

std::vector<WalSegment> WalArchive::unsettled_segments() const {
  std::map<WalSegment, std::vector<store::WalObject>> with_parts;
  for (auto& object : store::list_wal(storage_, cluster_, size_)) {
    if (object.parsed.kind == store::WalObjectKind::part)
      with_parts[object.parsed.segment].push_back(std::move(object));
  }
  std::vector<WalSegment> unsettled;
  for (const auto& [segment, parts] : with_parts) {
    const auto ranges = store::continuous_ranges(parts, size_);
    const bool whole = ranges.size() == 1 && ranges[0].end - ranges[0].start == size_.bytes();
    if (whole || has_segment(segment)) unsettled.push_back(segment);
  }
  return unsettled;
}

std::vector<WalGap> WalArchive::gaps() const {
  std::vector<WalGap> gaps;
  for (const auto& listed : storage_.list(store::wal_prefix(cluster_))) {
    if (const auto gap = parse_gap_object(cluster_, listed.name)) gaps.push_back(*gap);
  }
  return gaps;
}

HeldWal WalArchive::held() const {
  std::vector<store::WalObject> objects;
  HeldWal held;
  for (auto& listed : storage_.list(store::wal_prefix(cluster_))) {
    if (const auto gap = parse_gap_object(cluster_, listed.name)) {
      held.gaps.push_back(*gap);
    } else if (const auto parsed = store::parse_wal_object(cluster_, listed.name, size_)) {
      objects.push_back({std::move(listed.name), listed.size_bytes, *parsed});
    }
  }
  held.ranges = store::continuous_ranges(objects, size_);
  return held;
}

std::string WalArchive::read_gap(const WalGap& gap) const {
  const auto object = gap_object_name(cluster_, gap);
  auto text = store::read_document_text(storage_, object);
  const auto length = text.size() - std::min(text.size(), seal_of_gap("").size());
  if (text.substr(length) != seal_of_gap(std::string_view(text).substr(0, length))) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: its checksum is wrong", object));
  }
  text.resize(length);
  return text;
}

void WalArchive::remove(const std::string& object) {
  try {
    storage_.remove(object);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
  }
}

}  // namespace backup_engine::wal
