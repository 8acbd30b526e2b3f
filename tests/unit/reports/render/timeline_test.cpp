#include "reports/render/timeline.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "reports/render/html.hpp"
#include "tests/unit/reports/render/markup.hpp"
#include "tests/unit/reports/render/sample_reports.hpp"

namespace reports::render {
namespace {

using Kind = TimelineItem::Kind;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const TimelineItem& item_of(const TimelineScale& scale, Kind kind, std::size_t which = 0) {
  for (const auto& item : scale.items) {
    if (item.kind == kind && which-- == 0) return item;
  }
  throw std::runtime_error("no such item");
}

double moment(const TimelineScale& scale, Kind kind) {
  return item_of(scale, kind).spans.at(0).begin;
}

bool has(const TimelineScale& scale, Kind kind) {
  return std::any_of(scale.items.begin(), scale.items.end(), [&](const auto& item) { return item.kind == kind; });
}

TEST(SourceScale, PutsEverythingWhereTheJournalSaysItHappened) {
  const auto scale = source_scale(pitr_report(), pitr_journal());
  EXPECT_EQ(scale.title, "Source, from 2026-11-20 02:15:03 UTC");
  EXPECT_NEAR(scale.seconds, 10.402, 1e-6) << "to the end of the load behind the disaster";
  EXPECT_THAT(item_of(scale, Kind::load).spans, SizeIs(3));
  const auto& incremental = item_of(scale, Kind::backup, 1);
  EXPECT_THAT(incremental.detail, HasSubstr("20261120T021508Z-incr"));
  EXPECT_NEAR(incremental.spans.at(0).begin, 5.09, 1e-6);
  EXPECT_NEAR(incremental.spans.at(0).end, 5.80, 1e-6);
  EXPECT_NEAR(moment(scale, Kind::mark), 9.092, 1e-6) << "when it was taken, not when that was written down";
  EXPECT_NEAR(moment(scale, Kind::disaster), 9.390, 1e-6);
  EXPECT_NEAR(moment(scale, Kind::target), 9.092, 1e-6);
  EXPECT_NEAR(moment(scale, Kind::reached), 9.092, 1e-6) << "at its position, not at the last commit before";
  EXPECT_EQ(item_of(scale, Kind::target).name, "Target: mark before-drop");
}

TEST(SourceScale, ShowsWhatWasGivenUpFromTheTargetToTheEndOfAllWork) {
  const auto scale = source_scale(pitr_report(), pitr_journal());
  const auto& discarded = item_of(scale, Kind::discarded);
  EXPECT_EQ(discarded.name, "Given up: 1,204 transactions");
  EXPECT_NEAR(discarded.spans.at(0).begin, moment(scale, Kind::target), 1e-9);
  EXPECT_NEAR(discarded.spans.at(0).end, scale.seconds, 1e-9) << "the source lived on, and its load";
  auto journal = pitr_journal();
  journal.resize(journal.size() - 2);
  const auto lost = source_scale(pitr_report(), journal);
  EXPECT_NEAR(item_of(lost, Kind::discarded).spans.at(0).end, moment(lost, Kind::disaster), 1e-9);
  auto report = pitr_report();
  report.restores.back().rpo.discarded = 0;
  EXPECT_FALSE(has(source_scale(report, pitr_journal()), Kind::discarded));
}

TEST(SourceScale, FindsAPositionByItsLsnOrTransactionInTheJournal) {
  auto report = pitr_report();
  auto& target = report.restores.back().target;
  target = {"lsn", "0/2B9FF0A0", false, "latest"};
  auto journal = pitr_journal();
  auto& struck =
      *std::find_if(journal.begin(), journal.end(), [](const auto& e) { return e.event == "disaster.struck"; });
  struck.details["began_at"] = "2026-11-20T02:15:12.390000Z";
  struck.details["xid"] = "4295029173";  // epoch 1, 61877
  EXPECT_NEAR(moment(source_scale(report, journal), Kind::target), 9.380, 1e-6);
  target = {"xid", "61877", true, "latest"};
  EXPECT_NEAR(moment(source_scale(report, journal), Kind::target), 9.380, 1e-6);
  target = {"lsn", "0/1", true, "latest"};
  report.restores.back().reached.lsn = "0/2";
  EXPECT_NEAR(moment(source_scale(report, journal), Kind::target), 9.088311, 1e-6) << "by the commit that was reached";
}

TEST(SourceScale, TakesATimeAsPostgresPrintsIt) {
  auto report = partial_report();
  for (const char* text : {"2026-11-20 02:15:12.15+00", "2026-11-20T02:15:12.150000Z", "2026-11-20 02:15:12.15 UTC"}) {
    report.restores.back().target.value = text;
    EXPECT_NEAR(moment(source_scale(report, pitr_journal()), Kind::target), 9.140, 1e-6) << text;
  }
}

TEST(SourceScale, KeepsATargetFarAwayAtItsEdgeAndSaysSo) {
  auto report = partial_report();
  report.restores.back().target.value = "2026-11-19T02:15:00Z";
  const auto before = source_scale(report, pitr_journal());
  EXPECT_EQ(moment(before, Kind::target), 0);
  EXPECT_EQ(item_of(before, Kind::target).when, "long before, 2026-11-19");
  EXPECT_EQ(item_of(before, Kind::target).name, "Target: time, exclusive");
  report.restores.back().target.value = "2027-01-01T00:00:00Z";
  const auto after = source_scale(report, pitr_journal());
  EXPECT_EQ(moment(after, Kind::target), after.seconds);
  EXPECT_NEAR(after.seconds, 10.402, 1e-6);
  EXPECT_THAT(item_of(after, Kind::discarded).spans, IsEmpty())
      << "nothing lies between a later target and the disaster";
}

TEST(SourceScale, GrowsForATargetALittleBehindTheRest) {
  auto report = partial_report();
  report.restores.back().target.value = "2026-11-20T02:15:20Z";
  EXPECT_NEAR(source_scale(report, pitr_journal()).seconds, 16.99, 1e-6);
}

TEST(SourceScale, SaysWhatARestoreThatDidNotEndWellReached) {
  EXPECT_EQ(item_of(source_scale(refused_report(), pitr_journal()), Kind::reached).name, "Reached: nothing, refused");
  auto report = pitr_report();
  report.restores.back().reached = {};
  const auto scale = source_scale(report, pitr_journal());
  const auto& reached = item_of(scale, Kind::reached);
  EXPECT_EQ(reached.name, "Reached: not known");
  EXPECT_EQ(reached.when, "when is not known");
  EXPECT_THAT(reached.spans, IsEmpty());
}

TEST(SourceScale, TakesBackupsFromTheirLabelsWithoutAJournal) {
  const auto scale = source_scale(passing_report(), {});
  EXPECT_EQ(scale.title, "Source, from 2026-11-20 02:15:03 UTC");
  EXPECT_NEAR(item_of(scale, Kind::backup).spans.at(0).end, 1.92, 1e-6);
  EXPECT_NEAR(moment(scale, Kind::target), moment(scale, Kind::disaster), 1e-9) << "the end of the WAL";
}

TEST(SourceScale, HasNothingToShowWithoutATime) {
  EXPECT_THAT(source_scale(empty_report(), {}).items, IsEmpty());
  auto report = failing_report();
  report.backups[0].label = "no time";
  report.disasters[0].at = "yesterday";
  report.restores.back().reached.time.clear();
  EXPECT_THAT(source_scale(report, {{"yesterday", "load.begin", {}}}).items, IsEmpty());
}

TEST(SourceScale, SurvivesAJournalThatEndedInTheMiddle) {
  auto journal = pitr_journal();
  journal.resize(4);
  const auto scale = source_scale(pitr_report(), journal);
  EXPECT_THAT(item_of(scale, Kind::load).spans, IsEmpty()) << "it began, and nobody knows when it ended";
  EXPECT_NEAR(item_of(scale, Kind::backup, 1).spans.at(0).begin, 4.99, 1e-6) << "by its label";
}

TEST(RecoveryScale, BeginsAtTheDisasterAndEndsWithItsLastPhase) {
  const auto scale = recovery_scale(passing_report());
  EXPECT_NEAR(scale.seconds, 4.26, 1e-6);
  EXPECT_NEAR(moment(scale, Kind::achieved), 4.26, 1e-6);
  EXPECT_NEAR(item_of(scale, Kind::phase, 3).spans.at(0).begin, 1.505, 1e-6);
  EXPECT_THAT(item_of(scale, Kind::objective).name, HasSubstr("far beyond"));
  auto report = passing_report();
  report.restores.back().rto.objective_seconds = 5;
  EXPECT_NEAR(recovery_scale(report).seconds, 5, 1e-6);
}

TEST(RecoveryScale, IsNotThereWhenNothingWasMeasured) {
  EXPECT_THAT(recovery_scale(empty_report()).items, IsEmpty());
  EXPECT_THAT(recovery_scale(refused_report()).items, IsEmpty());
}

double percent(const Element& element, const char* name) {
  return std::stod(element.attributes.at(name));
}

// Bars and signs lie within the drawing, no bar is too narrow to be seen, and no two rows share a line for their words.
TEST(TimelineDrawing, KeepsEverythingVisibleFromAMillisecondToHours) {
  auto report = pitr_report();
  auto& phases = report.restores.back().rto.phases;
  for (auto& phase : phases) phase.started_at.clear();
  phases[1].seconds = 0;
  phases[2].seconds = 0.001;
  phases[3].seconds = 3 * 3600;
  for (const auto& shown : {report, passing_report(), failing_report(), unknown_report(), partial_report()}) {
    const auto root = read_markup(html(shown, pitr_journal()), {"meta"}, {"style"});
    const auto& drawing = *root.all("svg").at(0);
    const auto height = std::stod(drawing.attributes.at("height"));
    std::size_t bars = 0;
    for (const auto* const rectangle : drawing.all("rect")) {
      if (rectangle->attributes.at("class") != "bar") continue;
      ++bars;
      EXPECT_GE(percent(*rectangle, "x"), 0.99);
      EXPECT_GE(percent(*rectangle, "width"), 0.6);
      EXPECT_LE(percent(*rectangle, "x") + percent(*rectangle, "width"), 99.02);
      EXPECT_LT(percent(*rectangle, "y"), height);
    }
    EXPECT_GE(bars, shown.restores.back().rto.phases.size());
    std::vector<std::string> lines;
    for (const auto* const group : drawing.all("g")) {
      lines.push_back(group->all("text").at(0)->attributes.at("y"));
      EXPECT_EQ(group->all("text").at(1)->attributes.at("y"), lines.back());
      EXPECT_FALSE(group->all("title").at(0)->text.empty());
    }
    const auto rows = lines.size();
    std::sort(lines.begin(), lines.end());
    EXPECT_EQ(static_cast<std::size_t>(std::unique(lines.begin(), lines.end()) - lines.begin()), rows);
  }
}

TEST(TimelineDrawing, HasAFewRoundTicks) {
  auto report = passing_report();
  for (const double seconds : {0.003, 0.7, 4.0, 59.0, 61.0, 3600.0, 10'800.0, 700'000.0}) {
    report.restores.back().rto = {};
    report.restores.back().rto.phases = {{"fetch", "", seconds, {}}};
    const auto root = read_markup(html(report), {"meta"}, {"style"});
    std::vector<std::string> labels;
    for (const auto* const text : root.all("svg").at(0)->all("text")) {
      const auto kind = text->attributes.find("class");
      if (kind != text->attributes.end() && kind->second == "axis") labels.push_back(text->text);
    }
    EXPECT_THAT(labels, SizeIs(testing::AllOf(testing::Ge(4U), testing::Le(14U)))) << seconds;
    EXPECT_EQ(std::count(labels.begin(), labels.end(), "0"), 2) << "one a scale";
  }
}

TEST(TimelineDrawing, CanBeReadAloudAndAsATable) {
  const auto root = read_markup(html(pitr_report(), pitr_journal()), {"meta"}, {"style"});
  const auto& drawing = *root.all("svg").at(0);
  EXPECT_EQ(drawing.attributes.at("role"), "img");
  EXPECT_EQ(drawing.attributes.at("aria-labelledby"), "timeline-title timeline-words");
  EXPECT_THAT(drawing.all("desc").at(0)->text,
              testing::AllOf(HasSubstr("Disaster: drop_table (02:15:12.400)"), HasSubstr("Target: mark before-drop"),
                             HasSubstr("Recovery, from the disaster on: detect (2.50 s)")));
  EXPECT_THAT(root.whole_text(), HasSubstr("The first scale as a table"));
  EXPECT_THAT(html(empty_report()), testing::Not(HasSubstr("<svg")));
}

}  // namespace
}  // namespace reports::render
