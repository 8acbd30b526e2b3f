#include "harness/restore/server_log.hpp"

#include <fmt/format.h>

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

// What follows `words` in the line; nullopt when they are not in it.
std::optional<std::string_view> after(std::string_view line, std::string_view words) {
  const auto at = line.find(words);
  if (at == std::string_view::npos) return std::nullopt;
  return line.substr(at + words.size());
}

// Clients that come too early, or at the end, are told so with FATAL: no word on recovery.
bool answers_a_client(std::string_view message) {
  return message.starts_with("the database system is ") || message.starts_with("terminating connection ") ||
         message.starts_with("terminating walreceiver ");
}

void read_end(std::string_view line, RecoveryLog& log) {
  for (const std::string_view severity : {"] FATAL:  ", "] PANIC:  "}) {
    const auto message = after(line, severity);
    if (message && !answers_a_client(*message)) log.last_words = std::string(*message);
  }
}

void read_progress(std::string_view line, RecoveryLog& log) {
  if (after(line, "consistent recovery state reached")) log.consistent = time_of(line);
  if (const auto lsn = after(line, "] LOG:  redo starts at "); lsn && log.redo_lsn.empty()) {
    log.redo_lsn = std::string(lsn->substr(0, lsn->find(' ')));
    log.redo_began = time_of(line);
  }
  if (after(line, "redo is not required")) log.replayed = time_of(line);
  if (after(line, "archive recovery complete")) log.promoted = time_of(line);
  if (const auto what = after(line, "] LOG:  recovery stopping ")) {
    log.stopping = fmt::format("recovery stopping {}", *what);
    log.replayed = time_of(line);
  }
  if (const auto rest = after(line, "redo done at ")) {
    if (log.stopping.empty()) log.replayed = time_of(line);  // a pause at the target lies between the two
    log.replayed_lsn = std::string(rest->substr(0, rest->find(' ')));
  }
  if (line.ends_with('.') && after(line, " is a lower setting than on the primary server, ")) {
    log.too_low = std::string(after(line, "] DETAIL:  ").value_or(line));
  }
  if (const auto time = after(line, "last completed transaction was at log time ")) {
    log.last_transaction = std::string(*time);
  }
}

}  // namespace

RecoveryLog read_recovery_log(std::string_view text) {
  RecoveryLog log;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (after(line, "] LOG:  starting PostgreSQL")) {
      log.stopping.clear();
      log.last_words.clear();
      log.too_low.clear();
    }
    read_progress(line, log);
    read_end(line, log);
  }
  return log;
}

std::string describe_failure(const RecoveryLog& log) {
  auto text = log.last_words.empty() ? std::string("PostgreSQL ended without a word") : log.last_words;
  if (!log.stopping.empty()) text += "; " + log.stopping;
  if (log.replayed_lsn.empty()) return text + "; nothing says how far it came";
  text += fmt::format("; it came as far as {}", log.replayed_lsn);
  if (log.last_transaction.empty()) return text + ", without one completed transaction";
  return text + fmt::format(", the last completed transaction of {}", log.last_transaction);
}

}  // namespace harness::restore
