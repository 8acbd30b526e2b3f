// The way from timeline to timeline that recovery has to go, as the history files in the witness's folder tell it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "reports/record/evidence.hpp"

namespace harness::verify {

// What `latest` means to PostgreSQL: histories are probed upward, one number after the other, and the first one missing
// ends it.
[[nodiscard]] std::uint32_t newest_timeline(const std::filesystem::path& directory, std::uint32_t from);

// To that timeline, oldest first; that one alone where its history is not there. Throws base::Error(corrupt).
[[nodiscard]] std::vector<reports::record::TimelineStretch> line_to(const std::filesystem::path& directory,
                                                                    std::uint32_t timeline);

// The same of a history file's text; the first timeline of all has none: empty text.
[[nodiscard]] std::vector<reports::record::TimelineStretch> line_of(std::string_view history, std::uint32_t timeline);

// The timeline on which that place lies: of two at a branching the newer one. `line` is not empty.
[[nodiscard]] std::uint32_t timeline_at(const std::vector<reports::record::TimelineStretch>& line,
                                        const std::string& lsn);

}  // namespace harness::verify
