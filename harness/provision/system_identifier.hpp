// The number that tells one cluster from every other (pg_control, and each WAL segment's first page).
#pragma once

#include <cstdint>
#include <filesystem>

namespace harness::provision {

// Seconds since 1970 in the upper half, as PostgreSQL makes it, and random bits below.
[[nodiscard]] std::uint64_t fresh_system_identifier();

// Writes it into DATA_DIRECTORY/global/pg_control, CRC included. The cluster must not run; its WAL still carries the
// old one until pg_resetwal has made new segments. Throws base::Error(corrupt) when no CRC in the file holds.
void set_system_identifier(const std::filesystem::path& data_directory, std::uint64_t identifier);

}  // namespace harness::provision
