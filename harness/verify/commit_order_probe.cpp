#include "harness/verify/commit_order_probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/postgres/timeline.hpp"
#include "backup_engine/postgres/wal_segment.hpp"
#include "harness/verify/wal_dump_lines.hpp"
#include "harness/verify/witness_line.hpp"

namespace harness::verify {

namespace fs = std::filesystem;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::Lsn;
using backup_engine::postgres::SegmentSize;
using reports::record::CommitOrderEvidence;
using reports::record::CommitRecord;
using reports::record::LedgerRows;
using reports::record::RecordPlace;
using reports::record::TimelineStretch;

namespace {

// pg_waldump opens segments by their final names, so a .partial one gets its name here, as a link. A complete segment
// of the same name wins: it holds all that the partial one does.
void link_segments(const fs::path& directory, const fs::path& links) {
  std::vector<fs::path> partial;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    const auto name = entry.path().filename();
    if (name.extension() == ".partial") {
      partial.push_back(entry.path());
    } else if (name.string().size() == 24) {
      fs::create_symlink(entry.path(), links / name);
    }
  }
  for (const auto& path : partial) {
    const auto link = links / path.stem();
    if (!fs::exists(fs::symlink_status(link))) fs::create_symlink(path, link);
  }
}

// The witness as pg_waldump reads it, for as long as this lives.
class DumpableWal {
 public:
  DumpableWal(fs::path directory, std::uint32_t timeline)
      : directory_(std::move(directory)), timeline_(timeline), links_(directory_.parent_path(), "waldump") {
    link_segments(directory_, links_.path());
    find_start();
  }
  [[nodiscard]] DumpedWal described() const { return {timeline_, segment_size_}; }
  [[nodiscard]] const std::string& start() const { return start_; }

  // What pg_waldump prints from there on; WAL that ends in the middle of a record is no failure.
  [[nodiscard]] std::string dump(const ToolOptions& options, const std::string& from,
                                 const std::vector<std::string>& which) const;

 private:
  // Where the witness begins, with its first segment on that timeline, so that no commit before the load's first one is
  // missed: pg_waldump looks for the first whole record from there. And where its last one ends.
  void find_start() {
    std::vector<fs::path> segments;
    for (const auto& entry : fs::directory_iterator(links_.path())) segments.push_back(entry.path());
    std::sort(segments.begin(), segments.end());
    for (const auto& path : segments) {
      const auto size = start_.empty() ? SegmentSize::of_bytes(fs::file_size(path)) : segment_size_;
      const auto segment = parse_segment_name(path.filename().string(), size);
      if (!segment || segment->timeline.number() != timeline_) continue;
      segment_size_ = size;
      if (start_.empty()) start_ = to_string(start_of(*segment, size));
      end_ = to_string(start_of({segment->timeline, segment->number + 1}, size));
    }
    if (!start_.empty()) return;
    throw Error(ErrorKind::not_found,
                fmt::format("the witness WAL in {} has no segment of timeline {}", directory_.string(), timeline_));
  }

