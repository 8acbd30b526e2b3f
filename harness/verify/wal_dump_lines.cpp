#include "harness/verify/wal_dump_lines.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/lsn.hpp"

namespace harness::verify {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using reports::record::CommitRecord;

namespace {

// The text between `before` and `end_mark`, both exclusive; nullopt when `before` does not occur.
std::optional<std::string_view> field(std::string_view line, std::string_view before, std::string_view end_marks) {
  const auto at = line.find(before);
  if (at == std::string_view::npos) return std::nullopt;
  auto rest = line.substr(at + before.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  return rest.substr(0, rest.find_first_of(end_marks));
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "2026-11-21 00:30:18.123456 UTC" → "2026-11-21T00:30:18.123456Z"
std::optional<std::string> rfc3339(std::string_view text) {
  if (text.size() < 23 || text[10] != ' ' || text.substr(text.size() - 4) != " UTC") return std::nullopt;
  return fmt::format("{}T{}Z", text.substr(0, 10), text.substr(11, text.size() - 15));
}

std::vector<std::uint32_t> subtransactions(std::string_view line) {
  std::vector<std::uint32_t> xids;
  auto rest = field(line, "; subxacts:", ";").value_or("");
  while (!rest.empty()) {
    const auto word = rest.substr(0, rest.find(' '));
    if (const auto xid = number(word)) xids.push_back(*xid);
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  }
  return xids;
}

CommitRecord parse_record(std::string_view line, std::string_view description, std::uint32_t timeline) {
  const auto unreadable = [&] {
    return Error(ErrorKind::corrupt,
                 fmt::format("pg_waldump printed a transaction record that cannot be read: {}", line));
  };
  CommitRecord record;
  record.timeline = timeline;
  record.committed = description.rfind("COMMIT", 0) == 0;
  const auto lsn = field(line, "lsn:", ",");
  auto xid = number(field(line, "tx:", ",").value_or(""));
  const auto kind_end = description.find(' ');
  if (kind_end == std::string_view::npos || !lsn) throw unreadable();
  auto what = description.substr(kind_end + 1);
  const auto colon = what.find(": ");
  // Only a prepared transaction's own xid is followed by a colon and a blank; a time's colons are not.
  if (colon != std::string_view::npos && number(what.substr(0, colon))) {
    xid = number(what.substr(0, colon));
    what.remove_prefix(colon + 2);
  }
  const auto time = rfc3339(what.substr(0, what.find(';')));
  const auto position = backup_engine::postgres::parse_lsn(*lsn);
  if (!xid || !time || !position) throw unreadable();
  record.lsn = backup_engine::postgres::to_string(*position);
  record.xid = *xid;
  record.time = *time;
  record.subtransactions = subtransactions(line);
  return record;
}

}  // namespace

std::vector<CommitRecord> parse_commit_records(std::string_view text, std::uint32_t timeline) {
  std::vector<CommitRecord> records;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.rfind("rmgr: Transaction", 0) != 0) continue;
    const auto at = line.find("desc: ");
    if (at == std::string_view::npos) continue;
    const auto description = line.substr(at + 6);
    if (description.rfind("COMMIT", 0) != 0 && description.rfind("ABORT", 0) != 0) continue;
    records.push_back(parse_record(line, description, timeline));
    if (records.size() > 1) records[records.size() - 2].end_lsn = records.back().lsn;
  }
  return records;
}

}  // namespace harness::verify
