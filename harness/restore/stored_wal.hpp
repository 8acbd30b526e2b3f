// The repository's own WAL as plain segments, for whoever reads which commits it holds. Who judges with it has no
// witness but the engine, and says so.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace harness::restore {

struct StoredWalOrder {
  std::filesystem::path repository;
  std::string cluster;
  std::filesystem::path key_file;
  std::string from_lsn;  // a backup's start
  std::uint32_t from_timeline = 1;
  std::string reached_lsn;  // where recovery ended
  std::uint32_t reached_timeline = 1;
  std::uint64_t segment_bytes = 0;
  unsigned beyond = 4;         // segments behind that point that are taken too, as far as the repository holds them
  std::filesystem::path to{};  // an empty directory
};

struct StoredWal {
  // The timelines before the reached one, oldest first, each with the position at which it was left.
  struct Left {
    std::uint32_t timeline = 1;
    std::string at_lsn;
  };
  std::vector<Left> left;
  std::uint64_t segments = 0;
};

// Throws base::Error as the engine does, also not_found for a segment that recovery must have read, no_space, and
// interrupted.
[[nodiscard]] StoredWal fetch_stored_wal(const StoredWalOrder& order, const std::stop_token& stop);

}  // namespace harness::restore
