#include "tests/unit/reports/render/sample_reports.hpp"

#include <array>

namespace reports::render {

using record::Check;
using record::Finding;
using record::Report;
using record::Verdict;

namespace {

Check check(const char* name, Verdict verdict, const char* summary, const char* witness, double seconds) {
  Check result;
  result.name = name;
  result.verdict = verdict;
  result.summary = summary;
  result.witness = witness;
  result.seconds = seconds;
  return result;
}

record::Phase phase(const char* name, const char* started_at, double seconds, std::uint64_t read,
                    std::uint64_t written) {
  return {name, started_at, seconds, {seconds / 2, 96'000'000, read, written}};
}

record::RestoreRecord restore() {
  record::RestoreRecord result;
  result.kind = "full";
  result.target = {"end_of_wal", "", true, "latest"};
  result.backup_label = "20261120T021503Z-full";
  result.reached = {"0/2B4A7D18", "2026-11-20T02:15:14.803311Z", "61877"};
  result.outcome = "recovered";
  result.rto.phases = {phase("detect", "2026-11-20T02:15:14.900000Z", 0.004, 0, 0),
                       phase("provision", "2026-11-20T02:15:14.904000Z", 0.021, 4'096, 8'192),
                       phase("fetch", "2026-11-20T02:15:14.925000Z", 1.480, 214'000'000, 512'000'000),
                       phase("replay", "2026-11-20T02:15:16.405000Z", 2.310, 248'000'000, 301'000'000),
                       phase("consistent", "2026-11-20T02:15:18.715000Z", 0.012, 0, 0),
                       phase("readable", "2026-11-20T02:15:18.727000Z", 0.031, 0, 0),
                       phase("writable", "2026-11-20T02:15:18.758000Z", 0.402, 0, 16'777'216)};
  result.rto.restored_seconds = 1.505;
  result.rto.readable_seconds = 3.858;
  result.rto.writable_seconds = 4.260;
  result.rto.verified_seconds = 9.125;
  result.rto.objective_seconds = 60;
  result.rto.met = true;
  result.rpo = {61'312, 61'310, 2, 0, 0, 0, 4, 0.0031, 0.0, 2.0, true};
  result.exact = {61'310, 0, 0, "wal", true};
  return result;
}

}  // namespace

Report passing_report() {
  Report report;
  report.drill_id = "full-after-server-loss/20261120T021500Z";
  report.seed = 4711;
  report.scenario = {"full-after-server-loss",
                     "A lost server is recovered from its last full backup and the WAL that was received.",
                     "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"};
  report.tool = {"lifeboat", "0.1.0", "5a8140e"};
  report.initiated_by = {"ada", "db-test-1", "quarterly recovery test", "quarterly"};
  report.environment = {"Debian GNU/Linux 12 (bookworm)",
                        "Linux 6.1.0-18-amd64",
                        "AMD EPYC 7B13",
                        2,
                        8'317'000'000,
                        "ext4",
                        "15.14",
                        {{"data_checksums", "on"}, {"fsync", "on"}, {"repository_cache", "cold"}},
                        1};
  report.started_at = "2026-11-20T02:15:00.000000Z";
  report.finished_at = "2026-11-20T02:15:24.350000Z";
  report.verdict = Verdict::pass;
  report.backups = {
      {"20261120T021503Z-full", "full", "", "files", 512'000'000, 171'000'000, 1.92, "0/4000028", "0/9C3F2A8", 1, 0}};
  report.disasters = {
      {"lose_data_directory", "2026-11-20T02:15:14.900000Z", "postgres was killed and its data directory removed"}};
  report.restores = {restore()};
  report.checks = {
      check("ledger", Verdict::pass, "All but 2 of 61,312 acknowledged transactions are there, within the objective.",
            "ledger", 0.21),
      check("commit_order", Verdict::pass, "The commits present are a prefix of the WAL.", "wal", 0.48),
      check("content", Verdict::pass, "11 tables hold what the mark before-loss saw.", "mark", 1.02),
      check("page_checksums", Verdict::pass, "62,500 pages hold their checksums.", "postgres", 0.6),
      check("amcheck", Verdict::pass, "31 relations are consistent, heap and index.", "postgres", 1.7),
      check("constraints", Verdict::pass, "24 constraints hold when they are validated again.", "postgres", 0.9)};
  report.not_tested = {"Content of unlogged tables: a restore empties them.",
                       "Effects outside the database, such as messages that a transaction sent."};
  report.cleanup.verdict = Verdict::pass;
  return report;
}

Report failing_report() {
  auto report = passing_report();
  report.drill_id = "hostile/20261120T031500Z";
  report.scenario.name = "restore <b>\"quoted\"</b> & 'more' with a name that goes on and on and on and on and on";
  report.scenario.claim = "</style><script>alert(1)</script> {{tool}} {{{style}}} bytes \xff\xfe and \x1b[31m escapes";
  report.verdict = Verdict::fail;
  auto& last = report.restores.back();
  last.rto.writable_seconds = 83.4;
  last.rto.phases[3].seconds = 81.45;
  for (std::size_t i = 4; i < last.rto.phases.size(); ++i) last.rto.phases[i].started_at.clear();
  last.rto.met = false;
  last.rpo.lost = 1'204;
  last.rpo.loss_seconds = 3.25;
  last.rpo.met = false;
  last.exact = {61'310, 1'204, 3, "wal", false};
  auto& content = report.checks[2];
  content.verdict = Verdict::fail;
  content.summary = "2 tables differ from the mark: restore them from an older backup & compare.";
  content.expected = "digest 9f86d081 of \"shop\".\"orders\"";
  content.actual = "digest 00000000 <absent>";
  content.findings = {Finding{"shop.\"or<d>ers\"", "5d41402abc4b2a76", "0/2B4A7D18", "61877", "2026-11-20T02:15:14Z",
                              "row is missing; note: 'it's' & <gone>"},
                      Finding{std::string(220, 'n'), "", "", "", "", std::string("bytes \xc3\x28 nul \0 end", 19)}};
  for (int i = 0; i < 60; ++i) {
    content.findings.push_back({"shop.items", std::to_string(1000 + i), "", "", "", "row has changed"});
  }
  report.checks[4].verdict = Verdict::unknown;
  report.checks[4].summary = "pg_amcheck could not be run: No such file or directory";
  report.cleanup = {Verdict::fail, {"/var/tmp/lifeboat-<x>/target"}};
  return report;
}

Report unknown_report() {
  auto report = passing_report();
  report.drill_id = "full-to-backup-point/20261120T041500Z";
  report.scenario.name = "full-to-backup-point";
  report.verdict = Verdict::unknown;
  auto& last = report.restores.back();
  last.target = {"immediate", "", true, "current"};
  last.rto.writable_seconds.reset();
  last.rto.verified_seconds.reset();
  last.rto.met.reset();
  last.rpo = {};
  last.rpo.objective_seconds = 2;
  last.exact = {};
  report.checks[0].verdict = Verdict::unknown;
  report.checks[0].summary = "The ledger table could not be read: connection refused.";
  return report;
}

Report empty_report() {
  return {};
}

Report pitr_report() {
  auto report = passing_report();
  report.drill_id = "pitr-before-drop-table/20261120T051500Z";
  report.scenario.name = "pitr-before-drop-table";
  report.scenario.claim =
      "A table dropped by mistake is recovered to the moment before the drop; what came later is counted.";
  report.backups = {
      {"20261120T021503Z-full", "full", "", "files", 512'000'000, 171'000'000, 1.92, "0/4000028", "0/9C3F2A8", 1, 0},
      {"20261120T021508Z-incr", "incremental", "20261120T021503Z-full", "files", 531'000'000, 19'400'000, 0.71,
       "0/1A000028", "0/1B000100", 1, 0}};
  report.disasters = {{"drop_table", "2026-11-20T02:15:12.400000Z", "shop.orders was dropped"}};
  auto& last = report.restores.back();
  last.kind = "pitr";
  last.target = {"mark", "lifeboat-before-drop", true, "latest"};
  last.backup_label = "20261120T021508Z-incr";
  last.reached = {"0/2B4A7D18", "2026-11-20T02:15:12.098311Z", "61877"};
  last.rto.phases.front().seconds = 2.504;
  const std::array starts{"12.400000", "14.904000", "14.925000", "16.405000", "18.715000", "18.727000", "18.758000"};
  for (std::size_t i = 0; i < starts.size(); ++i) {
    last.rto.phases[i].started_at = std::string("2026-11-20T02:15:") + starts[i] + "Z";
  }
  last.rto.restored_seconds = 4.005;
  last.rto.readable_seconds = 6.358;
  last.rto.writable_seconds = 6.760;
  last.rto.verified_seconds = 11.625;
  last.rpo = {61'312, 60'108, 0, 1'204, 0, 0, 4, 0.0, 0.298, 2.0, true};
  last.exact = {60'108, 0, 0, "pg_receivewal", true};
  report.checks[0].summary = "All 60,108 transactions acknowledged up to the target are there.";
  return report;
}

Report swept_report() {
  auto report = pitr_report();
  report.restores.back().kind = "pitr_sweep";
  auto& sweep = report.sweep.emplace();
  sweep.from_lsn = "0/9C3F2A8";
  sweep.until_lsn = "0/2B4A7D18";
  sweep.shared_seconds = 2.495;
  sweep.own_seconds = 4.1;
  const auto point = [](const char* boundary, const char* lsn, std::optional<bool> met) {
    record::Sweep::Point made;
    made.boundary = boundary;
    made.way = "shared";
    made.lsn = made.reached_lsn = lsn;
    made.target = {"prefix", lsn, false, ""};
    made.time = "2026-11-20T02:15:09.000311Z";
    made.xid = "31877";
    made.met = met;
    made.seconds = 0.041;
    if (met) made.expected = 30'108, made.missing = *met ? 0 : 1, made.extra = 0;
    return made;
  };
  sweep.points = {point("backup_stop", "0/9C3F2A8", true), point("in_commit", "0/1A000100", true),
                  point("after_commit", "0/1A000128", false), point("random", "0/1F000000", true),
                  point("last_record", "0/2B4A7D18", std::nullopt)};
  sweep.points.back().why = "the recovery that it shares had ended before";
  sweep.points.push_back(point("after_commit", "0/20000000", true));
  sweep.points.back().way = "own";
  sweep.points.back().target = {"time", "2026-11-20T02:15:09.000311Z", false, "latest"};
  sweep.planned = 6;
  sweep.judged = 5;
  sweep.met = 4;
  auto failed =
      check("sweep", Verdict::fail, "1 of 6 points are not met, first: WAL up to 0/1A000128", "pg_receivewal", 6.6);
  failed.findings = {Finding{"WAL up to 0/1A000128 (after_commit)", "", "0/1A000100", "31877",
                             "2026-11-20T02:15:09.000311Z", "transaction 31877 is missing"}};
  report.checks.push_back(failed);
  report.verdict = Verdict::fail;
  return report;
}

std::vector<record::JournalEvent> pitr_journal() {
  const auto at = [](const char* time) { return std::string("2026-11-20T02:15:") + time + "Z"; };
  return {
      {at("00.000000"), "drill.begin", {{"scenario", "pitr-before-drop-table"}, {"seed", "4711"}}},
      {at("03.010000"), "backup.begin", {{"text", "full backup by reading files"}}},
      {at("04.930000"), "backup.done", {{"label", "20261120T021503Z-full"}, {"stop_lsn", "0/9C3F2A8"}}},
      {at("05.000000"), "load.begin", {{"text", "load for 3.00 s"}}},
      {at("08.003000"), "load.end", {{"attempted", "30001"}, {"acknowledged", "29990"}}},
      {at("08.100000"), "backup.begin", {{"text", "incremental backup by reading files"}}},
      {at("08.810000"), "backup.done", {{"label", "20261120T021508Z-incr"}, {"stop_lsn", "0/1B000100"}}},
      {at("08.900000"), "load.begin", {{"text", "load for 3.00 s"}}},
      {at("11.902000"), "load.end", {{"attempted", "60110"}, {"acknowledged", "60108"}}},
      {at("12.190000"), "mark.done", {{"name", "before-drop"}, {"lsn", "0/2B4A7D18"}, {"time", at("12.102000")}}},
      {at("12.401000"), "disaster.struck", {{"kind", "drop_table"}, {"at", at("12.400000")}, {"lsn", "0/2B9FF0A0"}}},
      {at("12.410000"), "load.begin", {{"text", "load for 1.00 s"}}},
      {at("13.412000"), "load.end", {{"attempted", "61320"}, {"acknowledged", "61312"}}}};
}

std::vector<record::JournalEvent> partial_journal() {
  auto journal = pitr_journal();
  journal.push_back({"2026-11-20T02:15:19.100000Z", "extract.done", {{"objects", "shop.orders, shop.order_items"}}});
  return journal;
}

Report partial_report() {
  auto report = pitr_report();
  report.drill_id = "partial-one-table/20261120T061500Z";
  report.scenario.name = "partial-one-table";
  report.scenario.claim =
      "One table comes back into the live server as it was at a moment; nothing else there changes.";
  auto& last = report.restores.back();
  last.kind = "partial";
  last.target = {"time", "2026-11-20T02:15:12.150000Z", false, "latest"};
  last.rpo.objective_seconds.reset();
  return report;
}

Report refused_report() {
  auto report = pitr_report();
  report.drill_id = "pitr-before-the-first-backup/20261120T071500Z";
  report.scenario.name = "pitr-before-the-first-backup";
  report.verdict = Verdict::fail;
  auto& last = report.restores.back();
  last.target = {"time", "2026-11-19T02:15:00.000000Z", true, "latest"};
  last.backup_label.clear();
  last.outcome = "refused";
  last.reached = {};
  last.rto = {};
  last.rpo = {};
  last.exact = {};
  report.checks.clear();
  return report;
}

Report repeated_report() {
  auto report = passing_report();
  report.drill_id = "full-repeated/20261120T081500Z";
  report.scenario.name = "full-repeated";
  report.verdict = Verdict::fail;
  report.restores = {restore(), restore(), restore()};
  for (unsigned i = 0; i < 3; ++i) {
    report.restores[i].repeat = i + 1;
    report.restores[i].volume = {612'000'000, 48'000'000, 2.1};
  }
  report.restores[1].rto.writable_seconds = 71.2;
  report.restores[1].rto.met = false;
  auto& statistics = report.statistics.emplace();
  statistics.repeats = 3;
  statistics.phases = {{"detect", 3, 0.004, 0.004, 0.004, 0.004, 0.0},
                       {"restore", 3, 1.48, 1.5, 64.02, 64.02, 36.11},
                       {"replay", 3, 2.31, 2.4, 2.52, 2.52, 0.105}};
  statistics.milestones = {{"writable", 3, 4.26, 4.31, 71.2, 71.2, 38.63}};
  statistics.restored_bytes_per_second = 408'000'000;
  statistics.replayed_wal_bytes_per_second = 22'857'142;
  statistics.extrapolations = {
      {10'000'000'000, 19.5, 78.4, 77.1, 1296.0, 29.3, 41.0, 8.1, "10.0 GB is 20 times what was measured (512.0 MB)."},
      {500'000'000'000, std::nullopt, std::nullopt, std::nullopt, std::nullopt, std::nullopt, std::nullopt,
       std::nullopt, "Not extrapolated: no restore was measured that a rate could be taken from."}};
  statistics.notes = {"The 95th percentile of 3 samples is their maximum; it takes 20 for it to be another."};
  return report;
}

}  // namespace reports::render
