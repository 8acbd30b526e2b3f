#include "reports/record/evidence.hpp"

#include "backup_engine/base/file.hpp"
#include "tests/unit/reports/record/scratch.hpp"

namespace reports::record {
namespace {

using backup_engine::base::ErrorKind;

Evidence everything() {
  Evidence evidence;
  evidence.ledger = LedgerRows{{{1, 740, "ab", "ab"}, {2, 741, "cd", ""}, {2, 741, "cd", ""}}};
  evidence.content = ContentDigests{{{"shop.orders", 2, "ee", {}}}, {}, {}};
  evidence.content_mark = "before-drop";
  evidence.verify_backup = ToolRun{"pg_verifybackup", {"-n", "/x"}, 1, "error: \"a\" \xff\n", 0.25};
  evidence.page_checksums = ToolRun{"pg_checksums", {"--check"}, 0, "", 1};
  evidence.amcheck = ToolRun{"pg_amcheck", {}, -1, "", 0};
  evidence.constraints =
      ConstraintEvidence{12, {{"shop.items", "items_order_fk", "foreign key", 3, {"k1"}}}, {}, {}, {}};
  evidence.constraints->not_evaluated = {"shop.items: check is_sound: no function helper()"};
  evidence.sequences = SequenceEvidence{4, {{"s", "t", "c", 5, 9}}};
  evidence.catalog = CatalogEvidence{{{"table a", "1"}}, {{"fsync", "on"}}, {{"archive_mode", "off"}}, {"en_US"}, {}};
  evidence.sql = {{"fixtures/checks/a.sql", {{"totals", {"id"}, {{"7"}, {"8"}}, 40, ""}, {"broken", {}, {}, 0, "no"}}}};
  evidence.commit_order = CommitOrderEvidence{"pg_receivewal",
                                              {{"0/10", "0/20", 740, {741, 742}, "2026-11-20T02:15:00Z", 1, false}},
                                              "0/20",
                                              2,
                                              "0/18",
                                              {740},
                                              {{"before-drop", "0/28", "0/90", 1}},
                                              reports::record::RecordPlace{"0/90", "0/A0"}};
  evidence.commit_order->left_out = reports::record::RecordPlace{"0/2028", "0/2060"};
  evidence.commit_order->line = {{1, "0/1800"}, {2, ""}};
  evidence.commit_order->abandoned = {{"0/1900", "0/1928", 744, {}, "2026-11-20T02:15:02Z", 1, true}};
  evidence.commit_order->prepared = {{"0/1700", "0/1780", 743, "transfer", "2026-11-20T02:15:01Z", 1}};
  evidence.commit_order->prepared_present = {743};
  evidence.selected =
      SelectedTables{{{{"shop.orders", 1, "e1", {}}}, {}, {}}, {{"table a", "1"}}, {{"shop.orders", {4, 5}}}};
  evidence.untouched = UntouchedEvidence{*evidence.selected, {}, {"view shop.balances"}};
  evidence.roll_back.emplace();
  evidence.roll_back->before = {evidence.selected->content, {{"table a", "1"}}, "7345000000000000042", 3};
  SweepEvidence::Point point;
  point.boundary = "after_commit";
  point.position = "0/20";
  point.inclusive = false;
  point.appeared = {740, 740};
  point.vanished = {739};
  evidence.sweep = SweepEvidence{"0/10", "0/90", 1.5, 2.5, {point, {}}};
  evidence.isolation = IsolationEvidence{"", 5, {"7 (walwriter): mount"}, {"eth0"}, 3, {"/run/x"}, {}};
  evidence.isolation->attempts = {{"TCP 127.0.0.1:9", true, false, "Network is unreachable"}};
  evidence.second_isolation = IsolationEvidence{"not permitted", 0, {}, {}, 0, {}, {}};
  evidence.seconds = {{"ledger", 0.5}};
  return evidence;
}

class EvidenceFiles : public Scratch {};

TEST_F(EvidenceFiles, GiveBackEveryMember) {
  write_evidence(path("drill"), everything());
  const auto read = read_evidence(path("drill"));
  ASSERT_EQ(read.ledger->rows.size(), 3U) << "duplicates are kept";
  EXPECT_EQ(read.ledger->rows[0].recomputed_digest, "ab");
  EXPECT_EQ(read.content->tables.at(0).digest, "ee");
  EXPECT_EQ(read.content_mark, "before-drop");
  EXPECT_EQ(read.verify_backup->output, "error: \"a\" \xef\xbf\xbd\n") << "what is not UTF-8 is replaced";
  EXPECT_EQ(read.verify_backup->arguments.at(1), "/x");
  EXPECT_EQ(read.page_checksums->exit_code, 0);
  EXPECT_EQ(read.amcheck->exit_code, -1);
  EXPECT_EQ(read.constraints->broken.at(0).keys.at(0), "k1");
  EXPECT_EQ(read.constraints->not_evaluated, everything().constraints->not_evaluated);
  EXPECT_EQ(read.sequences->behind.at(0).highest_value, 9);
  EXPECT_EQ(read.catalog->quarantined.at("archive_mode"), "off");
  EXPECT_EQ(read.sql.at(0).results.at(0).rows.at(1).at(0), "8");
  EXPECT_EQ(read.sql.at(0).results.at(1).error, "no");
  EXPECT_EQ(read.commit_order->records.at(0).subtransactions.at(1), 742U);
  EXPECT_FALSE(read.commit_order->records.at(0).committed);
  EXPECT_EQ(read.commit_order->acknowledged_lsn, "0/18");
  EXPECT_EQ(read.sweep->until_lsn, "0/90");
  EXPECT_EQ(read.sweep->own_seconds, 2.5);
  ASSERT_EQ(read.sweep->points.size(), 2U);
  EXPECT_EQ(read.sweep->points[0].position, "0/20");
  EXPECT_FALSE(read.sweep->points[0].inclusive);
  EXPECT_EQ(read.sweep->points[0].appeared, (std::vector<std::uint64_t>{740, 740}));
  EXPECT_EQ(read.sweep->points[0].vanished, (std::vector<std::uint64_t>{739}));
  EXPECT_EQ(read.commit_order->xids_present.at(0), 740U);
  EXPECT_EQ(read.commit_order->restore_points.at(0).name, "before-drop");
  EXPECT_EQ(read.commit_order->restore_points.at(0).end_lsn, "0/90");
  EXPECT_EQ(read.commit_order->at_target.value().end_lsn, "0/A0");
  EXPECT_EQ(read.commit_order->left_out.value().lsn, "0/2028");
  EXPECT_EQ(read.commit_order->line.at(0).end_lsn, "0/1800");
  EXPECT_EQ(read.commit_order->line.at(1).timeline, 2U);
  EXPECT_EQ(read.commit_order->abandoned.at(0).xid, 744U);
  EXPECT_EQ(read.commit_order->prepared.at(0).name, "transfer");
  EXPECT_EQ(read.commit_order->prepared_present.value().at(0), 743U);
  EXPECT_EQ(read.selected->ledger_ids.at("shop.orders").at(1), 5);
  EXPECT_EQ(read.untouched->before.content.tables.at(0).digest, "e1");
  EXPECT_TRUE(read.untouched->after.objects.empty());
  EXPECT_EQ(read.roll_back->before.content.tables.at(0).digest, "e1");
  EXPECT_EQ(read.roll_back->before.objects.at("table a"), "1");
  EXPECT_EQ(read.roll_back->before.system_identifier, "7345000000000000042");
  EXPECT_EQ(read.roll_back->before.timeline, 3U);
  EXPECT_EQ(read.roll_back->after.timeline, 0U);
  EXPECT_EQ(read.isolation->shared.at(0), "7 (walwriter): mount");
  EXPECT_EQ(read.isolation->interfaces.at(0), "eth0");
  EXPECT_EQ(read.isolation->sockets_seen.at(0), "/run/x");
  EXPECT_EQ(read.isolation->attempts.at(0).why_not, "Network is unreachable");
  EXPECT_TRUE(read.isolation->attempts.at(0).from_outside);
  EXPECT_FALSE(read.isolation->attempts.at(0).from_inside);
  EXPECT_EQ(read.second_isolation->impossible, "not permitted");
  EXPECT_EQ(read.seconds.at("ledger"), 0.5);
}

TEST_F(EvidenceFiles, KeepAnAbsentMemberAbsentWithItsReason) {
  Evidence evidence;
  evidence.missing = {{"amcheck", "the extension could not be created"}};
  write_evidence(path("drill"), evidence);
  const auto read = read_evidence(path("drill"));
  EXPECT_FALSE(read.ledger || read.content || read.verify_backup || read.page_checksums || read.amcheck ||
               read.constraints || read.sequences || read.catalog || read.commit_order);
  EXPECT_TRUE(read.sql.empty());
  EXPECT_EQ(read.missing, evidence.missing);
}

TEST_F(EvidenceFiles, AreNotReadAsAbsentWhenOneWasLost) {
  write_evidence(path("drill"), everything());
  std::filesystem::remove(path("drill/evidence/amcheck.json"));
  expect_error(ErrorKind::not_found, "amcheck.json", [&] { (void)read_evidence(path("drill")); });
}

TEST_F(EvidenceFiles, AreOneJsonFileAMember) {
  write_evidence(path("drill"), everything());
  for (const char* name : {"ledger", "content", "verify_backup", "page_checksums", "amcheck", "constraints",
                           "sequences", "catalog", "commit_order", "sql", "probes"}) {
    EXPECT_TRUE(std::filesystem::exists(path("drill/evidence") / (std::string(name) + ".json"))) << name;
  }
}

TEST_F(EvidenceFiles, SayThatNothingWasGathered) {
  expect_error(ErrorKind::not_found, "no evidence was gathered", [&] { (void)read_evidence(path("drill")); });
}

TEST_F(EvidenceFiles, NameTheFieldThatIsDamaged) {
  write_evidence(path("drill"), everything());
  write("drill/evidence/ledger.json", R"({"rows":[{"id":1,"xid":-2,"digest":"","recomputed_digest":""}]})");
  expect_error(ErrorKind::corrupt, "ledger.json: rows[0].xid is out of range",
               [&] { (void)read_evidence(path("drill")); });
}

TEST_F(EvidenceFiles, OfAnotherVersionAreRefused) {
  write_evidence(path("drill"), {});
  auto text = backup_engine::base::read_file(path("drill/evidence/probes.json"));
  text.replace(text.find(": 2"), 3, ": 9");
  write("drill/evidence/probes.json", text);
  expect_error(ErrorKind::unsupported, "evidence_version 9", [&] { (void)read_evidence(path("drill")); });
}

}  // namespace
}  // namespace reports::record
