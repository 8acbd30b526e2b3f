#include "harness/verify/wal_dump_lines.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/lsn.hpp"

namespace harness::verify {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::Lsn;
using backup_engine::postgres::SegmentSize;
using reports::record::CommitRecord;
using reports::record::PreparedRecord;
using reports::record::RecordPlace;
using reports::record::RestorePointRecord;

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

Error unreadable(std::string_view line) {
  return {ErrorKind::corrupt, fmt::format("pg_waldump printed a record that cannot be read: {}", line)};
}

struct Span {
  Lsn start, end;
};

// "len (rec/tot):     34/    98, tx: …, lsn: 0/0152A0B8, …": the total counts, with full-page images.
Span span_of(std::string_view line, SegmentSize segment_size) {
  const auto lengths = field(line, "len (rec/tot):", ",");
  const auto lsn = field(line, "lsn:", ",");
  const auto start = lsn ? backup_engine::postgres::parse_lsn(*lsn) : std::nullopt;
  if (!lengths || !start) throw unreadable(line);
  const auto length = number(field(*lengths, "/", "").value_or(""));
  if (!length) throw unreadable(line);
  return {*start, end_of_record(*start, *length, segment_size)};
}

CommitRecord parse_commit(std::string_view line, std::string_view description, const DumpedWal& wal) {
  CommitRecord record;
  record.timeline = wal.timeline;
  record.committed = description.rfind("COMMIT", 0) == 0;
  auto xid = number(field(line, "tx:", ",").value_or(""));
  const auto kind_end = description.find(' ');
  if (kind_end == std::string_view::npos) throw unreadable(line);
  auto what = description.substr(kind_end + 1);
  const auto colon = what.find(": ");
  // Only a prepared transaction's own xid is followed by a colon and a blank; a time's colons are not.
  if (colon != std::string_view::npos && number(what.substr(0, colon))) {
    xid = number(what.substr(0, colon));
    what.remove_prefix(colon + 2);
  }
  const auto time = rfc3339(what.substr(0, what.find(';')));
  if (!xid || !time) throw unreadable(line);
  const auto span = span_of(line, wal.segment_size);
  record.lsn = to_string(span.start);
  record.end_lsn = to_string(span.end);
  record.xid = *xid;
  record.time = *time;
  record.subtransactions = subtransactions(line);
  return record;
}

// "PREPARE gid NAME: TIME; …". A name may hold anything, also what looks like a time, or a line's end: then the rest of
// the record is on the next line, and the time stays empty.
PreparedRecord parse_prepare(std::string_view line, std::string_view description, const DumpedWal& wal) {
  const auto xid = number(field(line, "tx:", ",").value_or(""));
  if (!xid) throw unreadable(line);
  const auto span = span_of(line, wal.segment_size);
  PreparedRecord record;
  record.lsn = to_string(span.start);
  record.end_lsn = to_string(span.end);
  record.xid = *xid;
  record.timeline = wal.timeline;
  const auto what = field(description, "gid", "").value_or("");
  record.name = what;
  for (auto colon = what.find(": "); colon != std::string_view::npos; colon = what.find(": ", colon + 1)) {
    const auto rest = what.substr(colon + 2);
    const auto time = rfc3339(rest.substr(0, rest.find(';')));
    if (!time) continue;
    record.name = what.substr(0, colon);
    record.time = *time;
  }
  return record;
}

template <typename Visit>
void for_each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const auto at = line.find("desc: ");
    if (line.rfind("rmgr: ", 0) == 0 && at != std::string_view::npos) visit(line, line.substr(at + 6));
  }
}

bool begins(std::string_view text, std::string_view with) {
  return text.substr(0, with.size()) == with;
}

}  // namespace

Lsn end_of_record(Lsn start, std::uint64_t length_bytes, SegmentSize segment_size) {
  constexpr std::uint64_t page = 8192, short_header = 24, long_header = 40;
  const auto aligned = [](std::uint64_t bytes) { return (bytes + 7) / 8 * 8; };
  auto position = start.position_bytes();
  auto left = length_bytes;
  while (left > page - position % page) {
    left -= page - position % page;
    position += page - position % page;
    position += position % segment_size.bytes() == 0 ? long_header : short_header;
  }
  return Lsn(position + aligned(left));
}

DumpedRecords parse_dumped_records(std::string_view text, const DumpedWal& wal) {
  DumpedRecords records;
  for_each_line(text, [&](std::string_view line, std::string_view description) {
    if (begins(line, "rmgr: Transaction") && (begins(description, "COMMIT") || begins(description, "ABORT"))) {
      records.commits.push_back(parse_commit(line, description, wal));
    } else if (begins(line, "rmgr: Transaction") && begins(description, "PREPARE ")) {
      records.prepared.push_back(parse_prepare(line, description, wal));
    } else if (begins(line, "rmgr: XLOG") && begins(description, "RESTORE_POINT ")) {
      const auto span = span_of(line, wal.segment_size);
      const auto name = description.substr(std::string_view("RESTORE_POINT ").size());
      records.restore_points.push_back({std::string(name), to_string(span.start), to_string(span.end), wal.timeline});
    }
  });
  return records;
}

std::vector<RecordPlace> parse_places(std::string_view text, const DumpedWal& wal) {
  std::vector<RecordPlace> places;
  for_each_line(text, [&](std::string_view line, std::string_view description) {
    auto span = span_of(line, wal.segment_size);
    // A switch record takes the rest of its segment with it.
    if (begins(line, "rmgr: XLOG") && begins(description, "SWITCH")) {
      const auto bytes = wal.segment_size.bytes();
      span.end = Lsn((span.end.position_bytes() + bytes - 1) / bytes * bytes);
    }
    places.push_back({to_string(span.start), to_string(span.end)});
  });
  return places;
}

}  // namespace harness::verify