  fs::path directory_;
  std::uint32_t timeline_;
  backup_engine::base::TemporaryDirectory links_;
  SegmentSize segment_size_;
  std::string start_, end_;
};

// The end of WAL looks to pg_waldump like a damaged record: zeros, or what the segment held before it was recycled.
bool ended_at_end_of_wal(const process::Completed& done) {
  return done.status.success() || done.output.find("error in WAL record at") != std::string::npos ||
         done.output.find("could not find file") != std::string::npos ||
         done.output.find("could not find a valid record after") != std::string::npos;
}

std::string DumpableWal::dump(const ToolOptions& options, const std::string& from,
                              const std::vector<std::string>& which) const {
  process::Command command;
  command.program = options.bin_directory / "pg_waldump";
  // Not told where to end, pg_waldump waits five seconds for a segment that is still to come.
  command.arguments = {"--path=" + links_.path().string(), fmt::format("--timeline={}", timeline_), "--start=" + from,
                       "--end=" + end_};
  command.arguments.insert(command.arguments.end(), which.begin(), which.end());
  command.environment["TZ"] = "UTC";
  auto done = process::run(command, backup_engine::base::Deadline::after(options.limit), options.stop);
  if (!ended_at_end_of_wal(done)) {
    throw Error(ErrorKind::process,
                fmt::format("pg_waldump cannot read the witness WAL ({})", process::to_text(done.status)))
        .of_command(process::to_text(command))
        .with_log_tail(done.output.substr(done.output.size() - std::min<std::size_t>(done.output.size(), 1000)));
  }
  return std::move(done.output);
}

Lsn place(const std::string& lsn) {
  return backup_engine::postgres::parse_lsn(lsn).value_or(Lsn());
}

// A new timeline's first segment repeats what the one before it had written there. That one's own segment need not be
// held, so what is not known yet is taken from there, and is the old timeline's all the same.
template <typename Record>
void append(std::vector<Record>& to, std::vector<Record>& from, const std::vector<TimelineStretch>& line,
            const std::string& end_lsn) {
  const auto last = to.empty() ? Lsn() : place(to.back().lsn);
  for (auto& record : from) {
    const auto at = place(record.lsn);
    if (at <= last || (!end_lsn.empty() && at >= place(end_lsn))) continue;
    record.timeline = timeline_at(line, record.lsn);
    to.push_back(std::move(record));
  }
}

// What a timeline went on with when the line had left it.
void keep_abandoned(std::vector<CommitRecord>& to, const std::vector<CommitRecord>& from, const std::string& end_lsn) {
  std::copy_if(from.begin(), from.end(), std::back_inserter(to),
               [&](const CommitRecord& record) { return !end_lsn.empty() && place(record.lsn) >= place(end_lsn); });
}

void read_records(const ToolOptions& options, const WitnessWal& witness, CommitOrderEvidence& all) {
  for (const auto& stretch : all.line) {
    std::optional<DumpableWal> wal;
    try {
      wal.emplace(witness.directory, stretch.timeline);
    } catch (const Error& error) {
      // Left within its first segment, a timeline has all that counts of it in the next one's.
      if (error.kind() != ErrorKind::not_found || stretch.end_lsn.empty()) throw;
      continue;
    }
    auto records =
        parse_dumped_records(wal->dump(options, wal->start(), {"--rmgr=Transaction", "--rmgr=XLOG"}), wal->described());
    keep_abandoned(all.abandoned, records.commits, stretch.end_lsn);
    append(all.records, records.commits, all.line, stretch.end_lsn);
    append(all.prepared, records.prepared, all.line, stretch.end_lsn);
    append(all.restore_points, records.restore_points, all.line, stretch.end_lsn);
  }
  if (all.records.empty() && !witness.may_be_quiet) {
    throw Error(ErrorKind::not_found, fmt::format("the witness WAL in {} holds no commit on timeline {}",
                                                  witness.directory.string(), witness.timeline));
  }
}

// The first record that starts there or later.
std::optional<RecordPlace> record_at(const ToolOptions& options, const DumpableWal& wal, const std::string& lsn) {
  const auto places = parse_places(wal.dump(options, lsn, {"--limit=1"}), wal.described());
  return places.empty() ? std::nullopt : std::optional(places.front());
}

// A record that begins on the page behind `lsn` or in the segment behind it. pg_waldump reads no further than recovery
// did; begun there, it finds what follows on a place where the records break off. Behind the end of WAL are no pages.
std::optional<RecordPlace> record_left_out(const ToolOptions& options, const DumpableWal& wal, const std::string& lsn) {
  constexpr std::uint64_t page_bytes = 8192;
  const auto ended = backup_engine::postgres::parse_lsn(lsn);
  if (!ended) throw Error(ErrorKind::internal, fmt::format("'{}' is no LSN", lsn));
  for (const auto step : {page_bytes, wal.described().segment_size.bytes()}) {
    const Lsn behind((ended->position_bytes() + step - 1) / step * step);
    if (auto record = record_at(options, wal, to_string(behind))) return record;
  }
  return std::nullopt;
}

}  // namespace

static std::optional<std::string> read_if_there(backup_engine::postgres::Connection& connection,
                                                const std::string& file) {
  return connection.query("SELECT CASE WHEN (pg_stat_file($1, true)).size IS NOT NULL THEN pg_read_file($1) END",
                          {file})[0][0];
}

