// What this machine has and lacks for drills, and how to get it: the substance of `lifeboat doctor`.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace harness::server {

enum class Health {
  good,
  limited,  // drills run, with less than they could show
  bad,      // drills do not run
};

struct Examined {
  std::string what;  // "PostgreSQL 15", "work directory"
  Health health = Health::good;
  std::string detail;  // what was found
  std::string remedy;  // what to do; empty when good
  [[nodiscard]] bool ok() const { return health != Health::bad; }
};

struct DoctorOptions {
  std::filesystem::path work_directory = ".";          // --work-dir, or the drill directory
  std::string run_as;                                  // --run-as
  std::optional<std::filesystem::path> bin_directory;  // --pg-bindir
};

// Looks at everything; starts a probe process or two and removes what dead runs left behind. A thing that cannot be
// examined is bad, with the reason as its detail; throws never for one.
[[nodiscard]] std::vector<Examined> examine(const DoctorOptions& options);

}  // namespace harness::server
