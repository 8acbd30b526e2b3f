// Content at a mark, of a whole cluster or of the tables that a partial restore was about; and what a partial restore
// may not touch.
#include <fmt/format.h>

#include "harness/verify/checks.hpp"
#include "harness/verify/comparison.hpp"

namespace harness::verify {

using reports::record::Check;
using reports::record::ContentDigests;
using reports::record::UntouchedEvidence;

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

Check check_untouched(const UntouchedEvidence& untouched) {
  Check check;
  check.witness = "postgres";
  const auto& [before, after] = untouched;
  compare_content(before.content, after.content, earlier, check);
  compare_sequences(before.content, after.content, Positions::equal, earlier, check);
  compare_objects(before.objects, after.objects, earlier, check);
  check.expected =
      fmt::format("{} tables and {} objects as they were", before.content.tables.size(), before.objects.size());
  check.actual = fmt::format("{} differences", check.findings.size());
  // Looking at catalogs alone would not show that no row was touched.
  conclude(check, before.content.tables.empty() ? 0 : before.content.tables.size() + before.objects.size(),
           "tables and objects that were not restored");
  if (rows_in(before.content) == 0) retreat(check, "nothing was compared: no table that was not restored held a row");
  return check;
}

}  // namespace harness::verify
