// What a partial restore may not touch, before it and after it; and what may come back with the tables.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/verify/judge.hpp"

namespace harness::verify {
namespace {

using reports::record::Verdict;
using scenario::CheckKind;
using testing::HasSubstr;

reports::record::Check judged(const Records& records) {
  return judge({{CheckKind::untouched, {}}}, records).checks.at(0);
}

TEST(UntouchedCheck, NamesWhateverDiffersBeforeAndAfter) {
  Records records;
  auto& untouched = records.evidence.untouched.emplace();
  untouched.before.content.tables = {{"shop.customers", 7, "c", {}}};
  untouched.before.content.sequences = {{"shop.numbers", 5, true}};
  untouched.before.objects = {{"view shop.totals", "1"}};
  untouched.after = untouched.before;
  EXPECT_EQ(judged(records).verdict, Verdict::pass);
  untouched.after.content.tables[0].digest = "d";
  untouched.after.content.sequences[0].last_value = 6;  // forward is a change here
  untouched.after.objects.clear();
  const auto check = judged(records);
  ASSERT_EQ(check.findings.size(), 3U);
  EXPECT_EQ(check.findings[0].object, "shop.customers");
  EXPECT_EQ(check.findings[1].object, "shop.numbers");
  EXPECT_EQ(check.findings[2].object, "view shop.totals");
}

Records with_a_view_that_came_back() {
  Records records;
  records.marks.emplace_back().catalog = {{"view shop.totals", "1"}, {"materialized view shop.sums", "2"}};
  auto& untouched = records.evidence.untouched.emplace();
  untouched.before.content.tables = {{"shop.customers", 7, "c", {}}};
  untouched.before.objects = {{"table shop.customers", "3"}};
  untouched.after = untouched.before;
  untouched.after.content.tables.push_back({"shop.sums", 2, "s", {}});
  untouched.after.objects.insert({{"view shop.totals", "1"}, {"materialized view shop.sums", "2"}});
  untouched.dependents = {"materialized view shop.sums", "view shop.totals"};
  return records;
}

TEST(UntouchedCheck, TakesWhatCameBackWithItsTablesForNoChange) {
  const auto check = judged(with_a_view_that_came_back());
  EXPECT_EQ(check.verdict, Verdict::pass) << check.summary;
  EXPECT_THAT(check.expected, HasSubstr("2 dependent objects as at the mark"));
}

TEST(UntouchedCheck, NamesWhatCameBackOtherwiseAndWhatNobodyHad) {
  auto records = with_a_view_that_came_back();
  records.marks.back().catalog["view shop.totals"] = "other";
  auto& untouched = *records.evidence.untouched;
  untouched.after.objects["view shop.newcomer"] = "4";
  untouched.after.objects["function shop.unasked()"] = records.marks.back().catalog["function shop.unasked()"] = "5";
  untouched.dependents.emplace_back("view shop.newcomer");
  const auto check = judged(records);
  ASSERT_EQ(check.findings.size(), 3U) << check.summary;
  EXPECT_EQ(check.findings[0].object, "view shop.totals");
  EXPECT_THAT(check.findings[0].text, HasSubstr("another definition than at the mark"));
  EXPECT_EQ(check.findings[1].object, "function shop.unasked()") << "at the mark, but it depends on no restored table";
  EXPECT_EQ(check.findings[2].object, "view shop.newcomer");
}

TEST(UntouchedCheck, IsUnknownWhenNoMarkTellsWhatCameBack) {
  auto records = with_a_view_that_came_back();
  records.marks.clear();
  const auto check = judged(records);
  EXPECT_EQ(check.verdict, Verdict::unknown);
  EXPECT_THAT(check.summary, HasSubstr("no mark says what it was"));
}

}  // namespace
}  // namespace harness::verify
