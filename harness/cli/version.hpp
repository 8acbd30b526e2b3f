// What this build calls itself: the project's version and, where the build knew it, the revision.
#pragma once

#include <string>

namespace harness::cli {

[[nodiscard]] std::string version();       // "0.1.0"
[[nodiscard]] std::string revision();      // a commit's short name, or "unknown"
[[nodiscard]] std::string version_text();  // "lifeboat 0.1.0 (abcdef0)"

}  // namespace harness::cli
