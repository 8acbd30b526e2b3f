// Where the sources and the built programs lie. Told to one object file alone, so that the others compile to the same
// bytes in every clone and worktree, and ccache serves them all.
#pragma once

#include <filesystem>

namespace tests {

[[nodiscard]] const std::filesystem::path& source_directory();  // the root of the repository
[[nodiscard]] const std::filesystem::path& lifeboat_program();  // build/PRESET/lifeboat

}  // namespace tests
