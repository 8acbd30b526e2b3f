// Whether there is room, asked before anything is written: 1.5 times what will be.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace backup_engine::base {

// what: "the repository". Throws Error(no_space) naming what, `path`, what is needed and what is free.
void require_space(std::string_view what, const std::filesystem::path& path, std::uint64_t written_bytes);
// The same with what is free already known.
void require_space(std::string_view what, const std::filesystem::path& path, std::uint64_t written_bytes,
                   std::uint64_t free_bytes);

}  // namespace backup_engine::base
