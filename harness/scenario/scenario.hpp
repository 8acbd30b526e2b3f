// A scenario: what to drill, written by a person in YAML (docs/scenarios.md). Pure: no process, no connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "harness/scenario/variables.hpp"

namespace harness::scenario {

using Seconds = std::chrono::duration<double>;

struct Position {  // in the scenario's file, from 1
  int line = 0, column = 0;
};

struct Provision {
  std::string dataset;  // a folder of fixtures/datasets
  int scale = 1;
  bool checksums = true;
  std::optional<int> postgres;                  // a major; empty: the newest found that is supported
  std::map<std::string, std::string> settings;  // extra server settings; fsync and full_page_writes may not be off
};

struct LoadProfile {
  unsigned writers = 4;
  std::optional<double> rate_per_second;  // empty: unlimited; all writers together
};

enum class WalTransport { stream, archive };
struct WalPolicy {
  WalTransport by = WalTransport::stream;
  bool synchronous = false;
};

// A backup that exists, of a cluster that Lifeboat did not make (docs/drill-your-backups.md).
struct StoredBackup {
  std::string location;                                       // of the repository, as --repo takes it
  std::string cluster;                                        // its name there
  std::string label;                                          // empty: the newest that can reach the target
  std::filesystem::path key_file;                             // of an encrypted repository
  std::string database = "postgres", superuser = "postgres";  // what SQL checks are run in, and as whom
};

struct Source {
  Provision provision;
  LoadProfile load;
  WalPolicy wal;
  std::optional<StoredBackup> stored;  // then nothing of the above means anything, and there is no timeline
};

// Where the drill's own backups and WAL go; a stored backup is in one that is there already.
struct DrillRepository {
  bool encrypted = false;  // with a key file that the drill makes
};

// The load runs for that long; with keep_running it goes on behind the steps that follow, until the disaster, a
// mark (which holds it) or another load step (which takes it over).
struct LoadStep {
  Seconds duration{0};
  bool keep_running = false;
};
enum class BackupType { full, differential, incremental };
enum class BackupMethod { files, stream };  // reads the data directory; speaks BASE_BACKUP over a connection alone
struct BackupStep {
  BackupType type = BackupType::full;
  BackupMethod by = BackupMethod::files;
};
struct MarkStep {
  std::string name;
};
// pg_create_restore_point while the load goes on: a place in the WAL, of which nothing else is known. PostgreSQL takes
// the first of several with one name.
struct RestorePointStep {
  std::string name;
};
// kind: a word the disaster stage knows ("lose_server"); argument as the kind wants it, empty for none: a table
// (schema.name), "TABLE SET ASSIGNMENTS" for update_rows, a schema, a database, a mark or restore point.
struct DisasterStep {
  std::string kind, argument;
  bool checksum_recomputed = false;  // corrupt_page: the page gets a checksum that matches what it says now
  int newest_backups = 0;            // encrypt_files: so many backups of the repository as well
};
struct Step {
  std::variant<LoadStep, BackupStep, MarkStep, RestorePointStep, DisasterStep> what;
  Position position;
};

// Where recovery stops. Of a stored backup `point` is the time (RFC 3339, UTC), LSN, transaction id or restore point's
// name itself, and there are no marks. Else `point` is a place of the timeline, whose position the drill learns on the
// way: the name of a mark or of a restore point, or "disaster", the moment (time), the position (lsn) or the
// transaction (xid) of the harm itself. mark: by its restore point's name. xid at a mark or restore point: the last in
// the WAL of those of the load's transactions that were acknowledged before it. immediate: the backup's own consistent
// point.
enum class TargetKind { end_of_wal, immediate, mark, name, time, lsn, xid };
inline constexpr std::string_view disaster_point = "disaster";
struct RestoreTarget {
  TargetKind kind = TargetKind::end_of_wal;
  std::string point;      // empty for end_of_wal and immediate
  bool inclusive = true;  // time, lsn and xid only
  bool operator==(const RestoreTarget&) const = default;
};
enum class TargetAction { promote, pause, shutdown };

// full: from a lost server, as far as the WAL goes or to the backup's own point. pitr: a new server at a point in time.
// partial: tables, a schema or rows into the source that lives on (`lifeboat extract`), or one database of several into
// a new server (`lifeboat restore --database`). pitr_sweep: as pitr, and then many further points of the WAL, each of
// which is judged.
enum class RestoreKind { full, pitr, partial, pitr_sweep };
enum class Placement { beside, replace };
struct PartialRestore {
  std::vector<std::string> tables;  // schema.name; empty: `schema`, or `database`
  std::string schema, database;
  std::string where;  // of the one table: only these rows
  Placement placement = Placement::replace;
  std::string suffix = "restored";  // beside: what the names get, after an underscore
};
// What strikes while the restore runs: the server that recovers is killed, or the restore itself half-way.
enum class SecondDisaster { kill_server, kill_restore };
struct Restore {
  RestoreKind kind = RestoreKind::full;
  RestoreTarget target;
  TargetAction action = TargetAction::promote;
  PartialRestore partial;          // kind partial only
  std::string expected_refusal{};  // of refusal_words: it must be refused, for this reason; empty: it must recover
  std::optional<SecondDisaster> struck_by{};  // it is then begun again
  // Over the source's own directory, whose cluster is set aside first; and put back once the restored one was judged.
  bool in_place = false, roll_back = false;
  int points = 0;  // kind pitr_sweep only: how many prefixes of the WAL are judged, and every boundary at least
};

enum class CheckKind {
  ledger,
  content,
  page_checksums,
  amcheck,
  verifybackup,
  constraints,
  catalog,
  sequences,
  settings,
  sql,
  untouched  // partial restores into the source: everything else is as it was
};
struct CheckRequest {
  CheckKind kind = CheckKind::ledger;
  std::filesystem::path sql_file;  // sql only, as resolved (absolute)
};

// By the size of the restored databases: below 1 GB, up to 10 GB, and above (1 GB is 10^9 bytes).
enum class SizeClass { small, medium, large };
[[nodiscard]] SizeClass size_class_of(std::uint64_t database_bytes);
[[nodiscard]] std::string_view to_string(SizeClass size);

struct Objectives {
  std::optional<Seconds> rto, rpo;
};

struct Scenario {
  std::filesystem::path file;
  std::map<std::string, std::string> variables;  // those that filled it, by name; defaults are not among them
  std::string name, claim;
  std::string digest;  // sha256, hex: of the file's bytes, and of the values of the variables that filled it, if any
  Source source;
  DrillRepository repository;
  std::vector<Step> timeline;
  Restore restore;
  std::vector<CheckRequest> verify;
  bool prove = false;     // that the checks would have noticed harm: a sabotaged copy is judged as well
  Objectives objectives;  // whatever the size, where its class has none of its own
  std::map<SizeClass, Objectives> objectives_by_size;  // only classes that the scenario names
  unsigned repeat = 1;                                 // whole restores for the clock, one after another
  std::vector<std::uint64_t> extrapolate_to_bytes;     // database sizes that the RTO is extrapolated to, not judged
};
// What is promised of databases of that size; without a size what is promised of all.
[[nodiscard]] Objectives objectives_for(const Scenario& scenario, std::optional<SizeClass> size);

[[nodiscard]] std::string_view to_string(CheckKind kind);
[[nodiscard]] std::string_view to_string(BackupType type);

// Parses and checks one file: unknown keys, wrong types, unknown words, zero checks, a timeline without backup or
// disaster, a target that cannot be reached or lies behind the harm, a content check that no mark can describe; of a
// stored backup a timeline, and whatever needs one. Throws base::Error(usage), message "FILE:LINE:COLUMN: …" and a
// remedy. `fixtures` is the folder in which datasets and checks are found, `variables` what ${…} stands for, and `seed`
// draws what a scenario with `random: true` leaves open; others have no use for it.
[[nodiscard]] Scenario parse_scenario(const std::filesystem::path& file, const std::filesystem::path& fixtures,
                                      const Variables& variables = {}, std::uint64_t seed = 0);

}  // namespace harness::scenario
