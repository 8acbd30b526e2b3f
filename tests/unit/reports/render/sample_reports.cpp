#include "tests/unit/reports/render/sample_reports.hpp"

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

}  // namespace reports::render
