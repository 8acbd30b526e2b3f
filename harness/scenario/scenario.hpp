// A scenario: what to drill, written by a person in YAML (docs/scenarios.md). Pure: no process, no connection.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

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

struct Source {
  Provision provision;
  LoadProfile load;
  WalPolicy wal;
};

// The load runs for that long; with keep_running it goes on behind the steps that follow, until the disaster, a
// mark (which holds it) or another load step (which takes it over).
struct LoadStep {
  Seconds duration{0};
  bool keep_running = false;
};
enum class BackupType { full, differential, incremental };
struct BackupStep {
  BackupType type = BackupType::full;
};
struct MarkStep {
  std::string name;
};
// kind: a word the disaster stage knows ("lose_server"); argument as the kind wants it, empty for none.
struct DisasterStep {
  std::string kind, argument;
};
struct Step {
  std::variant<LoadStep, BackupStep, MarkStep, DisasterStep> what;
  Position position;
};

enum class RestoreKind { full };
enum class RestoreTarget { end_of_wal, immediate };  // immediate: the backup's own consistent point
struct Restore {
  RestoreKind kind = RestoreKind::full;
  RestoreTarget target = RestoreTarget::end_of_wal;
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
  sql
};
struct CheckRequest {
  CheckKind kind = CheckKind::ledger;
  std::filesystem::path sql_file;  // sql only, as resolved (absolute)
};

struct Objectives {
  std::optional<Seconds> rto, rpo;
};

struct Scenario {
  std::filesystem::path file;
  std::string name, claim;
  std::string digest;  // sha256 of the file's bytes, hex
  Source source;
  std::vector<Step> timeline;
  Restore restore;
  std::vector<CheckRequest> verify;
  Objectives objectives;
};

[[nodiscard]] std::string_view to_string(CheckKind kind);
[[nodiscard]] std::string_view to_string(BackupType type);

// Parses and checks one file: unknown keys, wrong types, unknown words, zero checks, a timeline without backup or
// disaster, a content check that no mark can describe. Throws base::Error(usage), message "FILE:LINE:COLUMN: …" and a
// remedy. `fixtures` is the folder in which datasets and checks are found.
[[nodiscard]] Scenario parse_scenario(const std::filesystem::path& file, const std::filesystem::path& fixtures);

}  // namespace harness::scenario
