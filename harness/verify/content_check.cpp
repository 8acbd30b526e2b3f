// Content at a mark: the damaged table is named, and where it has an integer key the range of keys.
#include <fmt/format.h>

#include <map>

#include "harness/verify/checks.hpp"

namespace harness::verify {

using reports::record::Check;
using reports::record::ContentDigests;
using reports::record::Finding;
using reports::record::TableDigest;

namespace {

Finding finding(const std::string& table, std::string key, std::string text) {
  return {table, std::move(key), "", "", "", std::move(text)};
}

using Chunks = std::map<std::string, const TableDigest::Chunk*>;

Chunks by_range(const TableDigest& table) {
  Chunks chunks;
  for (const auto& chunk : table.chunks) chunks[chunk.first_key + ".." + chunk.last_key] = &chunk;
  return chunks;
}

void compare_ranges(const TableDigest& expected, const TableDigest& actual, Check& check) {
  const auto wanted = by_range(expected);
  const auto found = by_range(actual);
  auto every = wanted;
  every.insert(found.begin(), found.end());
  for (const auto& [range, chunk] : every) {
    const auto at_mark = wanted.find(range);
    const auto now = found.find(range);
    if (at_mark != wanted.end() && now != found.end() && at_mark->second->digest == now->second->digest) continue;
    check.findings.push_back(finding(
        expected.table, "keys " + range,
        fmt::format("rows differ from the mark: {} then, {} now", at_mark == wanted.end() ? 0 : at_mark->second->rows,
                    now == found.end() ? 0 : now->second->rows)));
  }
}

void compare_tables(const TableDigest& expected, const TableDigest& actual, Check& check) {
  if (expected.digest == actual.digest && expected.rows == actual.rows) return;
  if (actual.digest.rfind("unreadable", 0) == 0) {
    check.findings.push_back(finding(expected.table, "", "the table cannot be read: its pages are damaged"));
    return;
  }
  const auto before = check.findings.size();
  compare_ranges(expected, actual, check);
  if (check.findings.size() > before) return;
  check.findings.push_back(finding(
      expected.table, "", fmt::format("rows differ from the mark: {} then, {} now", expected.rows, actual.rows)));
}

std::map<std::string, const TableDigest*> by_name(const ContentDigests& content) {
  std::map<std::string, const TableDigest*> tables;
  for (const auto& table : content.tables) tables[table.table] = &table;
  return tables;
}

}  // namespace

Check check_content(const Records& records) {
  Check check;
  check.witness = "mark";
  const auto* mark = reference_mark(records);
  if (mark == nullptr || mark->name != records.evidence.content_mark) {
    check.summary = fmt::format("not examined: the mark '{}' is not among the drill's", records.evidence.content_mark);
    return check;
  }
  const auto expected = by_name(mark->content);
  const auto actual = by_name(*records.evidence.content);
  for (const auto& [name, table] : expected) {
    const auto found = actual.find(name);
    if (found == actual.end()) {
      check.findings.push_back(finding(name, "", "the table is missing"));
    } else {
      compare_tables(*table, *found->second, check);
    }
  }
  for (const auto& [name, table] : actual) {
    if (!expected.contains(name)) check.findings.push_back(finding(name, "", "the table was not there at the mark"));
  }
  compare_tables(mark->content.large_objects, records.evidence.content->large_objects, check);
  check.expected = fmt::format("{} tables as at mark {}", expected.size(), mark->name);
  check.actual = fmt::format("{} tables, {} differences", actual.size(), check.findings.size());
  conclude(check, expected.size(), "tables");
  return check;
}

}  // namespace harness::verify