// Where replay stands. The control file tells the timeline of some time ago: it is written when pages are. So the
// history of the timeline that recovery goes to, which it keeps in pg_wal, says on which one that place lies.
static ReachedPoint read_replayed_point(backup_engine::postgres::Connection& connection) {
  const auto row = connection.query(
      "SELECT pg_last_wal_replay_lsn(), (SELECT received_tli FROM pg_stat_wal_receiver), min_recovery_end_timeline, "
      "c.timeline_id, current_setting('recovery_target_timeline'), (SELECT left(max(name), 8) FROM pg_ls_waldir() "
      "WHERE name ~ '^[0-9A-F]{8}[.]history$') FROM pg_control_recovery(), pg_control_checkpoint() AS c")[0];
  const auto lsn = to_text(row[0]);
  if (row[1]) return {lsn, static_cast<std::uint32_t>(to_count(row[1]))};
  const auto asked = to_text(row[4]);
  const auto newest = backup_engine::postgres::parse_history_file_name(to_text(row[5]) + ".history");
  auto timeline = static_cast<std::uint32_t>(to_count(to_count(row[2]) > 0 ? row[2] : row[3]));
  if (asked == "latest" && newest) timeline = newest->number();
  if (!asked.empty() && asked.find_first_not_of("0123456789") == std::string::npos) {
    timeline = static_cast<std::uint32_t>(std::stoul(asked));
  }
  const auto file =
      "pg_wal/" + backup_engine::postgres::history_file_name(backup_engine::postgres::TimelineId(timeline));
  const auto history = read_if_there(connection, file);
  return {lsn, timeline_at(line_of(history.value_or(""), timeline), lsn)};
}

ReachedPoint read_reached_point(const Cluster& cluster) {
  auto connection = cluster.connect(scoped_database(cluster));
  if (connection.query("SELECT pg_is_in_recovery()").single() == "t") return read_replayed_point(connection);
  // The first eight digits of the name of the segment that is written now: the timeline, even before a checkpoint.
  const auto hex = connection.query("SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)").single();
  const auto file = fmt::format("pg_wal/{}.history", hex);
  const auto text = read_if_there(connection, file);
  if (!text) {
    throw Error(ErrorKind::not_found, fmt::format("the target runs on timeline {} but has no {}", hex, file))
        .with_remedy("it was started without recovery, or the file was removed: what it reached is not known");
  }
  const auto history = backup_engine::postgres::parse_history(*text);
  if (history.empty()) throw Error(ErrorKind::not_found, fmt::format("{} names no timeline switch", file));
  return {backup_engine::postgres::to_string(history.back().switch_lsn), history.back().parent.number()};
}

CommitOrderEvidence read_commit_order(const ToolOptions& options, const WitnessWal& witness) {
  CommitOrderEvidence evidence;
  evidence.witness = witness.name;
  evidence.line = witness.line.empty() ? line_to(witness.directory, witness.timeline) : witness.line;
  read_records(options, witness, evidence);
  if (!witness.target_lsn.empty()) {
    evidence.at_target = record_at(
        options, DumpableWal(witness.directory, timeline_at(evidence.line, witness.target_lsn)), witness.target_lsn);
  }
  if (!witness.ended_lsn.empty()) {
    evidence.left_out = record_left_out(options, DumpableWal(witness.directory, witness.timeline), witness.ended_lsn);
  }
  return evidence;
}

std::vector<std::uint32_t> read_prepared(const Cluster& cluster) {
  std::vector<std::uint32_t> xids;
  auto connection = cluster.connect(scoped_database(cluster));
  for (const auto& row : connection.query("SELECT transaction::text FROM pg_prepared_xacts ORDER BY prepared")) {
    xids.push_back(static_cast<std::uint32_t>(to_count(row[0])));
  }
  return xids;
}

CommitOrderEvidence probe_commit_order(const ToolOptions& options, const WitnessWal& witness, const Cluster& cluster,
                                       const LedgerRows& rows) {
  auto evidence = read_commit_order(options, witness);
  const auto reached = read_reached_point(cluster);
  evidence.reached_lsn = reached.lsn;
  evidence.reached_timeline = reached.timeline;
  evidence.prepared_present = read_prepared(cluster);
  evidence.xids_present.reserve(rows.rows.size());
  for (const auto& row : rows.rows) evidence.xids_present.push_back(row.xid);
  std::sort(evidence.xids_present.begin(), evidence.xids_present.end());
  return evidence;
}

}  // namespace harness::verify
