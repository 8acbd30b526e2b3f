#include "harness/cli/tablespace_map.hpp"

#include <fmt/format.h>

#include <vector>

#include "backup_engine/base/error.hpp"

namespace harness::cli {

namespace {

std::string without_escapes(const std::string& text) {
  std::string path;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 2, "\\=") != 0) path += text[i];
  }
  return path;
}

}  // namespace

std::pair<std::filesystem::path, std::filesystem::path> parse_tablespace_map(const std::string& text) {
  std::vector<std::size_t> between;
  for (auto at = text.find("=/"); at != std::string::npos; at = text.find("=/", at + 1)) {
    if (at > 0 && text[at - 1] != '\\') between.push_back(at);
  }
  if (between.size() == 1 && text.front() == '/') {
    return {without_escapes(text.substr(0, between.front())), without_escapes(text.substr(between.front() + 1))};
  }
  throw backup_engine::base::Error(backup_engine::base::ErrorKind::usage,
                                   fmt::format("--tablespace-map {}: not OLD=NEW", text))
      .with_remedy("give the old and the new absolute directory with = between them; a = within one is written \\=");
}

}  // namespace harness::cli
