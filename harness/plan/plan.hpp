// A plan: a scenario with everything resolved. Saved as plan.json before anything runs; a drill is its execution.
// Pure: whoever makes it says what was found on the machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/scenario/scenario.hpp"

namespace harness::plan {

enum class Keep { always, on_failure, never };

constexpr int plan_schema_version = 3;  // of plan.json (docs/formats/plan.md)

// The file system of the source's WAL, where a disaster fills it. PostgreSQL is told to keep its WAL well below that.
constexpr std::uint64_t wal_volume_bytes = std::uint64_t{256} << 20U;
[[nodiscard]] const scenario::Step* step_that_fills_disk(const scenario::Scenario& scenario);  // null: none does

// Why this machine cannot conduct a drill, and what to do about it.
struct Obstacle {
  std::string what, remedy;
};

// What the machine and the command line offer (gathered by the cli).
struct Circumstances {
  std::filesystem::path out = "drills";
  std::filesystem::path work_directory;  // where server data may lie; empty: the drill directory
  std::filesystem::path fixtures;
  std::filesystem::path lifeboat;  // this executable, absolute
  std::filesystem::path postgres_bin_directory;
  std::string postgres_version;  // "15.18"
  std::string run_as;            // empty: the caller (not root)
  std::string reason;
  std::string filled_for;  // the cluster of lifeboat.yaml that filled the scenario's variables; empty: none
  Keep keep = Keep::on_failure;
  unsigned jobs = 2;  // threads of one drill
  unsigned concurrent_drills = 1;
  std::uint64_t seed = 0;
  std::optional<Obstacle> obstacle{};  // such a drill is not begun, and its report says so
};

struct Plan {
  std::string drill_id;  // SCENARIO/UTC-start, SCENARIO@CLUSTER/UTC-start when filled; also the directory below `out`
  std::filesystem::path drill_directory;  // absolute
  std::string started_at;                 // RFC 3339
  scenario::Scenario scenario;
  Circumstances circumstances;
  std::string cluster = "drill";  // its name in the repository, the drill's own or a stored backup's
  std::string slot = "lifeboat";  // the receiver's slot and standby name, as synchronous_standby_names has it
  std::map<std::string, std::string> server_settings;  // of the source, complete; none for a stored backup
  // recovery_limit: of each recovery, and of each of PostgreSQL's tools that examines what came back.
  std::chrono::seconds server_start_limit{60}, recovery_limit{600}, backup_limit{600};
};

// The drill's id and start are taken from the clock; everything else follows from the arguments.
[[nodiscard]] Plan make_plan(const scenario::Scenario& scenario, const Circumstances& circumstances);
// Indented, every field always present, final newline.
[[nodiscard]] std::string to_json(const Plan& plan);
// The values that filled the scenario of a plan.json, which are needed to parse it again. Throws base::Error(corrupt).
[[nodiscard]] scenario::Variables variables_of_plan(const std::string& json);
// The steps that would happen, in words, for `lifeboat plan`.
[[nodiscard]] std::string describe(const Plan& plan);

}  // namespace harness::plan
