// What probes saw on a restored target, written down before anything is judged: evidence/*.json. Checks are pure
// functions over these types, so a drill can be judged again offline (docs/formats/evidence.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reports/record/mark.hpp"

namespace reports::record {

// Rows of the ledger table as found on the target.
struct LedgerRow {
  std::int64_t id = 0;
  std::uint64_t xid = 0;
  std::string digest;             // as the row declares it
  std::string recomputed_digest;  // from the business rows, empty where the dataset cannot recompute it
};
struct LedgerRows {
  std::vector<LedgerRow> rows;  // duplicates kept
};

// A program of PostgreSQL's own, run on the target.
struct ToolRun {
  std::string program;  // pg_verifybackup, pg_checksums, pg_amcheck, pg_controldata
  std::vector<std::string> arguments;
  int exit_code = -1;
  std::string output;  // stdout and stderr, as they came
  double seconds = 0;
};

struct ConstraintEvidence {
  struct Broken {
    std::string table, constraint, kind;  // foreign key, unique, check, not null, primary key
    std::uint64_t rows = 0;
    std::vector<std::string> keys;  // digests of a few keys
  };
  std::uint64_t examined = 0;
  std::vector<Broken> broken;              // re-validated by query
  std::vector<std::string> not_validated;  // "table.constraint" with convalidated = false
  std::vector<std::string> invalid_indexes;
  std::vector<std::string> not_evaluated;  // "table: KIND constraint: why", rules that PostgreSQL could not evaluate
};

struct SequenceEvidence {
  struct Behind {
    std::string sequence, table, column;
    std::int64_t last_value = 0, highest_value = 0;
  };
  std::uint64_t examined = 0;
  std::vector<Behind> behind;
};

struct CatalogEvidence {
  std::map<std::string, std::string> objects;      // as Mark::catalog
  std::map<std::string, std::string> settings;     // as Mark::settings
  std::map<std::string, std::string> quarantined;  // settings that quarantine overrode: name → value given
  std::vector<std::string> collation_mismatches;   // name: recorded version, this libc's version
  std::vector<std::string> missing_libraries;      // of installed extensions
};

struct SqlEvidence {
  struct Result {
    std::string name;  // of the statement: its leading "-- name" comment
    std::vector<std::string> columns;
    std::vector<std::vector<std::string>> rows;  // what the statement returned: each row is a violation (first 20)
    std::uint64_t row_count = 0;
    std::string error;  // PostgreSQL's message, empty when it ran
  };
  std::string file;
  std::vector<Result> results;
};

// Commit order: from witness WAL, read by pg_waldump, and what the target holds.
struct CommitRecord {
  std::string lsn;        // where the record starts
  std::string end_lsn;    // where it ends: what PostgreSQL says it reached after replaying it
  std::uint32_t xid = 0;  // without epoch, as WAL has it; of a prepared transaction that transaction's own
  std::vector<std::uint32_t> subtransactions;
  std::string time;  // RFC 3339
  std::uint32_t timeline = 1;
  bool committed = true;  // false: an abort
};
// A restore point; WAL holds its time, pg_waldump does not print it.
struct RestorePointRecord {
  std::string name, lsn, end_lsn;
  std::uint32_t timeline = 1;
};
// Any record: where it starts and ends.
struct RecordPlace {
  std::string lsn, end_lsn;
};
// What pg_xact_status() says of a transaction: "committed", "aborted", "in progress"; "ahead" where it is newer than
// all that are known to have ended; empty where it is forgotten (and where it is ahead, in older evidence).
struct TransactionStatus {
  std::uint32_t xid = 0;  // without epoch
  std::string status;
};
// A PREPARE TRANSACTION; what decided it, if anything did, is a CommitRecord of the same xid.
struct PreparedRecord {
  std::string lsn, end_lsn;
  std::uint32_t xid = 0;
  std::string name;  // as pg_prepared_xacts has it
  std::string time;  // RFC 3339, empty where the name broke the line
  std::uint32_t timeline = 1;
};
// A part of the way along which recovery goes from timeline to timeline.
struct TimelineStretch {
  std::uint32_t timeline = 1;
  std::string end_lsn;  // where the next one branched off; empty for the last
};
struct CommitOrderEvidence {
  std::string witness;                // "pg_receivewal", or "engine" where only the repository's WAL exists
  std::vector<CommitRecord> records;  // in WAL order
  std::string reached_lsn;            // where the target's recovery ended, read from PostgreSQL
  std::uint32_t reached_timeline = 1;
  std::string acknowledged_lsn;  // durable, as the WAL receiver had told the source before the disaster; may be empty
  std::vector<std::uint64_t> xids_present;           // of the ledger rows found on the target
  std::vector<RestorePointRecord> restore_points{};  // in WAL order
  // Where recovery was told an LSN: the first record that starts there or later, absent when the witness ends before.
  std::optional<RecordPlace> at_target{};
  // Without a target: the first record found on a page behind the one where recovery ended. WAL goes on there.
  std::optional<RecordPlace> left_out{};
  // Of a cluster without a ledger, in the order of `records`: what the recovered server says of those before
  // reached_lsn, and a second copy, paused at the target, of all; each followed by its subtransactions. Empty where the
  // target is no place to pause at.
  std::vector<TransactionStatus> recovered_statuses{}, paused_statuses{};
  // The way that recovery had to go, oldest first; `records` are those of each stretch. Empty in older evidence.
  std::vector<TimelineStretch> line{};
  std::vector<CommitRecord> abandoned{};   // of the timelines of the line, behind where the line left them
  std::vector<PreparedRecord> prepared{};  // in WAL order
  // Xids of the target's prepared transactions; absent where nobody asked.
  std::optional<std::vector<std::uint32_t>> prepared_present{};
};

// A sweep over the WAL: where recovery was taken to, and which of the load's transactions were there.
struct SweepEvidence {
  struct Point {
    std::string boundary;  // why this point: "backup_stop", "after_commit", "random" … (docs/scenarios.md)
    std::string way;  // "shared": a prefix of the WAL, in the one recovery; "own": a recovery target, restored for it
    // Each record that starts before it is to be replayed, and no other. Empty where the order of commits tells: own,
    // but for an LSN that is no commit's.
    std::string position;
    std::string served;                     // shared: WAL was there up to this, and zeros behind
    std::string target_type, target_value;  // own: as PostgreSQL was given it
    bool inclusive = true;
    std::string backup_label;
    std::string outcome;  // "recovered", "failed"; empty: it was not looked at
    std::string why;      // of a point that did not recover
    std::string reached_lsn;
    std::uint32_t reached_timeline = 1;
    // Ledger xids with a row here and none at the point before in this list, and the other way round; duplicates kept.
    std::vector<std::uint64_t> appeared, vanished;
    double seconds = 0;
  };
  std::string from_lsn, until_lsn;  // between which the points lie
  double shared_seconds = 0;        // the one recovery with all of its points, from the restore on
  double own_seconds = 0;           // the others, two at a time
  std::vector<Point> points;        // every one that was planned
};

// What a cluster says of itself, for want of a mark to compare it with.
struct ConsistencyEvidence {
  std::uint64_t references_examined = 0, files_examined = 0;
  struct BrokenReference {  // from one catalog to another
    std::string from, to;   // "pg_class (relnamespace)", "pg_namespace (oid)"
    std::uint64_t rows = 0;
  };
  std::vector<BrokenReference> broken_references;
  std::vector<std::string> missing_files;  // "relation: path"
};

// Partial restores: all that the restore may not touch, on the server that lives on, before and after it.
struct UntouchedEvidence {
  SelectedTables before, after;
  std::vector<std::string> dependents;  // of `after`'s objects those that stand on what was restored
};

// A restore in place that was rolled back: the whole cluster, right before it was stopped to be replaced, and put back.
struct RollBackEvidence {
  struct Look {
    ContentDigests content;
    std::map<std::string, std::string> objects;  // as Mark::catalog
    std::string system_identifier;
    std::uint32_t timeline = 0;
  };
  Look before, after;
};

// What a restored server could reach, as the kernel has it and as a child in its surroundings found by trying.
struct IsolationEvidence {
  std::string impossible;  // why nobody has namespaces of its own here; then nothing else was looked at
  std::uint64_t processes = 0;
  std::vector<std::string> shared;      // "4711 (checkpointer): network", for each process in a namespace of Lifeboat's
  std::vector<std::string> interfaces;  // of its network, but the loopback
  std::uint64_t sockets_known = 0;      // Unix sockets on which somebody outside listens
  std::vector<std::string> sockets_seen;  // those of them that it sees, but the one that serves its WAL
  struct Attempt {                        // at a listener that was put there for it
    std::string address;                  // "TCP 127.0.0.1:40001"
    bool from_outside = false, from_inside = false;
    std::string why_not;  // what the kernel told the one inside
  };
  std::vector<Attempt> attempts;
};

// Everything that was gathered in one drill; a member that could not be gathered is absent, with the reason in
// `missing` (evidence name → why), and its check is unknown.
struct Evidence {
  std::optional<LedgerRows> ledger;
  std::optional<ContentDigests> content;  // at `content_mark`
  // The same of the recovered server itself, where recovery ends at what the mark describes; `content` is a second
  // copy's.
  std::optional<ContentDigests> restored_content;
  std::string content_mark;
  std::optional<ToolRun> verify_backup, page_checksums, amcheck;
  std::optional<ConstraintEvidence> constraints;
  std::optional<SequenceEvidence> sequences;
  std::optional<CatalogEvidence> catalog;
  std::vector<SqlEvidence> sql;
  std::optional<ConsistencyEvidence> consistency;
  std::optional<ToolRun> control_data;  // of the restored directory before its first start: how the source ran
  std::optional<CommitOrderEvidence> commit_order;
  std::optional<SelectedTables> selected;  // what a partial restore brought back, under its original names
  std::optional<UntouchedEvidence> untouched;
  std::optional<RollBackEvidence> roll_back;
  std::optional<SweepEvidence> sweep;
  std::optional<IsolationEvidence> isolation, second_isolation;  // of the server that was recovered, and of its copy
  std::map<std::string, std::string> missing;
  std::map<std::string, double> seconds;  // evidence name → time the probe took
};

// DIRECTORY/evidence/NAME.json for each member.
void write_evidence(const std::filesystem::path& drill_directory, const Evidence& evidence);
[[nodiscard]] Evidence read_evidence(const std::filesystem::path& drill_directory);

}  // namespace reports::record
