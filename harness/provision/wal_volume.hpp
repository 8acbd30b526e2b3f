// The WAL of a cluster on a small file system of its own, which can be filled without harm to anybody else
// (docs/servers.md, "A disk that can be filled").
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "harness/process/subprocess.hpp"
#include "harness/process/volume.hpp"

namespace harness::provision {

// Of a cluster whose server does not run: what is in its pg_wal goes to a volume that is mounted there, for the server
// that is given it. The directories stay on the disk as well, empty, where whoever reads the cluster's files finds
// them. Throws base::Error (no_space when that is more already than three quarters of the volume).
[[nodiscard]] std::shared_ptr<const process::Volume> put_wal_on_volume(const std::filesystem::path& data_directory,
                                                                       std::uint64_t size_bytes,
                                                                       const std::optional<process::OsUser>& owner);

}  // namespace harness::provision
