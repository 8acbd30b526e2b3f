// The disk under the server's WAL becomes full, and PostgreSQL meets it by itself: a PANIC when it wants a new segment,
// then a recovery that cannot write either, then the end.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <string_view>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/quantity_text.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "harness/disaster/strikes.hpp"
#include "harness/faults/fill_volume.hpp"

namespace harness::disaster {

namespace base = backup_engine::base;
using base::Error;
using base::ErrorKind;

namespace {

// The segments that lie ready are used up first; the load may be slow, or held.
constexpr int segments_at_once = 8;

// Neither makes a transaction, so neither waits for a synchronous standby.
void write_wal(const server::Server& server) {
  auto connection = server.connect();
  for (int i = 0; i < segments_at_once; ++i) {
    connection.query("SELECT pg_logical_emit_message(false, 'lifeboat', 'WAL on a full disk')");
    connection.query("SELECT pg_switch_wal()");
  }
}

struct End {
  base::UtcTime ended_at;
  std::uint64_t filled_bytes = 0;
};

// The disk is kept full: a checkpoint between two attempts may have freed a segment.
End starve(const Victim& victim, const process::Volume& volume) {
  End end;
  const auto look = [&]() -> std::optional<std::string> {
    end.filled_bytes = faults::fill_volume(volume);
    if (!victim.server.running()) return std::nullopt;
    try {
      write_wal(victim.server);
      return "it goes on writing WAL";
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::connection && error.kind() != ErrorKind::server) throw;
      return error.what();
    }
  };
  base::poll_until(base::Deadline::after(victim.patience), "the server to end on a full disk", look, victim.stop);
  end.ended_at = base::utc_now();
  return end;
}

// What PostgreSQL itself says of it, the first and the last time: "2026-11-20 02:15:00.123 UTC [4711] PANIC:  could not
// write to file …: No space left on device". Only what ends a process counts.
struct LastWords {
  std::vector<std::string> said;
  std::optional<base::UtcTime> first_at;
};

std::optional<base::UtcTime> time_stamp(const std::string& line) {
  constexpr std::string_view shape = "2026-11-20 02:15:00.123", zone = " UTC ";
  if (line.compare(shape.size(), zone.size(), zone) != 0) return std::nullopt;
  auto stamp = line.substr(0, shape.size()) + "Z";
  stamp[shape.find(' ')] = 'T';
  return base::parse_rfc3339(stamp);
}

LastWords last_words(const std::string& log) {
  LastWords words;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    const auto begin = std::min(line.find("PANIC:"), line.find("FATAL:"));
    if (begin == std::string::npos || line.find("No space left on device") == std::string::npos) continue;
    if (words.said.empty()) words.first_at = time_stamp(line);
    if (words.said.size() > 1) words.said.pop_back();
    words.said.push_back(line.substr(begin));
  }
  return words;
}

}  // namespace

Struck fill_disk(const scenario::DisasterStep& step, const Victim& victim) {
  if (!victim.wal_volume) {
    throw Error(ErrorKind::internal, "fill_disk was given no file system that it may fill");
  }
  const auto& log_file = victim.server.options().log_file;
  const auto said_before = base::read_file(log_file).size();
  const auto end = starve(victim, *victim.wal_volume);
  const auto words = last_words(base::read_file(log_file).substr(said_before));
  if (words.said.empty()) {
    throw Error(ErrorKind::process, "the server ended on a full disk, and its log has no word of that")
        .with_remedy("read its log: " + log_file.string())
        .with_log_tail(process::tail_of(log_file, 20));
  }
  if (victim.before_loss) victim.before_loss();
  const auto status = victim.server.ended();
  return {
      {step.kind, base::to_rfc3339(words.first_at.value_or(end.ended_at)),
       fmt::format("the file system of its WAL ({}) filled by a file of {}; PostgreSQL: {}; its server ended with {}",
                   base::bytes_text(victim.wal_volume->size_bytes()), base::bytes_text(end.filled_bytes),
                   fmt::join(words.said, ", then "), status ? process::to_text(*status) : "no status")},
      "",
      "",
      "",
      base::to_rfc3339(end.ended_at)};
}

}  // namespace harness::disaster
