#include "harness/restore/server_log.hpp"

#include <algorithm>

namespace harness::restore {

namespace base = backup_engine::base;

namespace {

// "2026-11-20 02:15:00.123 UTC [42] LOG:  …" → the instant.
std::optional<base::UtcTime> time_of(std::string_view line) {
  constexpr std::size_t stamp_length = 23;
  if (line.size() < stamp_length + 4 || line.substr(stamp_length, 4) != " UTC") return std::nullopt;
  auto text = std::string(line.substr(0, stamp_length));
  text[10] = 'T';
  return base::parse_rfc3339(text + "Z");
}

}  // namespace

RecoveryLog read_recovery_log(std::string_view text) {
  constexpr std::string_view redo_done = "redo done at ";
  RecoveryLog log;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.find("consistent recovery state reached") != std::string_view::npos) log.consistent = time_of(line);
    if (line.find("redo is not required") != std::string_view::npos) log.replayed = time_of(line);
    if (const auto at = line.find(redo_done); at != std::string_view::npos) {
      const auto rest = line.substr(at + redo_done.size());
      log.replayed = time_of(line);
      log.replayed_lsn = std::string(rest.substr(0, rest.find(' ')));
    }
  }
  return log;
}

}  // namespace harness::restore
