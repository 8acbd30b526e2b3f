// fetch_wal's other way: from a WalServer, by one who may not read the repository.
#pragma once

#include <filesystem>
#include <string>

#include "backup_engine/wal.hpp"

namespace backup_engine::wal {

// Asks the WalServer at `socket`, and puts the file at `to` whole or not at all. Throws Error when nobody listens
// there, when the answer breaks off, and when it says that the file cannot be given. Blocks for as long as the server
// reads.
[[nodiscard]] WalFetchOutcome fetch_served(const std::filesystem::path& socket, const std::string& file_name,
                                           const std::filesystem::path& to);

}  // namespace backup_engine::wal
