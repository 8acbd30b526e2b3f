#include "reports/record/report.hpp"

#include <nlohmann/json.hpp>

#include "tests/unit/reports/record/scratch.hpp"

namespace reports::record {
namespace {

using backup_engine::base::ErrorKind;
using Json = nlohmann::ordered_json;

Report filled() {
  Report report;
  report.drill_id = "full-after-server-loss/20261120T021500Z";
  report.seed = 18'446'744'073'709'551'615U;
  report.scenario = {"full-after-server-loss", "A lost server is recovered.", "ab12"};
  report.tool.version = "0.1.0";
  report.initiated_by = {"ada", "db1", "quarterly test", "quarterly"};
  report.environment.settings = {{"fsync", "on"}};
  report.started_at = "2026-11-20T02:15:00.000000Z";
  report.finished_at = "2026-11-20T02:15:30.000000Z";
  report.verdict = Verdict::fail;
  report.backups = {{"20261120T021500Z-full", "full", "", "files", 100, 40, 1.5, "0/28", "0/30", 1, 2}};
  report.disasters = {{"lose_data_directory", "2026-11-20T02:15:08Z", "everything"}};
  RestoreRecord first;
  first.kind = "full";
  first.target.type = "immediate";
  RestoreRecord last;
  last.kind = "pitr";
  last.target = {"mark", "before-drop", false, "2"};
  last.reached = {"0/5000", "2026-11-20T02:15:08Z", "748"};
  last.outcome = "recovered";
  last.rto.phases = {{"fetch", "2026-11-20T02:15:09Z", 0.125, {0.1, 7, 8, 9}}};
  last.rto.writable_seconds = 4.5;
  last.rto.met = true;
  last.rpo.lost = 3;
  last.rpo.loss_seconds = 0.01;
  last.rpo.met = false;
  last.exact = {100, 0, 1, "wal", false};
  last.notes = {"a caveat"};
  report.restores = {first, last};
  report.restores.front().repeat = 1;
  report.restores.back().repeat = 2;
  report.restores.back().volume = {512, 64, 0.25};
  auto& statistics = report.statistics.emplace();
  statistics.repeats = 2;
  statistics.phases = {{"fetch", 2, 0.125, 0.25, 0.375, 0.375, 0.1}};
  statistics.milestones = {{"writable", 1, 4.5, 4.5, 4.5, 4.5, std::nullopt}};
  statistics.restored_bytes_per_second = 1000.5;
  statistics.extrapolations.push_back({500, 2.5, 11.0, 10.0, 12.0, 8.0, 2.0, 1.0, "far"});
  statistics.notes = {"of two"};
  Check check;
  check.name = "ledger";
  check.verdict = Verdict::fail;
  check.findings = {{"shop.orders", "k", "0/1", "7", "t", "gone"}};
  check.proven_by = {"delete_rows"};
  report.checks = {check};
  report.proof = {{"ledger", "delete_rows", "fail", "fail"}};
  report.not_tested = {"unlogged tables"};
  report.cleanup = {Verdict::pass, {"/x"}};
  return report;
}

std::vector<std::string> names_of(const Json& object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : object.items()) names.push_back(name);
  return names;
}

TEST(ReportJson, HoldsEveryFieldInTheOrderOfTheContractEvenWhenEmpty) {
  using Names = std::vector<std::string>;
  const auto json = Json::parse(to_json(Report()));
  EXPECT_EQ(names_of(json),
            (Names{"schema_version", "drill_id",   "seed",        "scenario",   "tool",    "initiated_by",
                   "environment",    "started_at", "finished_at", "verdict",    "backups", "disasters",
                   "restores",       "restore",    "rto",         "rpo",        "exact",   "statistics",
                   "checks",         "proof",      "sweep",       "not_tested", "cleanup"}));
  EXPECT_TRUE(json["restore"].is_null());
  EXPECT_EQ(names_of(json["rto"]), (Names{"phases", "restored_seconds", "readable_seconds", "writable_seconds",
                                          "verified_seconds", "objective_seconds", "met"}));
  EXPECT_EQ(names_of(json["rpo"]),
            (Names{"acknowledged", "recovered", "lost", "discarded", "unexpected", "duplicated", "indeterminate",
                   "loss_seconds", "discarded_seconds", "objective_seconds", "met"}));
  EXPECT_EQ(names_of(json["exact"]), (Names{"expected", "missing", "extra", "witness", "met"}));
  EXPECT_TRUE(json["rto"]["writable_seconds"].is_null());
  EXPECT_EQ(json["verdict"], "unknown");
}

TEST(ReportJson, NamesTheFieldsOfListsAsTheContractDoes) {
  using Names = std::vector<std::string>;
  const auto json = Json::parse(to_json(filled()));
  EXPECT_EQ(names_of(json["backups"][0]),
            (Names{"label", "type", "parent_label", "source", "source_bytes", "stored_bytes", "seconds", "start_lsn",
                   "stop_lsn", "timeline", "damaged_pages"}));
  EXPECT_EQ(names_of(json["restores"][0]),
            (Names{"kind", "target", "backup_label", "reached", "expected", "outcome", "reason", "size", "work",
                   "notes", "repeat", "volume", "rto", "rpo", "exact"}));
  EXPECT_EQ(names_of(json["checks"][0]),
            (Names{"name", "verdict", "summary", "expected", "actual", "findings", "seconds", "witness", "proven_by"}));
  EXPECT_EQ(names_of(json["checks"][0]["findings"][0]), (Names{"object", "key", "lsn", "xid", "time", "text"}));
  EXPECT_EQ(names_of(json["restores"][1]["volume"]), (Names{"restored_bytes", "replayed_wal_bytes", "replay_seconds"}));
  EXPECT_EQ(names_of(json["statistics"]), (Names{"repeats", "phases", "milestones", "restored_bytes_per_second",
                                                 "replayed_wal_bytes_per_second", "extrapolations", "notes"}));
  EXPECT_EQ(names_of(json["statistics"]["phases"][0]),
            (Names{"name", "samples", "minimum_seconds", "median_seconds", "percentile_95_seconds", "maximum_seconds",
                   "standard_deviation_seconds"}));
  EXPECT_EQ(names_of(json["statistics"]["extrapolations"][0]),
            (Names{"size_bytes", "factor", "rto_seconds", "lowest_seconds", "highest_seconds", "transfer_seconds",
                   "replay_seconds", "constant_seconds", "caveat"}));
  EXPECT_EQ(names_of(json["rto"]["phases"][0]["resources"]),
            (Names{"cpu_seconds", "peak_memory_bytes", "read_bytes", "written_bytes"}));
}

TEST(ReportJson, RepeatsTheLastRestoreAsItsHeadline) {
  const auto json = Json::parse(to_json(filled()));
  EXPECT_EQ(json["restore"]["kind"], "pitr");
  EXPECT_EQ(json["rto"], json["restores"][1]["rto"]);
  EXPECT_EQ(json["rpo"]["lost"], 3);
  EXPECT_EQ(json["exact"]["met"], false);
}

TEST(ReportJson, HoldsASweepWithItsPoints) {
  auto report = filled();
  EXPECT_TRUE(Json::parse(to_json(report))["sweep"].is_null());
  report.sweep = Sweep{"0/10", "0/90", 2, 1, 1, 2.5, 0, {{}, {}}};
  report.sweep->points[1].target = {"time", "2026-11-20T02:15:00Z", false, "latest"};
  report.sweep->points[1].met = false;
  report.sweep->points[1].extra = 3;
  const auto read = report_from_json(to_json(report));
  ASSERT_TRUE(read.sweep);
  EXPECT_EQ(read.sweep->planned, 2U);
  EXPECT_EQ(read.sweep->shared_seconds, 2.5);
  EXPECT_EQ(read.sweep->points.at(0).met, std::nullopt);
  EXPECT_EQ(read.sweep->points.at(1).met, false);
  EXPECT_EQ(read.sweep->points.at(1).extra, 3U);
  EXPECT_EQ(read.sweep->points.at(1).target.type, "time");
}

TEST(ReportJson, IsReadWithoutWhatItsVersionGotLater) {
  auto json = Json::parse(to_json(filled()));
  EXPECT_EQ(json.erase("sweep"), 1U);
  for (const std::string later : {"size", "work", "notes", "repeat", "volume"}) {
    EXPECT_EQ(json["restore"].erase(later), 1U);
    for (auto& restore : json["restores"]) restore.erase(later);
  }
  EXPECT_EQ(json.erase("statistics"), 1U);
  EXPECT_EQ(report_from_json(json.dump()).restores.at(1).notes.size(), 0U);
  EXPECT_FALSE(report_from_json(json.dump()).statistics);
}

TEST(ReportJson, ComesBackAsItWas) {
  for (const auto& report : {Report(), filled()}) {
    const auto text = to_json(report);
    EXPECT_EQ(to_json(report_from_json(text)), text);
  }
  EXPECT_EQ(report_from_json(to_json(filled())).seed, filled().seed);
  EXPECT_EQ(report_from_json(to_json(filled())).checks, filled().checks);
  EXPECT_EQ(report_from_json(to_json(filled())).restores.at(1).notes, filled().restores.at(1).notes);
  EXPECT_EQ(report_from_json(to_json(Report())).restores.size(), 0U);
}

TEST(ReportJson, StaysJsonWithAnyBytesInIt) {
  auto report = filled();
  report.checks[0].findings[0].text = std::string("<&>\"'\\\n\x01\x00\xff\xc3 ok", 14);
  const auto read = report_from_json(to_json(report));
  EXPECT_EQ(read.checks[0].findings[0].text, std::string("<&>\"'\\\n\x01\x00\xef\xbf\xbd\xef\xbf\xbd ok", 18));
}

TEST(ReportJson, WritesANumberThatIsNotFiniteAsNull) {
  auto report = filled();
  report.restores.back().rto.writable_seconds = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(Json::parse(to_json(report))["rto"]["writable_seconds"].is_null());
}

std::string changed(const std::string& pointer, const Json& value) {
  auto json = Json::parse(to_json(filled()));
  json[Json::json_pointer(pointer)] = value;
  return json.dump();
}

TEST(ReportFromJson, NamesTheFieldThatIsWrong) {
  const auto refuses = [](const std::string& pointer, const Json& value, const std::string& message) {
    expect_error(ErrorKind::corrupt, message, [&] { (void)report_from_json(changed(pointer, value)); });
  };
  refuses("/restores/1/rto/phases/0/seconds", "fast",
          "report.json: restores[1].rto.phases[0].seconds must be a number");
  refuses("/verdict", "green", "report.json: verdict must be pass, fail or unknown");
  refuses("/backups/0/stored_bytes", -1, "report.json: backups[0].stored_bytes is out of range");
  refuses("/environment/cores", 1.5, "environment.cores must be a whole number");
  refuses("/environment/settings/fsync", 1, "environment.settings.fsync must be a text");
  refuses("/checks", "none", "checks must be a list");
  refuses("/cleanup", nullptr, "cleanup must be an object");
  refuses("/rpo/lost", 0, "report.json: rpo is not that of the last of restores");
  refuses("/restore/outcome", "failed", "restore is not that of the last of restores");
}

TEST(ReportFromJson, NamesTheFieldThatIsMissing) {
  auto json = Json::parse(to_json(filled()));
  json["restores"][1]["exact"].erase("witness");
  expect_error(ErrorKind::corrupt, "restores[1].exact.witness is missing",
               [&] { (void)report_from_json(json.dump()); });
}

TEST(ReportFromJson, RefusesAnotherSchemaVersionWhateverElseItHolds) {
  expect_error(ErrorKind::unsupported, "schema_version 2", [] { (void)report_from_json(R"({"schema_version": 2})"); });
}

TEST(ReportFromJson, RefusesEveryTruncation) {
  const auto text = to_json(filled());
  for (std::size_t length = 0; length + 2 < text.size(); length += 37) {
    expect_error(ErrorKind::corrupt, "report.json", [&] { (void)report_from_json(text.substr(0, length)); });
  }
}

TEST(ReportFromJson, IgnoresFieldsThatALaterVersionAdds) {
  EXPECT_EQ(report_from_json(changed("/scenario/owner", "ada")).scenario.name, "full-after-server-loss");
}

}  // namespace
}  // namespace reports::record
