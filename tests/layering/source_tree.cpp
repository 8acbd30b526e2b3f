#include "tests/layering/source_tree.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <regex>
#include <string_view>

namespace layering {
namespace fs = std::filesystem;

namespace {

// build/ and drills/ at the root hold what was made; a copied tree may have .git and editors' folders.
bool is_foreign_folder(const fs::path& root, const fs::path& folder) {
  const auto name = folder.filename().string();
  if (name == "node_modules") return true;
  if (folder.parent_path() != root) return false;
  return name == "build" || name == "drills" || (name.starts_with('.') && name != ".ci");
}

}  // namespace

std::vector<fs::path> project_files(const fs::path& root) {
  std::vector<fs::path> result;
  for (auto entry = fs::recursive_directory_iterator(root); entry != fs::recursive_directory_iterator(); ++entry) {
    if (entry->is_directory() && is_foreign_folder(root, entry->path())) {
      entry.disable_recursion_pending();
    } else if (entry->is_regular_file() && entry->path().filename() != ".git") {
      result.push_back(entry->path());
    }
  }
  std::sort(result.begin(), result.end());
  return result;
}

std::vector<SourceFile> read_sources(const fs::path& root) {
  std::vector<SourceFile> result;
  for (const auto& path : project_files(root)) {
    SourceFile file{path.lexically_relative(root).generic_string(), {}};
    if (!file.is_code()) continue;
    std::ifstream stream(path);
    for (std::string line; std::getline(stream, line);) file.lines.push_back(line);
    result.push_back(std::move(file));
  }
  return result;
}

std::vector<Include> includes_of(const SourceFile& file) {
  static const std::regex directive(R"(^\s*#\s*include\s*["<]([^">]+)[">])");
  std::vector<Include> result;
  int number = 0;
  for (const auto& line : file.lines) {
    ++number;
    std::smatch match;
    if (std::regex_search(line, match, directive)) result.push_back({number, match[1]});
  }
  return result;
}

std::vector<std::string> code_lines(const SourceFile& file) {
  std::vector<std::string> result;
  bool in_comment = false;
  for (const auto& line : file.lines) {
    std::string code;
    bool in_string = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::string_view rest = std::string_view(line).substr(i);
      if (in_comment) {
        if (rest.starts_with("*/")) in_comment = false, ++i;
      } else if (in_string) {
        if (line[i] == '\\')
          ++i;
        else if (line[i] == '"')
          in_string = false;
      } else if (rest.starts_with("//")) {
        break;
      } else if (rest.starts_with("/*")) {
        in_comment = true, ++i;
      } else if (rest.starts_with("'\"'")) {
        i += 2;
      } else if (line[i] == '"') {
        in_string = true;
      } else {
        code += line[i];
      }
    }
    result.push_back(std::move(code));
  }
  return result;
}

}  // namespace layering
