// Whether a PostgreSQL server runs in a data directory, asked as PostgreSQL itself asks before it starts there
// (CreateLockFile in src/backend/utils/init/miscinit.c, PGSharedMemoryIsInUse in src/backend/port/sysv_shmem.c), and of
// /proc besides: a server in a container has another process id there than in its postmaster.pid.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace backup_engine::restore {

// Who it is: "process 4711, as its postmaster.pid says"; nullopt when nobody is. Throws Error when postmaster.pid
// cannot be read.
[[nodiscard]] std::optional<std::string> find_server_of(const std::filesystem::path& data_directory);

}  // namespace backup_engine::restore
