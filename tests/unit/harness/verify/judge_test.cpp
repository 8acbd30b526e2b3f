#include "harness/verify/judge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/verify/roll_back_check.hpp"

namespace harness::verify {
namespace {

using reports::record::Check;
using reports::record::LedgerOutcome;
using reports::record::LedgerRow;
using reports::record::LedgerTransaction;
using reports::record::Mark;
using reports::record::ToolRun;
using reports::record::Verdict;
using scenario::CheckKind;
using testing::HasSubstr;

constexpr CheckKind all_kinds[] = {CheckKind::ledger,  CheckKind::content,      CheckKind::page_checksums,
                                   CheckKind::amcheck, CheckKind::verifybackup, CheckKind::constraints,
                                   CheckKind::catalog, CheckKind::sequences,    CheckKind::settings,
                                   CheckKind::sql,     CheckKind::untouched};

Check judged(CheckKind kind, const Records& records) {
  return judge({{kind, kind == CheckKind::sql ? "rules.sql" : ""}}, records).checks.at(0);
}

TEST(Judge, WithoutEvidenceEveryCheckIsUnknown) {
  for (const auto kind : all_kinds) EXPECT_EQ(judged(kind, {}).verdict, Verdict::unknown) << to_string(kind);
}

TEST(Judge, ThatExaminedNothingIsUnknown) {
  Records records;
  records.ledger.emplace();
  records.marks.emplace_back().name = "m";
  auto& evidence = records.evidence;
  evidence.content_mark = "m";
  evidence.ledger.emplace();
  evidence.content.emplace();
  evidence.constraints.emplace();
  evidence.catalog.emplace();
  evidence.sequences.emplace();
  evidence.untouched.emplace();
  evidence.sql.push_back({"rules.sql", {}});
  evidence.page_checksums =
      ToolRun{"pg_checksums", {}, 0, "Files scanned: 0\nBlocks scanned: 0\nBad checksums: 0\n", 0};
  evidence.amcheck = ToolRun{"pg_amcheck", {}, 1, "pg_amcheck: error: no relations to check\n", 0};
  evidence.verify_backup = ToolRun{"pg_verifybackup", {}, 0, "", 0};
  for (const auto kind : all_kinds) EXPECT_EQ(judged(kind, records).verdict, Verdict::unknown) << to_string(kind);
}

// A second copy that is right says nothing of the server that people will work with.
TEST(ContentCheck, LooksAtTheRecoveredServerToo) {
  Records records;
  auto& mark = records.marks.emplace_back();
  mark.name = records.evidence.content_mark = "m";
  mark.content.tables = {{"shop.products", 2, "as it was", {}}};
  records.evidence.content = mark.content;
  EXPECT_EQ(judged(CheckKind::content, records).verdict, Verdict::pass);
  records.evidence.restored_content = mark.content;
  EXPECT_EQ(judged(CheckKind::content, records).verdict, Verdict::pass);
  records.evidence.restored_content->tables[0].digest = "a value changed";
  const auto check = judged(CheckKind::content, records);
  EXPECT_EQ(check.verdict, Verdict::fail);
  EXPECT_EQ(check.findings.at(0).object, "shop.products");
  EXPECT_THAT(check.findings.at(0).text, HasSubstr("on the recovered server"));
  records.evidence.restored_content.reset();
  records.evidence.missing["restored_content"] = "the connection was lost";
  EXPECT_EQ(judged(CheckKind::content, records).verdict, Verdict::unknown);
}

TEST(ContentCheck, OfTablesWithoutOneRowIsUnknown) {
  Records records;
  auto& mark = records.marks.emplace_back();
  mark.name = records.evidence.content_mark = "m";
  mark.content.tables = {{"shop.products", 0, "empty", {}}};
  records.evidence.content = mark.content;
  records.evidence.untouched.emplace();
  records.evidence.untouched->before.content = records.evidence.untouched->after.content = mark.content;
  EXPECT_EQ(judged(CheckKind::content, records).verdict, Verdict::unknown);
  EXPECT_EQ(judged(CheckKind::untouched, records).verdict, Verdict::unknown);
}

TEST(Judge, GivesTheReasonWhyEvidenceIsMissing) {
  Records records;
  records.evidence.missing["constraints"] = "the server went away";
  EXPECT_THAT(judged(CheckKind::constraints, records).summary, HasSubstr("the server went away"));
}

TEST(Judge, ListsWhatWasNotAskedFor) {
  EXPECT_THAT(judge({}, {}).not_tested, testing::Contains(HasSubstr("not asked for: page checksums")));
}

Records with_ledger(const std::vector<LedgerTransaction>& ledger, const std::vector<std::int64_t>& present) {
  Records records;
  records.ledger = ledger;
  records.evidence.ledger.emplace();
  for (const auto id : present) {
    records.evidence.ledger->rows.push_back(LedgerRow{id, static_cast<std::uint64_t>(id), "d", "d"});
  }
  return records;
}

LedgerTransaction transaction(std::int64_t id, std::int64_t sent, std::int64_t answered) {
  return {id, 0, static_cast<std::uint64_t>(id), "d", sent, answered, LedgerOutcome::acknowledged};
}

TEST(LedgerCheck, LeavesALostTailToTheRpo) {
  const auto check = judged(CheckKind::ledger, with_ledger({transaction(1, 10, 20), transaction(2, 30, 40)}, {1}));
  EXPECT_EQ(check.verdict, Verdict::pass) << check.summary;
  EXPECT_THAT(check.actual, HasSubstr("1 absent"));
}

TEST(LedgerCheck, FailsOnAHoleBeforeALaterCommit) {
  const auto check = judged(CheckKind::ledger, with_ledger({transaction(1, 10, 20), transaction(2, 30, 40)}, {2}));
  ASSERT_EQ(check.verdict, Verdict::fail);
  EXPECT_EQ(check.findings.at(0).key, "1");
}

// Both were under way at once: either may have committed first.
TEST(LedgerCheck, DoesNotOrderConcurrentCommits) {
  EXPECT_EQ(judged(CheckKind::ledger, with_ledger({transaction(1, 10, 40), transaction(2, 30, 35)}, {2})).verdict,
            Verdict::pass);
}

TEST(LedgerCheck, FailsOnAHoleThatOnlyTheWalShows) {
  auto records = with_ledger({transaction(1, 10, 20), transaction(2, 30, 40)}, {1});
  auto& order = records.evidence.commit_order.emplace();
  order.reached_lsn = "0/300";
  order.records.resize(1);
  order.records[0].xid = 2;
  order.records[0].lsn = "0/200";
  EXPECT_EQ(judged(CheckKind::ledger, records).verdict, Verdict::fail);
  order.reached_lsn = "0/200";
  EXPECT_EQ(judged(CheckKind::ledger, records).verdict, Verdict::pass);
}

TEST(LedgerCheck, AcceptsInDoubtEitherWayAndRefusesRolledBack) {
  auto in_doubt = transaction(1, 10, 0);
  in_doubt.outcome = LedgerOutcome::unknown;
  EXPECT_EQ(judged(CheckKind::ledger, with_ledger({in_doubt, transaction(2, 30, 40)}, {1, 2})).verdict, Verdict::pass);
  EXPECT_EQ(judged(CheckKind::ledger, with_ledger({in_doubt, transaction(2, 30, 40)}, {2})).verdict, Verdict::pass);
  in_doubt.outcome = LedgerOutcome::aborted;
  EXPECT_EQ(judged(CheckKind::ledger, with_ledger({in_doubt}, {1})).verdict, Verdict::fail);
}

// What a partial restore brought back is held against the mark's tables of that name alone.
Records with_restored_orders() {
  Records records;
  auto& mark = records.marks.emplace_back();
  mark.name = "before-drop";
  mark.content.tables = {{"shop.customers", 7, "c", {}}, {"shop.orders", 2, "o", {}}};
  mark.catalog = {{"table shop.customers", "1"}, {"table shop.orders", "2"}};
  auto& then = mark.selected.emplace();
  then.content.tables = {{"shop.orders", 2, "o", {}}};
  then.objects = {{"table shop.orders", "2"}};
  records.evidence.content_mark = "before-drop";
  records.evidence.selected = then;
  return records;
}

TEST(PartialRestore, IsJudgedByItsTablesAlone) {
  auto records = with_restored_orders();
  EXPECT_EQ(judged(CheckKind::content, records).verdict, Verdict::pass);
  EXPECT_EQ(judged(CheckKind::catalog, records).verdict, Verdict::pass);
  records.evidence.selected->content.tables[0].digest = "x";
  EXPECT_EQ(judged(CheckKind::content, records).findings.at(0).object, "shop.orders");
  records.evidence.selected->objects.clear();
  EXPECT_EQ(judged(CheckKind::catalog, records).findings.at(0).text, "missing");
  records.marks[0].selected.reset();
  EXPECT_EQ(judged(CheckKind::content, records).verdict, Verdict::unknown);
  EXPECT_EQ(judged(CheckKind::catalog, records).verdict, Verdict::unknown);
}

TEST(PartialRestore, SaysWhyItsTablesWereNotRead) {
  auto records = with_restored_orders();
  records.evidence.selected.reset();
  records.evidence.missing["selected"] = "none of the tables asked for is there";
  EXPECT_THAT(judged(CheckKind::content, records).summary, HasSubstr("none of the tables"));
}

TEST(RollBackCheck, NamesWhateverDiffersFromTheClusterThatWasSetAside) {
  reports::record::Evidence evidence;
  auto& looks = evidence.roll_back.emplace();
  looks.before.content.tables = {{"shop.customers", 7, "c", {}}};
  looks.before.content.sequences = {{"shop.numbers", 5, true}};
  looks.before.objects = {{"view shop.totals", "1"}};
  looks.before.system_identifier = "42";
  looks.before.timeline = 1;
  looks.after = looks.before;
  EXPECT_EQ(check_roll_back(evidence).verdict, Verdict::pass);
  looks.after.content.tables[0].digest = "d";
  looks.after.content.sequences[0].last_value = 6;
  looks.after.objects.clear();
  looks.after.system_identifier = "43";
  looks.after.timeline = 2;
  const auto check = check_roll_back(evidence);
  EXPECT_EQ(check.verdict, Verdict::fail);
  std::vector<std::string> objects;
  for (const auto& finding : check.findings) objects.push_back(finding.object);
  EXPECT_THAT(objects, testing::UnorderedElementsAre("system identifier", "timeline", "shop.customers", "shop.numbers",
                                                     "view shop.totals"));
}

TEST(RollBackCheck, WithoutEvidenceOrTablesIsUnknown) {
  reports::record::Evidence evidence;
  evidence.missing["roll_back"] = "a server runs there";
  EXPECT_EQ(check_roll_back(evidence).verdict, Verdict::unknown);
  EXPECT_THAT(check_roll_back(evidence).summary, HasSubstr("a server runs there"));
  evidence.roll_back.emplace();
  EXPECT_EQ(check_roll_back(evidence).verdict, Verdict::unknown);
}

// As an interrupted drill leaves it.
TEST(RollBackCheck, IsUnknownWhereNobodyLookedAtTheClusterThatWasPutBack) {
  reports::record::Evidence evidence;
  auto& before = evidence.roll_back.emplace().before;
  before.content.tables = {{"shop.customers", 7, "c", {}}};
  before.system_identifier = "42";
  EXPECT_EQ(check_roll_back(evidence).verdict, Verdict::unknown);
  EXPECT_THAT(check_roll_back(evidence).summary, HasSubstr("before it looked at"));
}

// Transaction 2 committed past the point that the tables were brought back to: part of its rows went with them.
TEST(LedgerCheck, LeavesAsideWhatAPartialRestoreGaveUpKnowingly) {
  auto records = with_ledger({transaction(1, 10, 20), transaction(2, 30, 40)}, {1, 2});
  records.evidence.ledger->rows[1].recomputed_digest = "part of it";
  auto& order = records.evidence.commit_order.emplace();
  order.reached_lsn = "0/300";
  order.records.resize(1);
  order.records[0].xid = 2;
  order.records[0].lsn = "0/400";
  EXPECT_EQ(judged(CheckKind::ledger, records).verdict, Verdict::fail) << "a whole server has no such excuse";
  records.evidence.selected.emplace();
  EXPECT_EQ(judged(CheckKind::ledger, records).verdict, Verdict::pass);
  order.records[0].lsn = "0/200";
  EXPECT_EQ(judged(CheckKind::ledger, records).verdict, Verdict::fail);
}

TEST(Judge, SaysWhenNoDigestCouldBeRecomputed) {
  auto records = with_ledger({transaction(1, 10, 20), transaction(2, 30, 40)}, {1, 2});
  const auto told = testing::Contains(HasSubstr("the target cannot recompute"));
  EXPECT_THAT(judge({}, records).not_tested, testing::Not(told));
  for (auto& row : records.evidence.ledger->rows) row.recomputed_digest.clear();
  EXPECT_THAT(judge({}, records).not_tested, told);
}

TEST(PageChecksumCheck, NamesFileAndBlock) {
  Records records;
  records.evidence.page_checksums = ToolRun{
      "pg_checksums",
      {},
      1,
      "pg_checksums: error: checksum verification failed in file \"/x/base/5/1234\", block 7: calculated checksum AB "
      "but "
      "block contains CD\nChecksum operation completed\nFiles scanned:   9\nBlocks scanned:  90\nBad checksums:  1\n",
      0};
  const auto check = judged(CheckKind::page_checksums, records);
  ASSERT_EQ(check.verdict, Verdict::fail);
  EXPECT_EQ(check.findings.at(0).object, "base/5/1234");
  EXPECT_EQ(check.findings.at(0).key, "block 7");
}

TEST(PageChecksumCheck, IsUnknownWithoutChecksums) {
  Records records;
  records.evidence.page_checksums =
      ToolRun{"pg_checksums", {}, 1, "pg_checksums: error: data checksums are not enabled in cluster\n", 0};
  EXPECT_EQ(judged(CheckKind::page_checksums, records).verdict, Verdict::unknown);
}

Check judged_amcheck(int exit_code, const std::string& output) {
  Records records;
  records.evidence.amcheck = ToolRun{"pg_amcheck", {}, exit_code, output, 0};
  return judged(CheckKind::amcheck, records);
}

TEST(AmcheckCheck, PassesOnlyWhenItSaysThatItLookedAtEverything) {
  const std::string all =
      "  0/31 relations (0%),    0/420 pages (0%)\n 31/31 relations (100%),  420/420 pages (100%)\n";
  EXPECT_EQ(judged_amcheck(0, all).verdict, Verdict::pass);
  EXPECT_THAT(judged_amcheck(0, all).summary, HasSubstr("all 31 "));
  EXPECT_EQ(judged_amcheck(0, "").verdict, Verdict::unknown) << "it may not have run at all";
  EXPECT_EQ(judged_amcheck(0, " 30/31 relations (96%), 400/420 pages (95%)\n").verdict, Verdict::unknown);
  EXPECT_EQ(judged_amcheck(0, " 0/0 relations (0%), 0/0 pages (0%)\n").verdict, Verdict::unknown);
  EXPECT_EQ(
      judged_amcheck(0, "pg_amcheck: warning: skipping database \"app\": amcheck is not installed\n" + all).verdict,
      Verdict::unknown);
}

TEST(AmcheckCheck, NamesTheRelationWithProgressInBetween) {
  const auto check =
      judged_amcheck(2,
                     " 1/31 relations (3%), 0/420 pages (0%)\nbtree index \"app.shop.orders_pkey\":\n"
                     " 31/31 relations (100%), 420/420 pages (100%)\n    item order invariant violated\n");
  ASSERT_EQ(check.verdict, Verdict::fail);
  EXPECT_EQ(check.findings.at(0).object, "app.shop.orders_pkey");
  EXPECT_EQ(check.findings.at(0).text, "item order invariant violated");
}

TEST(AmcheckCheck, CountsGinIndexesAndNamesTheOneThatIsDamaged) {
  const std::string all = " 31/31 relations (100%),  420/420 pages (100%)\n";
  EXPECT_THAT(judged_amcheck(0, all + "GIN indexes examined: 4\n").summary, HasSubstr("all 35 "));
  const auto check =
      judged_amcheck(2, all + "gin index \"app.shop.tags\":\n    ERROR: wrong tuple order\nGIN indexes examined: 4\n");
  ASSERT_EQ(check.verdict, Verdict::fail);
  EXPECT_EQ(check.findings.at(0).object, "app.shop.tags");
  EXPECT_EQ(check.findings.at(0).text, "ERROR: wrong tuple order");
}

TEST(AmcheckCheck, TellsWhichGinIndexesNobodyLookedAt) {
  const std::string why = "\" not examined: amcheck 1.4 of database \"app\" has no gin_index_check()\n";
  Records records;
  records.evidence.amcheck = ToolRun{"pg_amcheck",
                                     {},
                                     0,
                                     " 31/31 relations (100%),  420/420 pages (100%)\nGIN index \"app.shop.tags" + why +
                                         "GIN index \"app.shop.words" + why + "GIN indexes examined: 0\n",
                                     0};
  const auto judgement = judge({{CheckKind::amcheck, {}}}, records);
  EXPECT_THAT(judgement.checks.at(0).summary, HasSubstr("all 31 ")) << "they do not count";
  EXPECT_THAT(
      judgement.not_tested,
      testing::Contains("amcheck: GIN indexes that were not examined, as amcheck 1.4 of database \"app\" has no "
                        "gin_index_check(): app.shop.tags, app.shop.words"));
}

TEST(SettingsCheck, PassesOverQuarantineAndPathsAndNamesTheRest) {
  Records records;
  auto& mark = records.marks.emplace_back();
  mark.settings = {{"work_mem", "4096"}, {"archive_mode", "on"}, {"port", "1"}, {"jit", "on"}};
  auto& now = records.evidence.catalog.emplace();
  now.settings = {{"work_mem", "4096"}, {"archive_mode", "off"}, {"port", "2"}, {"jit", "off"}};
  now.quarantined = {{"jit", "off"}};
  const auto passed = judged(CheckKind::settings, records);
  EXPECT_EQ(passed.verdict, Verdict::pass);
  EXPECT_THAT(passed.actual, HasSubstr("archive_mode, jit, port"));
  now.settings["work_mem"] = "64";
  EXPECT_EQ(judged(CheckKind::settings, records).findings.at(0).object, "work_mem");
}

TEST(SettingsCheck, FindsWhatOnlyLooksLikeASettingOfRecoveryOrOfATransaction) {
  const std::map<std::string, std::string> at_mark = {{"archive_command", "push %p"},
                                                      {"archive_library", "x"},
                                                      {"archive_timeout", "60"},
                                                      {"transaction_timeout", "0"},
                                                      {"transaction_buffers", "32"}};
  for (const auto& [name, value] : at_mark) {
    Records records;
    records.marks.emplace_back().settings = at_mark;
    auto& now = records.evidence.catalog.emplace().settings;
    now = at_mark;
    EXPECT_EQ(judged(CheckKind::settings, records).verdict, Verdict::pass);
    now[name] = "other";
    const auto check = judged(CheckKind::settings, records);
    ASSERT_EQ(check.findings.size(), 1U) << name;
    EXPECT_EQ(check.findings[0].object, name);
  }
}

TEST(SettingsCheck, LetsRecoveryPassOverPagesOnlyWhereOneDatabaseWasRestored) {
  Records records;
  records.marks.emplace_back().settings = {{"ignore_invalid_pages", "off"}};
  records.evidence.catalog.emplace().settings = {{"ignore_invalid_pages", "on"}};
  EXPECT_EQ(judged(CheckKind::settings, records).verdict, Verdict::fail);
  records.evidence.selected.emplace();
  EXPECT_EQ(judged(CheckKind::settings, records).verdict, Verdict::pass);
}

TEST(SqlCheck, IsUnknownForAStatementThatReturnsNothingToJudge) {
  Records records;
  records.evidence.sql.push_back({"rules.sql", {{"rule", {}, {}, 0, ""}}});
  EXPECT_EQ(judged(CheckKind::sql, records).verdict, Verdict::unknown);
  records.evidence.sql[0].results[0].columns = {"id"};
  EXPECT_EQ(judged(CheckKind::sql, records).verdict, Verdict::pass);
}

TEST(ConstraintsCheck, NamesTheRulesThatCouldNotBeEvaluatedAndStillFailsForAnother) {
  Records records;
  records.evidence.constraints.emplace();
  auto& constraints = *records.evidence.constraints;
  constraints.not_evaluated = {"boats: check is_sound: no function helper()"};
  records.stored_backup = true;
  records.evidence.sql.push_back({"rules.sql", {{"rule", {"id"}, {}, 0, ""}}});
  for (const auto examined : {0U, 3U}) {
    constraints.examined = examined;
    const auto unknown = judge({{CheckKind::constraints, {}}, {CheckKind::sql, "rules.sql"}}, records).checks.at(0);
    EXPECT_EQ(unknown.verdict, Verdict::unknown);
    EXPECT_THAT(unknown.summary, HasSubstr("boats: check is_sound: no function helper()"));
  }
  constraints.broken.push_back({"boats", "boats_pkey", "primary key", 1, {}});
  EXPECT_EQ(judged(CheckKind::constraints, records).verdict, Verdict::fail);
  EXPECT_THAT(judged(CheckKind::constraints, records).summary,
              testing::AllOf(HasSubstr("primary key boats_pkey"), HasSubstr("check is_sound")));
  constraints.broken.clear();
  constraints.not_evaluated.clear();
  EXPECT_EQ(judged(CheckKind::constraints, records).verdict, Verdict::pass);
}

TEST(SqlCheck, IsUnknownWhenARuleCouldNotBeRun) {
  Records records;
  records.evidence.sql.push_back(
      {"rules.sql", {{"rule", {}, {}, 0, "no unique constraint\nDETAIL: Key (mail)=(secret)"}}});
  const auto unknown = judged(CheckKind::sql, records);
  EXPECT_EQ(unknown.verdict, Verdict::unknown);
  EXPECT_THAT(unknown.summary, testing::AllOf(HasSubstr("no unique constraint"), testing::Not(HasSubstr("secret"))));
  records.evidence.sql[0].results.push_back({"other", {"id"}, {{"secret"}}, 1, ""});
  const auto check = judged(CheckKind::sql, records);
  EXPECT_EQ(check.verdict, Verdict::fail);
  EXPECT_THAT(check.findings.at(0).key, testing::Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace harness::verify
