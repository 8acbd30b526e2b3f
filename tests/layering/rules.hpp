// The arrows of the house and the habits that a compiler does not hold (docs/architecture.md), as pure functions over
// source files. Each returns one sentence for each place that breaks the rule: "PATH:LINE: …".
#pragma once

#include <string>
#include <vector>

#include "tests/layering/source_tree.hpp"

namespace layering {

constexpr std::size_t longest_file_lines = 450;

// May a file with this path include that one (both from the root)? Empty when it may, else the arrow that it breaks.
[[nodiscard]] std::string broken_arrow(const std::string& from, const std::string& to);

[[nodiscard]] std::vector<std::string> broken_arrows(const std::vector<SourceFile>& files);
[[nodiscard]] std::vector<std::string> heavy_headers(const std::vector<SourceFile>& files);
[[nodiscard]] std::vector<std::string> long_files(const std::vector<SourceFile>& files);
[[nodiscard]] std::vector<std::string> forbidden_calls(const std::vector<SourceFile>& files);
// `lists` is the text of the CMakeLists.txt in each folder that has one, by folder.
[[nodiscard]] std::vector<std::string> unlisted_sources(const std::vector<SourceFile>& files,
                                                        const std::vector<std::pair<std::string, std::string>>& lists);

}  // namespace layering
