#include "backup_engine/postgres/timeline.hpp"

#include <fmt/format.h>

#include <charconv>
#include <sstream>

#include "backup_engine/base/error.hpp"

namespace backup_engine::postgres {

std::string to_hex(TimelineId timeline) {
  return fmt::format("{:08X}", timeline.number());
}

std::string history_file_name(TimelineId timeline) {
  return to_hex(timeline) + ".history";
}

std::optional<TimelineId> parse_history_file_name(std::string_view name) {
  std::uint32_t number = 0;
  if (name.size() != 16 || name.substr(8) != ".history") return std::nullopt;
  const auto result = std::from_chars(name.data(), name.data() + 8, number, 16);
  if (result.ec != std::errc() || result.ptr != name.data() + 8) return std::nullopt;
  return TimelineId(number);
}

std::vector<TimelineSwitch> parse_history(std::string_view text) {
  std::vector<TimelineSwitch> switches;
  std::istringstream lines{std::string(text)};
  std::string line;
  for (int line_number = 1; std::getline(lines, line); ++line_number) {
    const auto first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos || line[first] == '#') continue;
    std::istringstream fields(line);
    std::uint32_t parent = 0;
    std::string position, reason;
    fields >> parent >> position;
    const auto lsn = parse_lsn(position);
    if (fields.fail() || !lsn) {
      throw base::Error(base::ErrorKind::corrupt,
                        fmt::format("line {} of a timeline history is not one: {}", line_number, line));
    }
    std::getline(fields >> std::ws, reason);
    switches.push_back({TimelineId(parent), *lsn, reason});
  }
  return switches;
}

}  // namespace backup_engine::postgres
