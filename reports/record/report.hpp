// report.json as types: the contract that every renderer, the history and other people's tools build on
// (docs/formats/report.md). Every field is always written; optional means null, an empty vector means [].
// Times are UTC RFC 3339 text, durations seconds, sizes bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reports/record/check.hpp"
#include "reports/record/verdict.hpp"

namespace reports::record {

constexpr int report_schema_version = 1;

struct ScenarioIdentity {
  std::string name, claim, digest;  // digest: sha256 of the file's bytes, hex
};

struct ToolIdentity {
  std::string name = "lifeboat", version, revision;
};

struct Initiator {
  std::string user, host, reason, cadence;
};

struct Environment {
  std::string os, kernel, cpu;
  unsigned cores = 0;
  std::uint64_t memory_bytes = 0;
  std::string filesystem, postgres_version;
  std::map<std::string, std::string> settings;  // fsync, data_checksums, … and "repository_cache": "cold" or "warm"
  unsigned concurrent_drills = 1;
};

struct BackupRecord {
  std::string label, type, parent_label, source;
  std::uint64_t source_bytes = 0, stored_bytes = 0;
  double seconds = 0;
  std::string start_lsn, stop_lsn;
  std::uint32_t timeline = 0;
  std::uint64_t damaged_pages = 0;
};

struct DisasterRecord {
  std::string kind, at, detail;
};

struct Resources {
  double cpu_seconds = 0;
  std::uint64_t peak_memory_bytes = 0, read_bytes = 0, written_bytes = 0;
};

struct Phase {
  std::string name, started_at;
  double seconds = 0;
  Resources resources;
};

struct Rto {
  std::vector<Phase> phases;
  std::optional<double> restored_seconds, readable_seconds, writable_seconds, verified_seconds, objective_seconds;
  std::optional<bool> met;
};

struct Rpo {
  std::optional<std::uint64_t> acknowledged, recovered, lost, discarded, unexpected, duplicated, indeterminate;
  std::optional<double> loss_seconds, discarded_seconds, objective_seconds;
  std::optional<bool> met;
};

struct Exactness {
  std::optional<std::uint64_t> expected, missing, extra;
  std::string witness;
  std::optional<bool> met;
};

struct RestoreTarget {
  std::string type, value;  // end_of_wal, immediate, mark, time, lsn, xid, name
  bool inclusive = true;
  std::string timeline;
};

struct RestoreRecord {
  std::string kind;  // full, pitr, partial …
  RestoreTarget target;
  std::string backup_label;
  struct Reached {
    std::string lsn, time, xid;
  } reached;
  struct Expected {
    std::string outcome = "recovered", reason;
  } expected;
  std::string outcome;  // recovered, refused, failed; empty when not reached
  std::string reason;   // of a refusal: why, in a word (docs/restore.md); empty where there is none
  struct Size {
    std::optional<std::uint64_t> database_bytes;  // of the databases that came back, as PostgreSQL counts them
    std::string size_class;                       // small, medium, large; empty when not known
  } size;
  // What backing up and coming back took, as the programme's plans have it: out of the source, out of the repository
  // into place, and from there to a server that takes writes.
  struct Work {
    std::optional<double> extract_seconds, transfer_seconds, restore_seconds;
  } work;
  std::vector<std::string> notes;  // what the engine says of this restore: what it chose, and caveats of the backup
  std::optional<unsigned> repeat;  // of a restore that the drill repeats: which one, from 1; the last is examined
  // What went through: the engine's count of the bytes that it put into place, and the WAL from where PostgreSQL began
  // to replay to where it ended.
  struct Volume {
    std::optional<std::uint64_t> restored_bytes, replayed_wal_bytes;
    std::optional<double> replay_seconds;  // of replay alone, without the server's start
  } volume;
  Rto rto;
  Rpo rpo;
  Exactness exact;
};

// Many points of the WAL, each judged for itself: prefixes of the WAL in one recovery ("shared"), and recovery targets
// with a restore of their own ("own").
struct Sweep {
  struct Point {
    std::string boundary, way;
    std::string lsn;        // where recovery has to end: each record that starts before it is replayed
    std::string time, xid;  // of the last commit before it
    std::uint32_t timeline = 1;
    RestoreTarget target;  // own; of a shared one the type is "prefix"
    std::string backup_label, reached_lsn;
    std::optional<std::uint64_t> expected, missing, extra;
    std::optional<bool> met;  // empty: it could not be judged, and `why` says the reason
    std::string why;
    double seconds = 0;
  };
  std::string from_lsn, until_lsn;
  std::uint64_t planned = 0, judged = 0, met = 0;
  double shared_seconds = 0, own_seconds = 0;
  std::vector<Point> points;
};

// How a time varied over the repeats of one restore (docs/statistics.md has the formulas).
struct Spread {
  std::string name;  // of the phase, or restored, readable, writable: the milestones, counted from the disaster
  unsigned samples = 0;
  double minimum_seconds = 0, median_seconds = 0, percentile_95_seconds = 0, maximum_seconds = 0;
  std::optional<double> standard_deviation_seconds;  // of the sample; null for one alone
};

// What restoring a database of another size would take if the rates held. Never judged.
struct Extrapolation {
  std::uint64_t size_bytes = 0;
  std::optional<double> factor;  // times the size that was measured
  // The median over the repeats, and the ends.
  std::optional<double> rto_seconds, lowest_seconds, highest_seconds;
  // What the median is made of: bytes to put into place, WAL to replay, and what does not grow.
  std::optional<double> transfer_seconds, replay_seconds, constant_seconds;
  std::string caveat;  // how far that is from what was measured, and what was assumed
};

struct Statistics {
  unsigned repeats = 0;  // restores that were measured
  std::vector<Spread> phases, milestones;
  // Medians over the repeats; null where nothing tells a rate.
  std::optional<double> restored_bytes_per_second, replayed_wal_bytes_per_second;
  std::vector<Extrapolation> extrapolations;
  std::vector<std::string> notes;  // how to read them
};

struct Proof {
  std::string check, sabotage, verdict_wanted, verdict_given;
};

struct Cleanup {
  Verdict verdict = Verdict::unknown;
  std::vector<std::string> left_behind;
};

struct Report {
  int schema_version = report_schema_version;
  std::string drill_id;
  std::uint64_t seed = 0;
  ScenarioIdentity scenario;
  ToolIdentity tool;
  Initiator initiated_by;
  Environment environment;
  std::string started_at, finished_at;
  Verdict verdict = Verdict::unknown;
  std::vector<BackupRecord> backups;
  std::vector<DisasterRecord> disasters;
  std::vector<RestoreRecord> restores;   // the headline restore, rto, rpo, exact of the JSON are the last of these
  std::optional<Statistics> statistics;  // of a restore that was repeated or is extrapolated
  std::vector<Check> checks;
  std::vector<Proof> proof;
  std::optional<Sweep> sweep;  // of a restore of kind pitr_sweep
  std::vector<std::string> not_tested;
  Cleanup cleanup;
};

[[nodiscard]] std::string to_json(const Report& report);  // indented, fields in the contract's order, final newline
// Throws base::Error(corrupt) naming the field; Error(unsupported) for another schema_version.
[[nodiscard]] Report report_from_json(const std::string& text);
[[nodiscard]] Report read_report(const std::filesystem::path& file);

}  // namespace reports::record
