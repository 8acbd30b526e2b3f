#include "backup_engine/base/mount_points.hpp"

#include <algorithm>
#include <sstream>
#include <string>

#include "backup_engine/base/file.hpp"
#include "backup_engine/base/path_order.hpp"

namespace backup_engine::base {

namespace fs = std::filesystem;

namespace {

constexpr int mount_point_field = 5;  // from 1

// A blank, tab, line feed or backslash is written as \ and three octal digits.
std::string unescaped(const std::string& text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto digits = text.substr(at + 1, 3);
    const bool octal = text[at] == '\\' && digits.size() == 3 &&
                       std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '7'; });
    plain += octal ? static_cast<char>(std::stoi(digits, nullptr, 8)) : text[at];
    if (octal) at += 3;
  }
  return plain;
}

}  // namespace

std::vector<fs::path> mount_points_in(const fs::path& path, std::string_view mountinfo) {
  std::vector<fs::path> found;
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string field;
    for (int i = 0; i < mount_point_field && fields >> field; ++i) continue;
    const fs::path place = unescaped(field);
    if (fields && place.is_absolute() && lies_in(place, path)) found.push_back(place);
  }
  return found;
}

std::vector<fs::path> mount_points_in(const fs::path& path) {
  return mount_points_in(path, read_file("/proc/self/mountinfo"));
}

}  // namespace backup_engine::base
