// Whether a PostgreSQL server runs in a data directory, asked as PostgreSQL itself asks before it starts there
// (CreateLockFile in src/backend/utils/init/miscinit.c, PGSharedMemoryIsInUse in src/backend/port/sysv_shmem.c), and of
// /proc besides: a server in a container has another process id there than in its postmaster.pid, and another path.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace backup_engine::restore {

// Who it is: "process 4711, as its postmaster.pid says"; nullopt when nobody is. Throws Error when postmaster.pid
// cannot be read.
[[nodiscard]] std::optional<std::string> find_server_of(const std::filesystem::path& data_directory);

// The server that has a tablespace at `location`, by the links of all data directories in which a process called
// postgres works: "process 4711, which works in /srv/data, by its link pg_tblspc/16388"; nullopt when none is found.
// Sees what the caller may see of /proc: root all, another user his own servers. Blind to other hosts.
[[nodiscard]] std::optional<std::string> find_server_with_tablespace(const std::filesystem::path& location);

}  // namespace backup_engine::restore
