// The project's own files as the layering rules see them: a path from the root, its lines, what it includes.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace layering {

struct Include {
  int line = 0;        // from 1
  std::string target;  // as written between "" or <>
};

struct SourceFile {
  std::string path;  // from the root, with /
  std::vector<std::string> lines;

  [[nodiscard]] bool is_header() const { return path.ends_with(".hpp"); }
  [[nodiscard]] bool is_code() const { return is_header() || path.ends_with(".cpp"); }
};

// Every file below `root` that belongs to the project: not what is built, fetched, drilled or hidden (.ci excepted).
[[nodiscard]] std::vector<std::filesystem::path> project_files(const std::filesystem::path& root);
[[nodiscard]] std::vector<SourceFile> read_sources(const std::filesystem::path& root);  // *.hpp and *.cpp

[[nodiscard]] std::vector<Include> includes_of(const SourceFile& file);
// Code without comments and string literals, line by line, so that words in them are not mistaken for calls.
[[nodiscard]] std::vector<std::string> code_lines(const SourceFile& file);

}  // namespace layering
