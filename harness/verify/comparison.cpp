#include "harness/verify/comparison.hpp"

#include <fmt/format.h>

namespace harness::verify {

using reports::record::Check;
using reports::record::ContentDigests;
using reports::record::Finding;
using reports::record::SequencePosition;
using reports::record::TableDigest;

namespace {

Finding finding(const std::string& object, std::string key, std::string text) {
  return {object, std::move(key), "", "", "", std::move(text)};
}

std::string rows_differ(std::string_view then, std::uint64_t rows_then, std::uint64_t rows_now) {
  return fmt::format("rows differ from {}: {} then, {} now", then, rows_then, rows_now);
}

// One range then and now; either may have had no rows.
struct Range {
  const TableDigest::Chunk* then = nullptr;
  const TableDigest::Chunk* now = nullptr;

  [[nodiscard]] const TableDigest::Chunk& any() const { return then != nullptr ? *then : *now; }
  [[nodiscard]] bool differs() const {
    return then == nullptr || now == nullptr || then->digest != now->digest || then->last_key != now->last_key;
  }
};

// By where they begin.
std::map<std::int64_t, Range> pair_ranges(const TableDigest& expected, const TableDigest& actual) {
  std::map<std::int64_t, Range> ranges;
  for (const auto& chunk : expected.chunks) ranges[std::stoll(chunk.first_key)].then = &chunk;
  for (const auto& chunk : actual.chunks) ranges[std::stoll(chunk.first_key)].now = &chunk;
  return ranges;
}

// Ranges that differ and follow one another are one finding: of a table that is all wrong there is one thing to say.
void compare_ranges(const TableDigest& expected, const TableDigest& actual, std::string_view then, Check& check) {
  if (expected.chunks_of != actual.chunks_of) return;
  std::int64_t end = 0;  // behind the last range that differed
  std::string first;
  std::uint64_t rows_then = 0, rows_now = 0;
  bool open = false;
  for (const auto& [begin, range] : pair_ranges(expected, actual)) {
    if (!range.differs()) continue;
    if (open && begin == end) {
      check.findings.pop_back();
    } else {
      first = range.any().first_key;
      rows_then = rows_now = 0;
    }
    open = true;
    end = std::stoll(range.any().last_key) + 1;
    rows_then += range.then != nullptr ? range.then->rows : 0;
    rows_now += range.now != nullptr ? range.now->rows : 0;
    check.findings.push_back(finding(expected.table,
                                     fmt::format("{} {}..{}", expected.chunks_of, first, range.any().last_key),
                                     rows_differ(then, rows_then, rows_now)));
  }
}

// PostgreSQL's message names the block that it stumbled over, or does not: "invalid page in block 12 of relation …".
std::string block_named(std::string_view message) {
  constexpr std::string_view word = "block ";
  const auto at = message.find(word);
  if (at == std::string_view::npos) return "";
  const auto number = message.substr(at + word.size());
  const auto digits = number.substr(0, number.find_first_not_of("0123456789"));
  return digits.empty() ? "" : fmt::format("blocks {0}..{0}", digits);
}

void compare_tables(const TableDigest& expected, const TableDigest& actual, std::string_view then, Check& check) {
  if (expected.digest == actual.digest && expected.rows == actual.rows) return;
  if (actual.digest.rfind("unreadable", 0) == 0) {
    // PostgreSQL's words name files and blocks, and never what is in them.
    const bool lost = actual.digest.find("could not open file") != std::string::npos;
    check.findings.push_back(finding(expected.table, block_named(actual.digest),
                                     lost ? "the table cannot be read: a file of it cannot be opened"
                                          : "the table cannot be read: its pages are damaged"));
    return;
  }
  const auto before = check.findings.size();
  compare_ranges(expected, actual, then, check);
  if (check.findings.size() > before) return;
  check.findings.push_back(finding(expected.table, "", rows_differ(then, expected.rows, actual.rows)));
}

std::map<std::string, const TableDigest*> by_name(const ContentDigests& content) {
  std::map<std::string, const TableDigest*> tables;
  for (const auto& table : content.tables) tables[table.table] = &table;
  return tables;
}

// The next value that the sequence gives out.
std::int64_t next_value(const SequencePosition& position) {
  return position.last_value + (position.is_called ? 1 : 0);
}

}  // namespace

void compare_content(const ContentDigests& expected, const ContentDigests& actual, std::string_view then,
                     Check& check) {
  const auto wanted = by_name(expected);
  const auto found = by_name(actual);
  for (const auto& [name, table] : wanted) {
    const auto now = found.find(name);
    if (now == found.end()) {
      check.findings.push_back(finding(name, "", "the table is missing"));
    } else {
      compare_tables(*table, *now->second, then, check);
    }
  }
  for (const auto& [name, table] : found) {
    if (!wanted.contains(name))
      check.findings.push_back(finding(name, "", fmt::format("the table was not there at {}", then)));
  }
  compare_tables(expected.large_objects, actual.large_objects, then, check);
}

void compare_objects(const std::map<std::string, std::string>& expected,
                     const std::map<std::string, std::string>& actual, std::string_view then, Check& check) {
  for (const auto& [object, definition] : expected) {
    const auto found = actual.find(object);
    if (found == actual.end()) {
      check.findings.push_back(finding(object, "", "missing"));
    } else if (found->second != definition) {
      check.findings.push_back(finding(object, "", fmt::format("its definition is not the one at {}", then)));
    }
  }
  for (const auto& [object, definition] : actual) {
    if (!expected.contains(object))
      check.findings.push_back(finding(object, "", fmt::format("was not there at {}", then)));
  }
}

void compare_sequences(const ContentDigests& expected, const ContentDigests& actual, Positions positions,
                       std::string_view then, Check& check) {
  std::map<std::string, const SequencePosition*> now;
  for (const auto& position : actual.sequences) now[position.sequence] = &position;
  for (const auto& wanted : expected.sequences) {
    const auto found = now.find(wanted.sequence);
    if (found == now.end()) {
      check.findings.push_back(finding(wanted.sequence, "", "the sequence is missing"));
      continue;
    }
    const auto next = next_value(*found->second);
    if (next == next_value(wanted) || (positions == Positions::not_behind && next > next_value(wanted))) continue;
    check.findings.push_back(finding(
        wanted.sequence, "",
        fmt::format("stands at {}, but stood at {} at {}", found->second->last_value, wanted.last_value, then)));
  }
}

}  // namespace harness::verify
