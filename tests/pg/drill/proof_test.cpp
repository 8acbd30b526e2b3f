// Drills with `prove: true`, run by the executable: one whose checks notice every sabotage of a copy, and one with a
// rule that asks nothing, which must be found out.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <set>

#include "backup_engine/base/file.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "reports/record/proof.hpp"
#include "tests/pg/drill/written_scenario.hpp"

namespace harness::drill {
namespace {

namespace base = backup_engine::base;
namespace record = reports::record;
using record::Verdict;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;
using testing::SizeIs;

constexpr auto timeline = R"(  - backup: full
  - load: { for: 1s }
  - mark: here
  - load: { for: 500ms }
  - mark: behind
  - disaster: lose_server
)";

constexpr auto every_check =
    "ledger, content, page_checksums, amcheck, verifybackup, constraints, catalog, sequences, settings, "
    "{ sql: fixtures/checks/ecommerce.sql }";

class Proof : public testing::Test {
 protected:
  // Drilled once for all tests: it takes seconds.
  static void SetUpTestSuite() {
    run_ = std::make_unique<SuiteRun>(std::vector<WrittenScenario>{
        {.name = "sound",
         .timeline = timeline,
         .restore = "kind: pitr, target: { mark: here }",
         .verify = every_check,
         .prove = true},
        {.name = "blinded",
         .timeline = timeline,
         .restore = "kind: pitr, target: { mark: here }",
         .verify = "ledger, { sql: blind.sql }",
         .prove = true,
         .sql = {{"blind.sql",
                  "-- name: asks nothing\n-- sabotage: UPDATE shop.products SET price = price + 1\n"
                  "SELECT product_id FROM shop.products WHERE false;\n"}}},
    });
  }
  static void TearDownTestSuite() { run_.reset(); }

