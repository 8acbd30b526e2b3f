// Files that several threads work at are cut into pieces of one size, the last one shorter.
#pragma once

#include <algorithm>
#include <cstdint>

namespace backup_engine::base {

// An empty file is one empty piece: somebody has to make it.
[[nodiscard]] constexpr std::uint64_t piece_count(std::uint64_t size_bytes, std::uint64_t piece_bytes) {
  return std::max<std::uint64_t>((size_bytes + piece_bytes - 1) / piece_bytes, 1);
}

}  // namespace backup_engine::base
