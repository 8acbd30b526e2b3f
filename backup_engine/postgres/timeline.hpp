// A timeline id (a branch of WAL history; hexadecimal in file names) and the history file that says where it
// branched off. The next timeline is whatever the server says, not "+1".
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backup_engine/postgres/lsn.hpp"

namespace backup_engine::postgres {

class TimelineId {
 public:
  constexpr TimelineId() = default;
  constexpr explicit TimelineId(std::uint32_t number) : number_(number) {}
  [[nodiscard]] constexpr std::uint32_t number() const { return number_; }
  constexpr auto operator<=>(const TimelineId&) const = default;

 private:
  std::uint32_t number_ = 0;
};

[[nodiscard]] std::string to_hex(TimelineId timeline);             // "0000000A"
[[nodiscard]] std::string history_file_name(TimelineId timeline);  // "0000000A.history"
[[nodiscard]] std::optional<TimelineId> parse_history_file_name(std::string_view name);

// One line of a .history file: `parent` was left at `switch_lsn`.
struct TimelineSwitch {
  TimelineId parent;
  Lsn switch_lsn;
  std::string reason;
};

// Oldest first. Throws Error(corrupt) with the line number.
[[nodiscard]] std::vector<TimelineSwitch> parse_history(std::string_view text);

}  // namespace backup_engine::postgres