  static record::Check check(const record::Report& report, const std::string& name) {
    const auto found = std::ranges::find(report.checks, name, &record::Check::name);
    return found == report.checks.end() ? record::Check{} : *found;
  }
  static std::string told(const record::Report& report) {
    std::string text;
    for (const auto& proof : report.proof) {
      text += proof.sabotage + " | " + proof.check + " | " + proof.verdict_wanted + " | " + proof.verdict_given + "\n";
    }
    for (const auto& line : report.not_tested) text += line + "\n";
    return text;
  }
  static std::unique_ptr<SuiteRun> run_;
};
std::unique_ptr<SuiteRun> Proof::run_;

TEST_F(Proof, EverySabotageIsNoticedByTheCheckResponsible) {
  const auto report = run_->report("sound");
  EXPECT_EQ(report.verdict, Verdict::pass) << run_->words << told(report);
  EXPECT_EQ(check(report, "proof").verdict, Verdict::pass) << check(report, "proof").summary;
  std::set<std::string> sabotages;
  for (const auto& proof : report.proof) {
    sabotages.insert(proof.sabotage);
    if (proof.verdict_wanted == "fail") {
      EXPECT_EQ(proof.verdict_given, "fail") << proof.sabotage << " by " << proof.check;
    }
    if (proof.sabotage == "untouched") {
      EXPECT_EQ(proof.verdict_given, "pass") << proof.check;
    }
  }
  EXPECT_THAT(sabotages, IsSupersetOf({"untouched",
                                       "changed_file",
                                       "orphaned_row",
                                       "duplicated_row",
                                       "business_row_lost",
                                       "bit_flipped",
                                       "bit_flipped_behind_its_checksum",
                                       "row_erased_behind_its_indexes",
                                       "table_missing",
                                       "constraint_dropped",
                                       "constraint_not_validated",
                                       "grant_lost",
                                       "sequence_behind",
                                       "setting_changed",
                                       "commit_missing_from_the_tail",
                                       "one_commit_too_many",
                                       "commit_twice",
                                       "recovered_one_commit_short",
                                       "recovered_one_commit_too_far",
                                       "recovered_onto_another_timeline",
                                       "rule_broken: invoices without their order"}))
      << told(report);
}

TEST_F(Proof, NamesTheTransactionsThatACopyGoneAstrayLacksOrHasTooMany) {
  const auto proof = record::read_proof(run_->directory_of("sound"));
  ASSERT_TRUE(proof);
  const auto& untouched = proof->untouched.commit_order->xids_present;
  for (const auto& sabotage : proof->sabotages) {
    if (!sabotage.name.starts_with("recovered_one_commit")) continue;
    const bool is_short = sabotage.seen_in == "one_short";
    const auto& seen = proof->astray.at(sabotage.seen_in).commit_order->xids_present;
    EXPECT_EQ(seen.size() + 1, untouched.size() + (is_short ? 0 : 2)) << "one commit more or less, really";
    const auto xid = std::stoull(sabotage.object.substr(sabotage.object.rfind(' ')));
    EXPECT_EQ(std::ranges::count(untouched, xid), is_short ? 1 : 0) << sabotage.object;
    EXPECT_EQ(std::ranges::count(seen, xid), is_short ? 0 : 1) << sabotage.object;
  }
  EXPECT_EQ(proof->untouched.commit_order->reached_timeline, 1U);
  EXPECT_EQ(proof->astray.at("elsewhere").commit_order->reached_timeline, 2U);
}

TEST_F(Proof, IsolationFailsOutsideOfItsNamespacesWhereThereAreAny) {
  const auto report = run_->report("sound");
  const auto isolation = check(report, "isolation");
  if (isolation.name.empty()) {
    EXPECT_THAT(report.not_tested, Contains(HasSubstr("isolation: only settings and a private socket")));
  } else {
    EXPECT_THAT(isolation.proven_by, Contains("started_outside_of_its_namespaces"));
  }
}

TEST_F(Proof, EachCheckSaysWhatItIsProvenBy) {
  const auto report = run_->report("sound");
  // Those that the scenario asks for. What the engine wrote itself is a self-check, never proven.
  for (const auto* const name : {"ledger", "content", "page_checksums", "amcheck", "constraints", "catalog",
                                 "sequences", "settings", "commit_order", "sql ecommerce.sql"}) {
    EXPECT_THAT(check(report, name).proven_by, Not(IsEmpty())) << name << "\n" << told(report);
  }
  EXPECT_THAT(check(report, "verifybackup").proven_by, IsEmpty());
  EXPECT_THAT(check(report, "content").proven_by, Contains("table_missing"));
}

TEST_F(Proof, BlindnessIsShownAndListed) {
  const auto report = run_->report("sound");
  EXPECT_THAT(report.not_tested, Contains(HasSubstr("page_checksums: blind to bit_flipped_behind_its_checksum")));
  EXPECT_THAT(report.not_tested, Contains(HasSubstr("amcheck: blind to gin_entry_lost (no amcheck compares")));
}

// PostgreSQL's amcheck knows the shape of GIN indexes from version 18 on.
TEST_F(Proof, ADisorderedGinIndexIsNoticedWhereAmcheckCanAndElseListed) {
  const auto report = run_->report("sound");
  if (std::stoi(report.environment.postgres_version) >= 18) {
    EXPECT_THAT(check(report, "amcheck").proven_by, Contains("gin_index_disordered"));
  } else {
    EXPECT_THAT(report.not_tested, Contains(HasSubstr("blind to gin_index_disordered (this database's amcheck")));
  }
}

TEST_F(Proof, ReportsDrawTheMatrix) {
  const auto text = backup_engine::base::read_file(run_->directory_of("sound") / "report.md");
  EXPECT_THAT(text, HasSubstr("Proof that the checks can fail"));
  EXPECT_THAT(text, HasSubstr("| bit_flipped |"));
  const auto page = backup_engine::base::read_file(run_->directory_of("sound") / "report.html");
  EXPECT_THAT(page, HasSubstr("Would the checks have noticed?"));
}

TEST_F(Proof, IsNoPartOfTheRecoveryTime) {
  const auto proof = record::read_proof(run_->directory_of("sound"));
  ASSERT_TRUE(proof);
  EXPECT_GT(proof->seconds, 0);
  const auto began = base::parse_rfc3339(run_->event("sound", "proof.begin").time);
  const auto report = run_->report("sound");
  const auto& verified = report.restores.front().rto.phases.back();
  EXPECT_EQ(verified.name, "verified");
  const auto since = base::parse_rfc3339(verified.started_at);
  ASSERT_TRUE(began && since);
  EXPECT_LE(
      *since + std::chrono::duration_cast<base::UtcTime::duration>(std::chrono::duration<double>(verified.seconds)),
      *began + std::chrono::milliseconds(1));
}

TEST_F(Proof, ARuleThatAsksNothingIsFoundOut) {
  EXPECT_EQ(run_->code, 1) << run_->words;
  const auto report = run_->report("blinded");
  EXPECT_EQ(report.verdict, Verdict::fail);
  EXPECT_EQ(check(report, "sql blind.sql").verdict, Verdict::pass) << "it finds nothing, ever";
  const auto proof = check(report, "proof");
  EXPECT_EQ(proof.verdict, Verdict::fail) << told(report);
  ASSERT_THAT(proof.findings, SizeIs(1));
  EXPECT_THAT(proof.findings.front().text, HasSubstr("rule_broken: asks nothing went unnoticed by sql blind.sql"));
}

TEST_F(Proof, IsJudgedTheSameOffline) {
  EXPECT_EQ(run_->judged_again("blinded"), 1);
  EXPECT_EQ(run_->judged_again("sound"), 0);
}

TEST_F(Proof, LeavesNoProcessBehind) {
  EXPECT_THAT(run_->left_processes, IsEmpty());
}

}  // namespace
}  // namespace harness::drill
