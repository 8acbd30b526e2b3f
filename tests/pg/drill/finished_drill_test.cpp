// Two shipped scenarios, drilled at once by the executable; then everything that a user does with what they left.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "backup_engine/base/file.hpp"
#include "reports/record/journal.hpp"
#include "reports/record/report.hpp"
#include "tests/pg/drill/lifeboat_command.hpp"

namespace harness::drill {
namespace {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
namespace record = reports::record;
using record::Verdict;
using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAreArray;
using testing::Field;
using testing::Ge;
using testing::Gt;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::SizeIs;
using testing::StartsWith;

constexpr auto asynchronous = "full-after-server-loss";
constexpr auto synchronous = "full-after-server-loss-synchronous";

std::vector<std::string> keys_of(const nlohmann::ordered_json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

class FinishedDrill : public LifeboatCommand {
 protected:
  // Drilled once for all tests: it takes seconds.
  struct Run : LifeboatCommand {
    Run() {
      auto process = started({"run", source_path("scenarios/smoke") / (std::string(asynchronous) + ".yaml"),
                              source_path("scenarios/smoke") / (std::string(synchronous) + ".yaml"), "--out", out(),
                              "--jobs", "2", "--seed", "7", "--reason", "to test it"},
                             "words");
      pid = process.pid();
      code = process.wait(base::Deadline::after(std::chrono::minutes(4))).code;
      words = base::read_file(path("words"));
      left_processes = processes();
      left_directories = directories_made_by(pid);
    }
    using LifeboatCommand::drill_directory;
    using LifeboatCommand::out;
    void TestBody() override {}

    pid_t pid = -1;
    int code = -1;
    std::string words;
    std::vector<std::string> left_processes;
    std::vector<fs::path> left_directories;
  };
  static void SetUpTestSuite() { run_ = std::make_unique<Run>(); }
  static void TearDownTestSuite() { run_.reset(); }

  static fs::path drill(const std::string& scenario = asynchronous) { return run_->drill_directory(scenario); }
  static record::Report report(const std::string& scenario = asynchronous) {
    return record::read_report(drill(scenario) / "report.json");
  }
  static std::unique_ptr<Run> run_;
};
std::unique_ptr<FinishedDrill::Run> FinishedDrill::run_;

TEST_F(FinishedDrill, Passes) {
  EXPECT_EQ(run_->code, 0) << run_->words;
  EXPECT_THAT(run_->words, AllOf(HasSubstr("PASS"), HasSubstr(run_->out() + "/index.html\n")));
  for (const auto* const scenario : {asynchronous, synchronous}) {
    const auto found = report(scenario);
    EXPECT_EQ(found.verdict, Verdict::pass);
    // Those of the scenario, commit_order, and as root isolation.
    EXPECT_THAT(found.checks, AllOf(SizeIs(AnyOf(11, 12)), Each(Field(&record::Check::verdict, Verdict::pass))));
    EXPECT_THAT(found.checks, Contains(Field(&record::Check::name, "commit_order")));
    ASSERT_THAT(found.restores, SizeIs(1));
    const auto& restore = found.restores.front();
    EXPECT_EQ(restore.exact.met, true);
    EXPECT_EQ(restore.exact.witness, "pg_receivewal");
    EXPECT_THAT(restore.exact.expected.value(), Gt(0U));
    EXPECT_EQ(restore.rto.met, true);
    EXPECT_THAT(restore.rto.writable_seconds.value(), Gt(0));
    EXPECT_THAT(restore.rto.verified_seconds.value(), Ge(restore.rto.writable_seconds.value()));
    EXPECT_EQ(restore.rpo.met, true);
    EXPECT_THAT(restore.rpo.acknowledged.value(), Gt(0U));
    EXPECT_EQ(restore.rpo.recovered.value() + restore.rpo.lost.value(), restore.rpo.acknowledged.value());
    EXPECT_EQ(restore.rpo.unexpected, 0U);
    EXPECT_EQ(restore.rpo.duplicated, 0U);
    EXPECT_EQ(found.environment.settings.at("fsync"), "on");
    EXPECT_EQ(found.environment.concurrent_drills, 2U);
    EXPECT_EQ(found.seed, 7U);
    EXPECT_EQ(found.initiated_by.reason, "to test it");
  }
  EXPECT_EQ(report(synchronous).restores.front().rpo.lost, 0U);
}

TEST_F(FinishedDrill, LeavesNothingBehindButItsRecord) {
  EXPECT_THAT(run_->left_processes, IsEmpty());
  EXPECT_THAT(run_->left_directories, IsEmpty());
  EXPECT_EQ(report().cleanup.verdict, Verdict::pass);
  EXPECT_THAT(report().cleanup.left_behind, IsEmpty());
  for (const auto& entry : fs::directory_iterator(drill())) {
    EXPECT_THAT(entry.path().filename().string(), testing::Not(StartsWith("lifeboat-")));
  }
}

TEST_F(FinishedDrill, HoldsEveryFileOfItsFormat) {
  for (const auto* const file : {"plan.json",
                                 "full-after-server-loss.yaml",
                                 "journal.jsonl",
                                 "report.json",
                                 "report.html",
                                 "report.md",
                                 "junit.xml",
                                 "evidence/ledger.log",
                                 "evidence/marks/after-backup.json",
                                 "evidence/probes.json",
                                 "evidence/ledger.json",
                                 "evidence/content.json",
                                 "evidence/verify_backup.json",
                                 "evidence/page_checksums.json",
                                 "evidence/amcheck.json",
                                 "evidence/constraints.json",
                                 "evidence/sequences.json",
                                 "evidence/catalog.json",
                                 "evidence/commit_order.json",
                                 "evidence/sql.json",
                                 "logs/source.log",
                                 "logs/restored.log",
                                 "logs/examined.log",
                                 "logs/witness.log",
                                 "logs/wal-receive.log"}) {
    EXPECT_TRUE(fs::is_regular_file(drill() / file)) << file;
  }
  EXPECT_EQ(fs::read_symlink(drill().parent_path() / "latest"), drill().filename());
  const auto index = base::read_file(fs::path(run_->out()) / "index.html");
  EXPECT_THAT(index, AllOf(HasSubstr(report(asynchronous).drill_id), HasSubstr(report(synchronous).drill_id)));
  EXPECT_THAT(base::read_file(fs::path(run_->out()) / "junit.xml"), HasSubstr(report(synchronous).drill_id));
}

TEST_F(FinishedDrill, ReportsEveryFieldOfTheContract) {
  const auto json = nlohmann::ordered_json::parse(base::read_file(drill() / "report.json"));
  EXPECT_THAT(keys_of(json),
              ElementsAreArray({"schema_version", "drill_id",   "seed",        "scenario",   "tool",    "initiated_by",
                                "environment",    "started_at", "finished_at", "verdict",    "backups", "disasters",
                                "restores",       "restore",    "rto",         "rpo",        "exact",   "statistics",
                                "checks",         "proof",      "sweep",       "not_tested", "cleanup"}));
  EXPECT_THAT(keys_of(json["backups"][0]),
              ElementsAreArray({"label", "type", "parent_label", "source", "source_bytes", "stored_bytes", "seconds",
                                "start_lsn", "stop_lsn", "timeline", "damaged_pages"}));
  EXPECT_THAT(keys_of(json["rto"]),
              ElementsAreArray({"phases", "restored_seconds", "readable_seconds", "writable_seconds",
                                "verified_seconds", "objective_seconds", "met"}));
  EXPECT_THAT(keys_of(json["rpo"]),
              ElementsAreArray({"acknowledged", "recovered", "lost", "discarded", "unexpected", "duplicated",
                                "indeterminate", "loss_seconds", "discarded_seconds", "objective_seconds", "met"}));
  EXPECT_THAT(keys_of(json["exact"]), ElementsAreArray({"expected", "missing", "extra", "witness", "met"}));
  EXPECT_THAT(keys_of(json["checks"][0]), ElementsAreArray({"name", "verdict", "summary", "expected", "actual",
                                                            "findings", "seconds", "witness", "proven_by"}));
  std::vector<std::string> phases;
  for (const auto& phase : json["rto"]["phases"]) phases.push_back(phase["name"]);
  EXPECT_THAT(phases, IsSupersetOf({"detect", "provision", "fetch", "restore", "replay", "consistent", "readable",
                                    "writable", "verified"}));
}

TEST_F(FinishedDrill, IsReportedInEveryForm) {
  const auto html = lifeboat({"report", drill(), "--format", "html"});
  EXPECT_EQ(html.code, 0);
  EXPECT_THAT(html.words, AllOf(StartsWith("<!"), HasSubstr(report().scenario.claim)));
  const auto markdown = lifeboat({"report", drill(), "--format", "markdown"});
  EXPECT_EQ(markdown.code, 0);
  EXPECT_EQ(markdown.words, base::read_file(drill() / "report.md"));
  const auto junit = lifeboat({"report", drill(), "--format", "junit"});
  EXPECT_EQ(junit.code, 0);
  EXPECT_THAT(junit.words, AllOf(StartsWith("<?xml"), HasSubstr("testcase")));
  const auto json = lifeboat({"report", drill(), "--format", "json"});
  EXPECT_EQ(json.code, 0);
  EXPECT_EQ(json.words, base::read_file(drill() / "report.json"));
}

class JudgedAgain : public FinishedDrill {
 protected:
  JudgedAgain() : copy_(path("copy")) { fs::copy(drill(), copy_, fs::copy_options::recursive); }

  Ended judge() { return lifeboat({"judge", copy_, "--out", path("judged")}); }
  record::Report judged() const { return record::read_report(path("judged") / "report.json"); }
  const record::Check& check(const record::Report& report, const std::string& name) {
    const auto found =
        std::find_if(report.checks.begin(), report.checks.end(), [&](const auto& c) { return c.name == name; });
    EXPECT_NE(found, report.checks.end()) << name;
    return *found;
  }
  // Rewrites evidence/NAME.json of the copy.
  template <typename Change>
  void tamper(const std::string& name, const Change& change) {
    const auto file = copy_ / "evidence" / (name + ".json");
    auto evidence = nlohmann::ordered_json::parse(base::read_file(file));
    change(evidence);
    base::write_file_atomically(file, evidence.dump());
  }
  fs::path copy_;
};

TEST_F(JudgedAgain, SaysTheSame) {
  const auto before = base::read_file(copy_ / "report.json");
  const auto ended = judge();
  EXPECT_EQ(ended.code, 0) << ended.words;
  const auto again = judged(), first = report();
  EXPECT_EQ(again.verdict, first.verdict);
  EXPECT_EQ(again.not_tested, first.not_tested);
  ASSERT_EQ(again.checks.size(), first.checks.size());
  for (std::size_t i = 0; i < first.checks.size(); ++i) {
    EXPECT_EQ(again.checks[i].name, first.checks[i].name);
    EXPECT_EQ(again.checks[i].verdict, first.checks[i].verdict);
    EXPECT_EQ(again.checks[i].summary, first.checks[i].summary);
  }
  EXPECT_EQ(again.restores.front().rpo.recovered, first.restores.front().rpo.recovered);
  EXPECT_EQ(again.restores.front().exact.expected, first.restores.front().exact.expected);
  EXPECT_TRUE(fs::exists(path("judged") / "report.html"));
  EXPECT_TRUE(fs::exists(path("judged") / "report.md"));
  EXPECT_TRUE(fs::exists(path("judged") / "junit.xml"));
  EXPECT_EQ(base::read_file(copy_ / "report.json"), before) << "the drill itself stays as it is";
}

TEST_F(JudgedAgain, FailsWhenALedgerRowIsMissing) {
  tamper("ledger", [](auto& evidence) { evidence["rows"].erase(evidence["rows"].size() / 2); });
  const auto ended = judge();
  EXPECT_EQ(ended.code, 1) << ended.words;
  EXPECT_THAT(ended.words, HasSubstr("FAIL"));
  const auto again = judged();
  EXPECT_EQ(again.verdict, Verdict::fail);
  EXPECT_EQ(check(again, "ledger").verdict, Verdict::fail);
  EXPECT_THAT(check(again, "ledger").findings, testing::Not(IsEmpty()));
}

TEST_F(JudgedAgain, IsUnknownWhenTheLedgerIsDamaged) {
  auto ledger = base::read_file(copy_ / "evidence/ledger.log");
  ledger[ledger.size() / 2] ^= 1;
  base::write_file_atomically(copy_ / "evidence/ledger.log", ledger);
  const auto ended = judge();
  EXPECT_EQ(ended.code, 2) << ended.words;
  EXPECT_THAT(ended.words, HasSubstr("ledger.log"));
}

TEST_F(JudgedAgain, IsUnknownWithoutTheEvidence) {
  fs::remove(copy_ / "evidence/content.json");
  const auto ended = judge();
  EXPECT_EQ(ended.code, 2) << ended.words;
  EXPECT_THAT(ended.words, HasSubstr("content.json"));
}

class MissedObjective : public LifeboatCommand {};

TEST_F(MissedObjective, FailsTheDrillAndSaysByHowMuch) {
  const std::string scenario = "objective-cannot-be-met";
  const auto work = path("work");
  fs::create_directory(work);
  const auto ended = lifeboat({"run", source_path("tests/scenarios") / (scenario + ".yaml"), "--out", out(), "--keep",
                               "never", "--work-dir", work});
  EXPECT_EQ(ended.code, 1) << ended.words;
  EXPECT_THAT(ended.words, AllOf(HasSubstr("FAIL"), HasSubstr("(of 1.0 ms)")));
  const auto found = record::read_report(drill_directory(scenario) / "report.json");
  EXPECT_EQ(found.verdict, Verdict::fail);
  const auto& rto = found.restores.front().rto;
  EXPECT_EQ(rto.met, false);
  EXPECT_THAT(rto.writable_seconds.value(), Gt(rto.objective_seconds.value()));
  EXPECT_THAT(found.checks, Each(Field(&record::Check::verdict, Verdict::pass))) << "only the objective was missed";
  EXPECT_THAT(base::read_file(drill_directory(scenario) / "junit.xml"), HasSubstr("<failure"));
  EXPECT_THAT(processes(), IsEmpty());
  EXPECT_TRUE(fs::is_empty(work)) << "where the servers' data lay";
}

}  // namespace
}  // namespace harness::drill
