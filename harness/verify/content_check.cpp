// Content at a mark, of a whole cluster or of the tables that a partial restore was about; and what a partial restore
// may not touch.
#include <fmt/format.h>

#include "harness/verify/checks.hpp"
#include "harness/verify/comparison.hpp"

namespace harness::verify {

using reports::record::Check;
using reports::record::ContentDigests;
using reports::record::SelectedTables;

namespace {

constexpr std::string_view earlier = "the restore's beginning";

std::uint64_t rows_in(const ContentDigests& content) {
  auto rows = content.large_objects.rows;
  for (const auto& table : content.tables) rows += table.rows;
  return rows;
}

void retreat(Check& check, std::string why) {
  if (check.verdict != reports::record::Verdict::pass) return;
  check.verdict = reports::record::Verdict::unknown;
  check.summary = std::move(why);
}

struct Returned {
  std::size_t same = 0;     // objects that are as the mark has them
  std::string unwitnessed;  // one that no mark could tell of; empty: none
};

// Those of a materialized view follow from other tables, when it is refreshed.
void expect_rows_of(std::string_view object, const ContentDigests& after, ContentDigests& expected) {
  constexpr std::string_view materialized = "materialized view ";
  if (!object.starts_with(materialized)) return;
  for (const auto& table : after.tables) {
    if (table.table == object.substr(materialized.size())) expected.tables.push_back(table);
  }
}

// What stood on tables that were dropped was gone before the restore, and comes back with them. That is no change when
// it is what it was at the mark.
Returned expect_dependents(const Records& records, SelectedTables& expected, Check& check) {
  Returned returned;
  const auto& [before, after, dependents] = *records.evidence.untouched;
  const auto* const mark = reference_mark(records);
  for (const auto& object : dependents) {
    const auto now = after.objects.find(object);
    if (now == after.objects.end() || before.objects.contains(object)) continue;
    if (mark == nullptr) {
      returned.unwitnessed = object;
    } else if (const auto then = mark->catalog.find(object); then == mark->catalog.end()) {
      continue;  // it is as new as anything else
    } else if (then->second == now->second) {
      ++returned.same;
    } else {
      check.findings.push_back({object, "", "", "", "", "came back with another definition than at the mark"});
    }
    expected.objects.insert(*now);
    expect_rows_of(object, after.content, expected.content);
  }
  return returned;
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
  const auto pair = compared_content(records);
  if (!pair) {
    check.summary = fmt::format("not examined: the mark '{}' does not say what the tables asked for held", mark->name);
    return check;
  }
  compare_content(*pair->then, *pair->now, "the mark", check);
  const auto& restored = records.evidence.restored_content;
  if (restored) compare_content(*pair->then, *restored, "the mark, on the recovered server", check);
  check.expected = fmt::format("{} tables as at mark {}", pair->then->tables.size(), mark->name);
  check.actual = fmt::format("{} tables, {} differences", pair->now->tables.size(), check.findings.size());
  conclude(check, pair->then->tables.size(), "tables");
  if (rows_in(*pair->then) == 0) retreat(check, "nothing was compared: at the mark no table held a row");
  const auto unread = records.evidence.missing.find("restored_content");
  if (unread != records.evidence.missing.end()) {
    retreat(check, fmt::format("the recovered server was not examined: {}", unread->second));
  }
  return check;
}

Check check_untouched(const Records& records) {
  Check check;
  check.witness = "postgres";
  auto expected = records.evidence.untouched->before;
  const auto& after = records.evidence.untouched->after;
  const auto back = expect_dependents(records, expected, check);
  compare_content(expected.content, after.content, earlier, check);
  compare_sequences(expected.content, after.content, Positions::equal, earlier, check);
  compare_objects(expected.objects, after.objects, earlier, check);
  check.expected = fmt::format("{} tables and {} objects as they were", expected.content.tables.size(),
                               expected.objects.size() - back.same);
  if (back.same > 0) check.expected += fmt::format(", {} dependent objects as at the mark", back.same);
  check.actual = fmt::format("{} differences", check.findings.size());
  // Looking at catalogs alone would not show that no row was touched.
  conclude(check, expected.content.tables.empty() ? 0 : expected.content.tables.size() + expected.objects.size(),
           "tables and objects that were not restored");
  if (rows_in(expected.content) == 0) retreat(check, "nothing was compared: no table that was not restored held a row");
  if (!back.unwitnessed.empty()) {
    retreat(check, fmt::format("what depends on the restored tables came back, and no mark says what it was, as {}",
                               back.unwitnessed));
  }
  return check;
}

}  // namespace harness::verify
