#include "harness/drill/proof_judgement.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/temporary_directory.hpp"

namespace harness::drill {
namespace {

namespace record = reports::record;
using record::Verdict;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

record::ToolRun sound_pages() {
  return {"pg_checksums", {}, 0, "Checksum operation completed\nBlocks scanned:  10\nBad checksums:  0\n", 0.1};
}

record::ToolRun damaged_page(const std::string& file) {
  return {"pg_checksums",
          {},
          1,
          "pg_checksums: error: checksum verification failed in file \"/data/" + file +
              "\", block 7: calculated checksum 1 but block contains 2\nBlocks scanned:  10\nBad checksums:  1\n",
          0.1};
}

// A stored backup: nothing but the evidence is needed to judge page checksums.
class JudgeProof : public testing::Test {
 protected:
  JudgeProof() {
    scenario_.source.stored.emplace();
    scenario_.verify = {{scenario::CheckKind::page_checksums, {}}};
    scenario_.prove = true;
    report_.restores.emplace_back().outcome = "recovered";
    report_.restores.back().exact.met = true;
    report_.checks = {{"page_checksums", Verdict::pass, "", "", "", {}, 0, "postgres", {}}};
    proof_.untouched.page_checksums = sound_pages();
    proof_.sabotaged.page_checksums = damaged_page("base/5/1255");
    proof_.sabotages = {{"bit_flipped", "page_checksums", Verdict::fail, "base/5/1255", "block 7", "block 7", "", ""}};
  }

  void judge(const std::optional<record::ProofEvidence>& proof) {
    judge_proof(report_, {scenario_, {}, {}, record::Evidence{}}, proof);
  }
  [[nodiscard]] record::Check proof_check_of_report() const {
    const auto found = std::ranges::find(report_.checks, std::string(proof_check), &record::Check::name);
    return found == report_.checks.end() ? record::Check{} : *found;
  }

