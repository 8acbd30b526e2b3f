#include "backup_engine/verify/wal_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "backup_engine/base/parallel.hpp"
#include "backup_engine/store/framed_object.hpp"

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

void read_through(store::Storage& storage, const WalObject& object) {
  store::FramedReader reader(storage, object.name, kind_of(object));
  std::uint64_t clear_bytes = 0;
  while (const auto frame = reader.next()) clear_bytes += frame->size();
  const bool length_is_in_its_name =
      object.parsed.kind == WalObjectKind::segment || object.parsed.kind == WalObjectKind::part;
  const auto expected = object.parsed.to_bytes - object.parsed.from_bytes;
  if (length_is_in_its_name && clear_bytes != expected) {
    throw Error(ErrorKind::corrupt, fmt::format("holds {} bytes where its name says {}", clear_bytes, expected));
  }
}

enum class Outcome { sound, damaged, vanished };

Outcome check_object(store::Storage& storage, const WalObject& object, Findings& findings) {
  auto outcome = Outcome::sound;
  const bool sound = findings.examine(object.name, [&] {
    try {
      read_through(storage, object);
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

}  // namespace

std::vector<ClusterSummary::WalRange> check_wal(store::Storage& storage, const std::string& cluster,
                                                postgres::SegmentSize size,
                                                const std::function<bool(const WalObject&)>& wanted, unsigned jobs,
                                                Findings& findings) {
  std::set<std::string> seen;
  std::vector<WalObject> sound;
  for (bool look_again = true; look_again;) {
    look_again = false;
    auto objects = store::list_wal(storage, cluster, size);
    std::erase_if(objects,
                  [&](const WalObject& object) { return !wanted(object) || !seen.insert(object.name).second; });
    std::vector<Outcome> outcomes(objects.size());
    base::for_each_in_parallel(
        jobs, objects.size(), [&](std::size_t i) { outcomes[i] = check_object(storage, objects[i], findings); },
        findings.stop());
    for (std::size_t i = 0; i < objects.size(); ++i) {
      if (outcomes[i] == Outcome::sound) sound.push_back(objects[i]);
      look_again = look_again || outcomes[i] == Outcome::vanished;
    }
  }
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
