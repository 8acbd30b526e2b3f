#include "backup_engine/retention/rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/failure.hpp"

namespace backup_engine::retention {
namespace {

using namespace std::chrono_literals;
using base::ErrorKind;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using tests::kind_of_failure;

const auto now = *base::parse_rfc3339("2026-11-20T12:00:00Z");

Candidate full(std::chrono::seconds ago) {
  Candidate candidate;
  candidate.stopped_at = now - ago;
  candidate.label = candidate.chain = base::to_compact(candidate.stopped_at) + "-full";
  return candidate;
}
Candidate member(std::chrono::seconds ago, const Candidate& of) {
  auto candidate = full(ago);
  candidate.label = base::to_compact(candidate.stopped_at) + "-incr";
  candidate.chain = of.chain;
  return candidate;
}

std::vector<std::string> kept(const std::vector<Candidate>& candidates, const RetentionRules& rules) {
  std::vector<std::string> labels;
  for (const auto& [label, reasons] : select(candidates, rules, now).kept) {
    EXPECT_THAT(reasons, ::testing::Not(IsEmpty())) << label;
    labels.push_back(label);
  }
  return labels;
}

RetentionRules hourly_daily_weekly_monthly() {  // R21: hourly 7 days, daily 30 days, weekly 90 days, monthly a year
  RetentionRules rules;
  rules.keep_hourly = 7 * 24;
  rules.keep_daily = 30;
  rules.keep_weekly = 13;
  rules.keep_monthly = 12;
  return rules;
}

TEST(SelectBackups, KeepsTheNewestChainsWhole) {
  const auto first = full(240h), second = full(120h), third = full(24h);
  const auto of_first = member(200h, first), of_second = member(100h, second), of_third = member(1h, third);
  RetentionRules rules;
  rules.keep_full = 2;
  EXPECT_THAT(kept({first, of_first, second, of_second, third, of_third}, rules),
              ElementsAre(second.label, of_second.label, third.label, of_third.label));
}

TEST(SelectBackups, KeepsTheNewestOfEachDayThatHasOne) {
  const auto old = full(30 * 24h), morning = full(30h), evening = full(25h), today = full(2h);
  RetentionRules rules;
  rules.keep_daily = 2;
  EXPECT_THAT(kept({old, morning, evening, today}, rules), ElementsAre(evening.label, today.label));
  rules.keep_daily = 3;  // days without a backup do not count
  EXPECT_THAT(kept({old, morning, evening, today}, rules), ElementsAre(old.label, evening.label, today.label));
}

TEST(SelectBackups, CutsWeeksOnMondaysAndYearsInJanuary) {
  const auto at = [](const char* time) {
    return full(std::chrono::duration_cast<std::chrono::seconds>(now - *base::parse_rfc3339(time)));
  };
  const auto sunday = at("2026-11-15T23:00:00Z"), monday = at("2026-11-16T01:00:00Z");
  RetentionRules weekly;
  weekly.keep_weekly = 2;
  EXPECT_THAT(kept({sunday, monday}, weekly), ElementsAre(sunday.label, monday.label));
  const auto december = at("2025-12-31T23:59:00Z"), january = at("2026-01-01T00:01:00Z");
  RetentionRules yearly;
  yearly.keep_yearly = 2;
  EXPECT_THAT(kept({december, january}, yearly), ElementsAre(december.label, january.label));
}

TEST(SelectBackups, ThinsOutAYearOfHourlyBackups) {
  std::vector<Candidate> year;
  for (int hour = 0; hour < 366 * 24; ++hour) year.push_back(full(hour * 3600s));
  const auto labels = kept(year, hourly_daily_weekly_monthly());
  // 168 hours; 30 days of which 7 to 8 lie in those; 13 weeks and 12 months of which some lie in the days.
  EXPECT_GT(labels.size(), 168U + 22U + 8U + 8U);
  EXPECT_LT(labels.size(), 168U + 30U + 13U + 12U);
}

TEST(SelectBackups, KeepsWhatTheWindowBeginsBehind) {
  const auto old = full(20 * 24h), base = full(8 * 24h), inside = full(3 * 24h), newest = full(1h);
  RetentionRules rules;
  rules.pitr_window = 7 * 24h;
  EXPECT_THAT(kept({old, base, inside, newest}, rules), ElementsAre(base.label, inside.label, newest.label));
  rules.keep_full = 1;
  const auto selection = select({old, base, inside, newest}, rules, now);
  EXPECT_EQ(selection.window_base, base.label);
  EXPECT_THAT(selection.expired, ElementsAre(old.label, inside.label));
}

TEST(SelectBackups, KeepsTheOldestWhenTheWindowIsNotFullYet) {
  const auto first = full(2h), second = full(1h);
  RetentionRules rules;
  rules.keep_full = 1;
  rules.pitr_window = 24h;
  const auto selection = select({first, second}, rules, now);
  EXPECT_EQ(selection.window_base, first.label);
  EXPECT_THAT(selection.expired, IsEmpty());
}

// Taken `ago`, as the WAL has it, when the clock said something else.
Candidate at_clock(Candidate candidate, std::uint64_t position, std::chrono::seconds said_ago) {
  candidate.stop_lsn = postgres::Lsn(position);
  candidate.stopped_at = now - said_ago;
  candidate.label = candidate.chain = base::to_compact(candidate.stopped_at) + "-full";
  return candidate;
}

TEST(SelectBackups, TakesForNewestWhatIsNewestInTheWal) {
  const auto ahead = at_clock(full(10 * 24h), 1, -365 * 24h), middle = at_clock(full(9 * 24h), 2, 9 * 24h),
             stepped_back = at_clock(full(1h), 3, 30 * 24h);
  RetentionRules rules;
  rules.keep_full = 1;
  EXPECT_THAT(kept({ahead, middle, stepped_back}, rules), ElementsAre(stepped_back.label));
  RetentionRules daily;
  daily.keep_daily = 2;
  EXPECT_THAT(kept({ahead, middle, stepped_back}, daily), ElementsAre(stepped_back.label, middle.label));
}

TEST(SelectBackups, DoesNotLetAClockThatWasBehindCutTheWindowShort) {
  const auto old = at_clock(full(20 * 24h), 1, 20 * 24h), base = at_clock(full(8 * 24h), 2, 8 * 24h),
             behind = at_clock(full(24h), 3, 365 * 24h), newest = at_clock(full(1h), 4, 1h);
  RetentionRules rules;
  rules.pitr_window = 7 * 24h;
  EXPECT_EQ(select({old, base, behind, newest}, rules, now).window_base, base.label);
}

TEST(SelectBackups, DoesNotCountWhatCannotBeRestored) {
  auto damaged = full(1h), older_damaged = full(50h);
  damaged.restorable = older_damaged.restorable = false;
  const auto sound = full(24h);
  RetentionRules rules;
  rules.keep_full = 1;
  const auto selection = select({older_damaged, sound, damaged}, rules, now);
  EXPECT_THAT(selection.kept, Contains(Key(sound.label)));
  EXPECT_THAT(selection.kept, Contains(Key(damaged.label)));
  EXPECT_THAT(selection.expired, ElementsAre(older_damaged.label));
}

TEST(SelectBackups, KeepsWhatARunningBackupNeeds) {
  auto held = full(48h);
  held.held_by = "20261120T115900Z-incr, taken by root on db1";
  const auto newest = full(1h);
  RetentionRules rules;
  rules.keep_full = 1;
  const auto selection = select({held, newest}, rules, now);
  EXPECT_THAT(selection.expired, IsEmpty());
  EXPECT_THAT(selection.kept.at(held.label), ElementsAre("held: " + held.held_by));
}

TEST(SelectBackups, RefusesToHaveNoRule) {
  std::string message;
  EXPECT_EQ(kind_of_failure([] { (void)select({full(1h)}, {}, now); }, &message), ErrorKind::usage);
  EXPECT_THAT(message, HasSubstr("no rule"));
}

TEST(ParseDuration, TakesANumberAndAUnit) {
  EXPECT_EQ(parse_duration("30d"), 30 * 24h);
  EXPECT_EQ(parse_duration("2w"), 14 * 24h);
  EXPECT_EQ(parse_duration("90min"), 90min);
  for (const auto* const wrong : {"", "7", "d", "-1d", "0h", "7 d", "1y"}) {
    EXPECT_EQ(kind_of_failure([&] { (void)parse_duration(wrong); }), ErrorKind::usage) << wrong;
  }
}

}  // namespace
}  // namespace backup_engine::retention
