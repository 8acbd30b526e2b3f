// A fetched file appears under its name whole or not at all: PostgreSQL would replay half a segment.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>

#include "backup_engine/wal.hpp"

namespace backup_engine::wal {

// `fill` hands over the bytes in order, and says whether the file is there; only then `to` is replaced. Written beside
// it first, as TO.lifeboat-PID, from the first bytes on; nothing stays of that when `fill` throws. Not synced.
[[nodiscard]] WalFetchOutcome write_whole(
    const std::filesystem::path& to,
    const std::function<WalFetchOutcome(const std::function<void(std::span<const std::byte>)>& write)>& fill);

}  // namespace backup_engine::wal
