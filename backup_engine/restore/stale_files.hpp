// What an existing data directory holds and the backup does not: it goes before anything is written, so that nothing of
// the old cluster is taken for part of the new one. Links are never followed: what they lead to stays as it is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backup_engine/base/file_system.hpp"
#include "backup_engine/restore/plan.hpp"

namespace backup_engine::restore {

struct Removed {
  std::uint64_t files = 0;
  std::vector<std::string> notes;  // links that led elsewhere
};

// Behind it, every file that is left is one of the plan's that may be compared (plain, with one name), every directory
// one of the plan's, every link one of the plan's tablespaces'. The mark stays. Of a tablespace only the directory of
// this version is looked at. Nothing is synced.
Removed remove_stale_files(const Plan& plan, base::FileSystem& file_system, unsigned jobs);

}  // namespace backup_engine::restore
