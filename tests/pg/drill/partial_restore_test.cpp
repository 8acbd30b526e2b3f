// Drills whose restore brings back a part: tables and rows into the source that lives on, and one database of several
// into a server of its own, all run by the executable at once.
#include <gmock/gmock.h>

#include <memory>

#include "tests/pg/drill/written_scenario.hpp"

namespace harness::drill {
namespace {

namespace record = reports::record;
using record::Verdict;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::Gt;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto dropped_table = R"(  - backup: full
  - load: { for: 600ms }
  - mark: before
  - disaster: { drop_table: audit.order_events }
  - load: { for: 600ms }
)";

// Views and foreign keys of other tables go with them, and come back.
constexpr auto dropped_with_dependents = R"(  - backup: full
  - load: { for: 200ms }
  - mark: before
  - disaster: { drop_table: shop.documents }
  - disaster: { drop_table: shop.orders }
)";

constexpr auto overwritten_rows = R"(  - backup: full
  - load: { for: 600ms }
  - mark: before
  - disaster: { update_rows: shop.products SET price = 0 }
)";

constexpr auto dropped_database = R"(  - backup: full
  - load: { for: 600ms }
  - mark: before
  - disaster: { drop_database: shop_archive }
  - load: { for: 600ms }
)";

std::vector<WrittenScenario> scenarios() {
  return {
      {"table-replaced", dropped_table,
       "kind: partial, target: { mark: before }, tables: [audit.order_events], into: replace",
       "ledger, content, catalog, untouched"},
      {"dependents-replaced", dropped_with_dependents,
       "kind: partial, target: { mark: before }, tables: [shop.documents, shop.orders], into: replace",
       "content, untouched"},
      {"table-beside", overwritten_rows,
       "kind: partial, target: { mark: before }, tables: [shop.products], into: beside", "content, untouched"},
      {"one-database", dropped_database, "kind: partial, target: { mark: before }, database: shop_archive", "content"},
      {"not-there", overwritten_rows, "kind: partial, target: { mark: before }, tables: [shop.reviews], into: replace",
       "ledger"},
  };
}

class PartialRestore : public testing::Test {
 protected:
  // Drilled once for all tests: it takes seconds.
  static void SetUpTestSuite() { run_ = std::make_unique<SuiteRun>(scenarios()); }
  static void TearDownTestSuite() { run_.reset(); }

  static record::RestoreRecord expect_passed(const std::string& scenario) {
    const auto found = run_->report(scenario);
    EXPECT_EQ(found.verdict, Verdict::pass) << run_->words;
    EXPECT_THAT(found.checks, Each(Field(&record::Check::verdict, Verdict::pass)));
    EXPECT_THAT(found.restores, SizeIs(1));
    if (found.restores.empty()) return {};
    EXPECT_EQ(found.restores.front().kind, "partial");
    EXPECT_EQ(found.restores.front().outcome, "recovered");
    EXPECT_EQ(found.restores.front().exact.met, true);
    EXPECT_EQ(found.restores.front().rto.met, true);
    return found.restores.front();
  }
  static std::unique_ptr<SuiteRun> run_;
};
std::unique_ptr<SuiteRun> PartialRestore::run_;

TEST_F(PartialRestore, PutsADroppedTableBackIntoTheServerThatLivesOn) {
  const auto restore = expect_passed("table-replaced");
  EXPECT_EQ(restore.target.value, "lifeboat-before");
  EXPECT_THAT(restore.backup_label, HasSubstr("full"));
  EXPECT_EQ(restore.rpo.lost, 0U);
  EXPECT_THAT(run_->event("table-replaced", "extract.done").details.at("objects"), HasSubstr("order_events"));
}

TEST_F(PartialRestore, PutsATableBackWithWhatOthersHadOnIt) {
  (void)expect_passed("dependents-replaced");
  EXPECT_THAT(run_->event("dependents-replaced", "extract.done").details.at("objects"),
              HasSubstr("constraint document_changes_document of audit.document_changes"));
}

TEST_F(PartialRestore, IsOverWhenTheTableAnswersInTheLiveServer) {
  const auto rto = expect_passed("table-replaced").rto;
  std::vector<std::string> names;
  for (const auto& phase : rto.phases) names.push_back(phase.name);
  EXPECT_THAT(names, ElementsAre("detect", "provision", "fetch", "restore", "replay", "consistent", "readable",
                                 "writable", "verified"));
  constexpr auto loaded_seconds = 0.3;
  EXPECT_THAT(rto.phases.front().seconds, Gt(loaded_seconds));
  EXPECT_THAT(rto.writable_seconds.value(), Gt(rto.readable_seconds.value()));
}

TEST_F(PartialRestore, PutsATableBesideTheLivingOne) {
  (void)expect_passed("table-beside");
  EXPECT_THAT(run_->event("table-beside", "extract.done").details.at("objects"), HasSubstr("products_restored"));
}

TEST_F(PartialRestore, BringsBackOneDatabaseOfSeveral) {
  (void)expect_passed("one-database");
}

TEST_F(PartialRestore, BreaksTheDrillAtTheMarkWhenTheTableIsNowhere) {
  EXPECT_EQ(run_->code, 2) << run_->words;
  const auto found = run_->report("not-there");
  EXPECT_EQ(found.verdict, Verdict::unknown);
  EXPECT_THAT(found.restores, IsEmpty());
  ASSERT_THAT(found.checks, SizeIs(1));
  EXPECT_THAT(found.checks.front().summary, HasSubstr("none of the tables asked for is in database shop"));
}

TEST_F(PartialRestore, LeavesNoProcessBehind) {
  EXPECT_THAT(run_->left_processes, IsEmpty());
}

}  // namespace
}  // namespace harness::drill
