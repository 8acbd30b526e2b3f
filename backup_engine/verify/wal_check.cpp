#include "backup_engine/verify/wal_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "backup_engine/base/parallel.hpp"
#include "backup_engine/store/framed_object.hpp"
#include "backup_engine/verify/open_segments.hpp"
#include "backup_engine/wal/segment_header.hpp"
#include "backup_engine/wal/wal_archive.hpp"

namespace backup_engine::verify {

using base::Error;
using base::ErrorKind;
using store::WalObject;
using store::WalObjectKind;

namespace {

store::ObjectKind kind_of(const WalObject& object) {
  switch (object.parsed.kind) {
    case WalObjectKind::segment:
      return store::ObjectKind::wal_segment;
    case WalObjectKind::part:
      return store::ObjectKind::wal_part;
    case WalObjectKind::history:
      return store::ObjectKind::wal_history;
    case WalObjectKind::partial:
    case WalObjectKind::backup_history:
      return store::ObjectKind::wal_extra;
  }
  throw Error(ErrorKind::internal, "no such kind of WAL object");
}

// Bytes that are sound may still stand under a name that is not theirs. A timeline's first segment repeats pages of the
// one that it branched off.
void require_right_place(std::span<const std::byte> bytes, const WalObject& object, postgres::SegmentSize size,
                         const store::ClusterIdentity& identity) {
  const auto header = wal::parse_segment_header(bytes);
  if (!header) throw Error(ErrorKind::corrupt, "does not begin with the first page of a segment");
  const auto& segment = object.parsed.segment;
  if (header->start != postgres::start_of(segment, size) || header->timeline > segment.timeline) {
    throw Error(ErrorKind::corrupt, fmt::format("holds WAL of timeline {} from {} on, which is not what its name says",
                                                header->timeline.number(), postgres::to_string(header->start)));
  }
  if (header->system_identifier != identity.system_identifier) {
    throw Error(ErrorKind::mismatch, fmt::format("holds WAL of system {}, the cluster is {}", header->system_identifier,
                                                 identity.system_identifier));
  }
}

void read_through(store::Storage& storage, const WalObject& object, postgres::SegmentSize size,
                  const WalIdentity& identity) {
  store::FramedReader reader(storage, object.name, kind_of(object));
  std::uint64_t clear_bytes = 0;
  const bool begins_a_segment = object.parsed.kind == WalObjectKind::segment ||
                                (object.parsed.kind == WalObjectKind::part && object.parsed.from_bytes == 0);
  while (const auto frame = reader.next()) {
    const bool tells = clear_bytes == 0 && frame->size() >= wal::segment_header_bytes;
    if (begins_a_segment && tells && identity) require_right_place(*frame, object, size, *identity);
    clear_bytes += frame->size();
  }
  const bool length_is_in_its_name =
      object.parsed.kind == WalObjectKind::segment || object.parsed.kind == WalObjectKind::part;
  const auto expected = object.parsed.to_bytes - object.parsed.from_bytes;
  if (length_is_in_its_name && clear_bytes != expected) {
    throw Error(ErrorKind::corrupt, fmt::format("holds {} bytes where its name says {}", clear_bytes, expected));
  }
}

enum class Outcome { sound, damaged, vanished };

Outcome check_object(store::Storage& storage, const WalObject& object, postgres::SegmentSize size,
                     const WalIdentity& identity, Findings& findings) {
  auto outcome = Outcome::sound;
  const bool sound = findings.examine(object.name, [&] {
    try {
      read_through(storage, object, size, identity);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::not_found) throw;
      outcome = Outcome::vanished;
    }
  });
  if (!sound) outcome = Outcome::damaged;
  if (outcome != Outcome::vanished) {
    findings.count_object(object.size_bytes);
    if (object.parsed.kind == WalObjectKind::segment) findings.count_wal_segment();
  }
  return outcome;
}

// Recovery is handed whole segments: one damaged part spoils its segment, unless that is held whole as well.
void drop_spoiled_segments(std::vector<WalObject>& sound, const std::vector<WalObject>& damaged) {
  std::set<postgres::WalSegment> whole, spoiled;
  for (const auto& object : sound) {
    if (object.parsed.kind == WalObjectKind::segment) whole.insert(object.parsed.segment);
  }
  for (const auto& object : damaged) {
    const bool is_segment = object.parsed.kind == WalObjectKind::segment;
    const bool is_part = object.parsed.kind == WalObjectKind::part;
    if (is_segment || (is_part && !whole.contains(object.parsed.segment))) spoiled.insert(object.parsed.segment);
  }
  std::erase_if(sound, [&](const WalObject& object) { return spoiled.contains(object.parsed.segment); });
}

}  // namespace

std::vector<ClusterSummary::WalRange> check_wal(store::Storage& storage, const std::string& cluster,
                                                postgres::SegmentSize size, const WalIdentity& identity,
                                                const std::function<bool(const WalObject&)>& wanted, unsigned jobs,
                                                Findings& findings) {
  std::set<std::string> seen;
  std::vector<WalObject> sound, damaged;
  // While a receiver closes segments and merges parts, a listing may look as if there were a hole. A real one is still
  // there at the last look.
  constexpr int most_looks = 5;
  std::set<postgres::WalSegment> with_a_hole;
  const wal::WalArchive archive(storage, cluster, size, Compression{});
  bool look_again = true;
  for (int look = 1; look_again; ++look) {
    auto objects = store::list_wal(storage, cluster, size);
    with_a_hole = segments_with_a_hole(objects, archive.gaps(), size);
    look_again = !with_a_hole.empty() && look < most_looks;
    std::erase_if(objects,
                  [&](const WalObject& object) { return !wanted(object) || !seen.insert(object.name).second; });
    std::vector<Outcome> outcomes(objects.size());
    base::for_each_in_parallel(
        jobs, objects.size(),
        [&](std::size_t i) { outcomes[i] = check_object(storage, objects[i], size, identity, findings); },
        findings.stop());
    for (std::size_t i = 0; i < objects.size(); ++i) {
      if (outcomes[i] == Outcome::sound) sound.push_back(objects[i]);
      if (outcomes[i] == Outcome::damaged) damaged.push_back(objects[i]);
      look_again = look_again || outcomes[i] == Outcome::vanished;
    }
  }
  drop_spoiled_segments(sound, damaged);
  std::erase_if(sound, [&](const WalObject& object) { return with_a_hole.contains(object.parsed.segment); });
  return store::continuous_ranges(sound, size);
}

std::string check_wal_of_backup(const store::Manifest& manifest, const std::vector<ClusterSummary::WalRange>& ranges,
                                Findings& findings) {
  const auto& summary = manifest.summary;
  // How far sound WAL reaches without a gap from the backup's start.
  auto reached = summary.start_lsn;
  for (const auto& range : ranges) {
    if (range.timeline == summary.timeline && range.start <= reached) reached = std::max(reached, range.end);
  }
  if (reached >= summary.stop_lsn) return {};
  const auto segment = postgres::segment_holding(summary.timeline, reached, manifest.wal_segment_size);
  const auto object = store::wal_folder(summary.cluster, segment, manifest.wal_segment_size) +
                      postgres::file_name(segment, manifest.wal_segment_size);
  const auto text = fmt::format("WAL from {} on is not whole; the backup needs it up to {}",
                                postgres::to_string(reached), postgres::to_string(summary.stop_lsn));
  if (!findings.has_damage_below(object)) findings.add_damage(object, fmt::format("missing: {}", text));
  return fmt::format("{}: {}", object, text);
}

}  // namespace backup_engine::verify
