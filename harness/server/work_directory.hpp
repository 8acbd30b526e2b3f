// Whether the servers' user can work in a directory: a drill directory below /root is reachable for nobody else.
#pragma once

#include <filesystem>
#include <optional>

#include "harness/process/subprocess.hpp"

namespace harness::server {

// Tried as that user, so that access lists count too: whether it may pass through every parent and enter `directory`.
[[nodiscard]] bool can_reach(const std::filesystem::path& directory, const std::optional<process::OsUser>& run_as);

}  // namespace harness::server