  scenario::Scenario scenario_;
  record::Report report_;
  record::ProofEvidence proof_;
};

TEST_F(JudgeProof, PassesWhenTheCheckNamesWhatWasHarmed) {
  judge(proof_);
  EXPECT_EQ(proof_check_of_report().verdict, Verdict::pass) << proof_check_of_report().summary;
  EXPECT_THAT(report_.checks[0].proven_by, ElementsAre("bit_flipped"));
  ASSERT_EQ(report_.proof.size(), 2U);
  EXPECT_EQ(report_.proof[0].sabotage, "untouched");
  EXPECT_EQ(report_.proof[0].verdict_given, "pass");
  EXPECT_EQ(report_.proof[1].verdict_given, "fail");
}

TEST_F(JudgeProof, FailsForASabotageThatWentUnnoticed) {
  proof_.sabotaged.page_checksums = sound_pages();
  judge(proof_);
  const auto check = proof_check_of_report();
  EXPECT_EQ(check.verdict, Verdict::fail);
  ASSERT_EQ(check.findings.size(), 1U);
  EXPECT_EQ(check.findings[0].object, "base/5/1255");
  EXPECT_THAT(check.findings[0].text, HasSubstr("bit_flipped went unnoticed by page_checksums"));
  EXPECT_THAT(report_.checks[0].proven_by, IsEmpty());
}

TEST_F(JudgeProof, FailsWhenTheCheckNamesAnotherObject) {
  proof_.sabotaged.page_checksums = damaged_page("base/5/9999");
  judge(proof_);
  EXPECT_EQ(proof_check_of_report().verdict, Verdict::fail);
  EXPECT_THAT(report_.proof.back().verdict_given, HasSubstr("nothing that names base/5/1255"));
}

TEST_F(JudgeProof, JudgesACopyThatWentAstrayByWhatWasSeenThere) {
  proof_.astray["elsewhere"].page_checksums = proof_.sabotaged.page_checksums;
  proof_.sabotaged.page_checksums = sound_pages();
  proof_.sabotages[0].seen_in = "elsewhere";
  judge(proof_);
  EXPECT_EQ(proof_check_of_report().verdict, Verdict::pass) << proof_check_of_report().summary;
}

// A copy that lacks a commit is wrong as well, but not about its timeline.
TEST_F(JudgeProof, TakesAMissingCommitForNoWordOfTheTimeline) {
  record::CommitOrderEvidence order;
  order.witness = "engine";
  order.records = {{"0/100", "0/140", 701, {}, "", 1, true}, {"0/200", "0/240", 702, {}, "", 1, true}};
  order.reached_lsn = "0/200";
  order.recovered_statuses = {{701, "committed"}};
  auto& backup = report_.backups.emplace_back();
  backup.label = report_.restores.back().backup_label = "20261120T021500Z-full";
  backup.start_lsn = "0/40";
  backup.stop_lsn = "0/80";
  auto& target = proof_.target;
  target.type = "lsn";
  target.value = "0/200";
  target.inclusive = false;
  proof_.untouched.commit_order = order;
  proof_.sabotages.push_back(
      {"recovered_onto_another_timeline", "exactness", Verdict::fail, "recovery", "", "", "", ""});
  proof_.sabotages.back().seen_in = "elsewhere";

  auto& elsewhere = proof_.astray["elsewhere"].commit_order.emplace(order);
  elsewhere.recovered_statuses[0].status = "in progress";
  judge(proof_);
  EXPECT_EQ(proof_check_of_report().verdict, Verdict::fail);
  EXPECT_THAT(report_.proof.back().verdict_given, HasSubstr("nothing that names recovery"));

  elsewhere.reached_timeline = 2;
  report_.checks.resize(1);
  judge(proof_);
  EXPECT_EQ(proof_check_of_report().verdict, Verdict::pass) << proof_check_of_report().summary;
}

TEST_F(JudgeProof, IsUnknownWhenNobodySawWhereTheCopyWent) {
  proof_.sabotages[0].seen_in = "elsewhere";
  judge(proof_);
  EXPECT_EQ(proof_check_of_report().verdict, Verdict::unknown);
}

TEST_F(JudgeProof, IsUnknownWhenTheCheckWas) {
  proof_.sabotaged.page_checksums->output = "pg_checksums: error: could not open directory";
  judge(proof_);
  EXPECT_EQ(proof_check_of_report().verdict, Verdict::unknown);
  EXPECT_THAT(report_.proof.back().verdict_given, testing::StartsWith("unknown: "));
  EXPECT_THAT(report_.checks[0].proven_by, IsEmpty());
}

TEST_F(JudgeProof, IsUnknownWhenTheUntouchedCopyDidNotPass) {
  proof_.untouched.page_checksums = damaged_page("base/5/1255");
  judge(proof_);
  EXPECT_EQ(proof_check_of_report().verdict, Verdict::unknown);
  EXPECT_THAT(proof_check_of_report().summary, HasSubstr("of the untouched copy it said fail"));
}

TEST_F(JudgeProof, IsUnknownWhenTheProofBroke) {
  proof_.sabotages.clear();
  proof_.broke = "the server did not start";
  judge(proof_);
  EXPECT_EQ(proof_check_of_report().verdict, Verdict::unknown);
  EXPECT_THAT(proof_check_of_report().summary, HasSubstr("the server did not start"));
}

TEST_F(JudgeProof, IsUnknownWhenDoingASabotageFailed) {
  proof_.sabotages[0].broke = "ERROR: no such column";
  judge(proof_);
  EXPECT_EQ(proof_check_of_report().verdict, Verdict::unknown);
  EXPECT_THAT(proof_check_of_report().summary, HasSubstr("doing it failed: ERROR: no such column"));
}

TEST_F(JudgeProof, ListsBlindnessAndWhatCouldNotBeTriedAsNotTested) {
  proof_.sabotages = {{"row_erased", "page_checksums", Verdict::pass, "base/5/16384", "", "", "", ""},
                      {"bit_flipped", "page_checksums", Verdict::fail, "", "", "", "no table holds a row", ""}};
  proof_.sabotages[0].why_blind = "the page has a checksum that matches";
  proof_.sabotaged.page_checksums = sound_pages();
  judge(proof_);
  EXPECT_EQ(proof_check_of_report().verdict, Verdict::unknown) << "nothing was proven";
  EXPECT_THAT(report_.not_tested, Contains(HasSubstr("page_checksums: blind to row_erased (the page has")));
  EXPECT_THAT(report_.not_tested,
              Contains(HasSubstr("on the check page_checksums (bit_flipped: no table holds a row)")));
}

TEST_F(JudgeProof, IsUnknownWhenThereIsNoneOfADrillThatPasses) {
  judge(std::nullopt);
  EXPECT_EQ(proof_check_of_report().verdict, Verdict::unknown);
  EXPECT_THAT(proof_check_of_report().summary, HasSubstr("has none"));
}

TEST_F(JudgeProof, IsNotAskedOfADrillThatFailsAnyway) {
  report_.checks[0].verdict = Verdict::fail;
  judge(std::nullopt);
  EXPECT_EQ(report_.checks.size(), 1U);
  EXPECT_THAT(report_.not_tested, Contains(HasSubstr("the drill did not pass without it")));
}

TEST_F(JudgeProof, DoesNothingForAScenarioThatAsksForNone) {
  scenario_.prove = false;
  judge(proof_);
  EXPECT_EQ(report_.checks.size(), 1U);
  EXPECT_THAT(report_.proof, IsEmpty());
}

TEST_F(JudgeProof, IsTheSameFromWhatItLeft) {
  const backup_engine::base::TemporaryDirectory directory("/tmp", "lifeboat-proof");
  proof_.target = {"mark", "lifeboat-here", true, ""};
  proof_.seconds = 2.5;
  proof_.astray["elsewhere"].page_checksums = proof_.sabotaged.page_checksums;
  proof_.sabotages[0].seen_in = "elsewhere";
  record::write_proof(directory.path(), proof_);
  const auto read = record::read_proof(directory.path());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->target.value, "lifeboat-here");
  EXPECT_EQ(read->seconds, 2.5);
  judge(read);
  EXPECT_EQ(proof_check_of_report().verdict, Verdict::pass);
  EXPECT_THAT(report_.checks[0].proven_by, ElementsAre("bit_flipped"));
  EXPECT_FALSE(record::read_proof(directory.path() / "elsewhere"));
}

TEST_F(JudgeProof, RefusesAnotherVersionOfIt) {
  const backup_engine::base::TemporaryDirectory directory("/tmp", "lifeboat-proof");
  record::write_proof(directory.path(), proof_);
  const auto file = directory.path() / "proof" / "sabotages.json";
  auto text = backup_engine::base::read_file(file);
  const std::string version = "\"proof_version\": 1";
  text.replace(text.find(version), version.size(), "\"proof_version\": 9");
  backup_engine::base::write_file_atomically(file, text);
  EXPECT_THROW((void)record::read_proof(directory.path()), backup_engine::base::Error);
}

}  // namespace
}  // namespace harness::drill
