#include "backup_engine/wal/record_walk.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/parallel.hpp"
#include "backup_engine/wal/start_position.hpp"

namespace backup_engine::wal {

using postgres::Lsn;

namespace {

constexpr std::uint64_t most_bytes_in_memory = std::uint64_t{64} << 20U;
// Of one thread's turn: long enough that the segment read twice, by it and the next one, counts for little.
constexpr std::uint64_t fewest_segments = 8, most_segments = 64;

struct Stretch {
  Lsn begin, to;
  Lsn first, behind;  // where its records begin, and the first one of the next stretch
  std::optional<Lsn> last;
  std::optional<RecordsEnd> end;  // when the records end in it
  std::vector<TablespaceCreation> tablespaces = {};
  std::vector<MinimalWal> minimal = {};
  std::vector<DatabaseChange> databases = {};
};

class Walk {
 public:
  Walk(const WalArchive& archive, const TimelinePath& path, int major, Lsn until, const std::stop_token& stop)
      : archive_(archive), path_(path), major_(major), until_(until), stop_(stop) {}

  void run(Stretch& stretch) const {
    stretch.end.reset();
    stretch.tablespaces.clear();
    stretch.minimal.clear();
    stretch.databases.clear();
    RecordReader reader(archive_, path_, major_);
    if (start_of_segment(stretch.begin, archive_.segment_size()) == stretch.begin) {
      reader.begin_in_segment_of(stretch.begin);
    } else {
      reader.begin_at(stretch.begin);
    }
    stretch.first = reader.end();
    while (reader.end() < stretch.to) {
      if (stop_.stop_requested()) throw base::Error(base::ErrorKind::interrupted, "interrupted");
      const auto record = reader.next();
      if (!record) {
        stretch.end = end_of(reader, stretch.last);
        return;
      }
      if (begins_minimal_wal(*record)) stretch.minimal.push_back({record->start, stretch.last});
      stretch.last = record->start;
      if (auto made = parse_tablespace_creation(*record)) stretch.tablespaces.push_back(std::move(*made));
      if (auto change = parse_database_change(*record)) stretch.databases.push_back(std::move(*change));
    }
    stretch.behind = reader.end();
    // The link of the next stretch's first record is for this one to judge.
    if (stretch.behind < until_ && !reader.next()) stretch.end = end_of(reader, stretch.last);
  }

 private:
  [[nodiscard]] RecordsEnd end_of(RecordReader& reader, const std::optional<Lsn>& last) const {
    auto why = reader.why_it_ends();
    return {kind_of(reader), reader.end(), last, std::move(why)};
  }
  [[nodiscard]] RecordsEnd::Kind kind_of(RecordReader& reader) const {
    if (reader.held_ends()) return RecordsEnd::Kind::held_ends;
    const auto size = archive_.segment_size();
    const bool held_whole = start_of_segment(until_, size) == until_;
    const bool in_the_last = reader.unread() + size.bytes() >= until_;
    const bool nothing_behind = held_whole && in_the_last && !reader.goes_on_behind();
    return nothing_behind ? RecordsEnd::Kind::no_more : RecordsEnd::Kind::broken;
  }

  const WalArchive& archive_;
  const TimelinePath& path_;
  const int major_;
  const Lsn until_;
  const std::stop_token& stop_;
};

std::vector<Stretch> divide(Lsn start, Lsn until, postgres::SegmentSize size, unsigned jobs) {
  const auto segments = (until - start) / size.bytes() + 1;
  const auto each = std::clamp(segments / std::max(1U, jobs) + 1, fewest_segments, most_segments) * size.bytes();
  std::vector<Stretch> stretches;
  for (auto begin = start; begin < until;) {
    const auto to = std::min(until, start_of_segment(begin, size) + each);
    stretches.push_back({begin, to, {}, {}, {}, {}});
    begin = to;
  }
  return stretches;
}

}  // namespace

RecordsEnd walk_records(const WalArchive& archive, TimelinePath path, int major, Lsn start, Lsn until, unsigned jobs,
                        const std::stop_token& stop) {
  const auto size = archive.segment_size();
  if (path.back().begin < until) path.back().end = until;
  const auto in_memory = std::max<std::uint64_t>(1, most_bytes_in_memory / size.bytes());
  const auto threads = static_cast<unsigned>(std::min<std::uint64_t>(std::max(1U, jobs), in_memory));
  auto stretches = divide(start, until, size, threads);
  const Walk walk(archive, path, major, until, stop);
  base::for_each_in_parallel(
      threads, stretches.size(), [&](std::size_t i) { walk.run(stretches[i]); }, stop);
  RecordsEnd end{RecordsEnd::Kind::reached, start, {}, {}};
  for (std::size_t i = 0; i < stretches.size(); ++i) {
    auto& stretch = stretches[i];
    // Only one after the other do records tell where the next begins: one that a crash cut off over the seam, say.
    if (i > 0 && stretch.first != stretches[i - 1].behind) {
      stretch.begin = stretches[i - 1].begin;
      walk.run(stretch);
    }
    for (auto& minimal : stretch.minimal) {
      if (!minimal.before) minimal.before = end.last;
    }
    if (stretch.last) end.last = stretch.last;
    // One that was walked again began where the one before did.
    const auto is_new = [&](const auto& told) { return i == 0 || told.record >= stretches[i - 1].behind; };
    std::ranges::copy_if(stretch.tablespaces, std::back_inserter(end.tablespaces), is_new);
    std::ranges::copy_if(stretch.minimal, std::back_inserter(end.minimal), is_new);
    std::ranges::copy_if(stretch.databases, std::back_inserter(end.databases), is_new);
    if (stretch.end) {
      stretch.end->minimal = std::move(end.minimal);
      if (!stretch.end->last) stretch.end->last = end.last;
      stretch.end->tablespaces = std::move(end.tablespaces);
      stretch.end->databases = std::move(end.databases);
      return *stretch.end;
    }
    end.at = stretch.behind;
  }
  return end;
}

}  // namespace backup_engine::wal
