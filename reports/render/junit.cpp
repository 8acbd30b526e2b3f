#include "reports/render/junit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "reports/record/summary.hpp"
#include "reports/render/recovery_point.hpp"
#include "reports/render/text.hpp"

namespace reports::render {

using record::Check;
using record::Report;
using record::Verdict;

namespace {

// Reporters keep the whole text in memory and show it in one box.
constexpr std::size_t shown_findings = 100;

struct Case {
  std::string name, message, body;
  double seconds = 0;
  Verdict verdict = Verdict::pass;
};

struct Suite {
  const Report* report = nullptr;
  std::vector<Case> cases;
  std::size_t failures = 0, errors = 0;
  double seconds = 0;
};

std::string findings_text(const Check& check) {
  std::string text;
  if (!check.expected.empty()) text += fmt::format("expected: {}\n", check.expected);
  if (!check.actual.empty()) text += fmt::format("actual: {}\n", check.actual);
  const auto shown = std::min(shown_findings, check.findings.size());
  for (const auto& finding : std::span(check.findings).first(shown)) {
    text += finding.object;
    for (const auto& [label, value] :
         {std::pair{"key", &finding.key}, {"lsn", &finding.lsn}, {"xid", &finding.xid}, {"time", &finding.time}}) {
      if (!value->empty()) text += fmt::format(" {} {}", label, *value);
    }
    text += fmt::format(": {}\n", finding.text);
  }
  if (shown < check.findings.size()) {
    text += fmt::format("and {} more in report.json\n", count_text(check.findings.size() - shown));
  }
  return text;
}

// A case for one promise about the recovery; all reasons against it, of every restore, in one.
Case promise(const std::string& name, const std::string& subject, const std::string& answer,
             const std::vector<record::VerdictReason>& reasons) {
  Case result{name, "", answer, 0, Verdict::pass};
  for (const auto& reason : reasons) {
    if (reason.subject != subject) continue;
    result.verdict = worst(result.verdict, reason.verdict);
    result.message += (result.message.empty() ? "" : " ") + reason.text;
  }
  return result;
}

std::string restored_text(const Report& report) {
  if (report.restores.empty() || report.restores.back().outcome.empty()) return "";
  const auto& last = report.restores.back();
  auto text = outcome_text(last);
  if (!last.backup_label.empty()) text += " from backup " + last.backup_label;
  text += "; target: " + target_text(last.target);
  if (const auto reached = reached_text(last.reached); !reached.empty()) text += "; reached: " + reached;
  if (last.rpo.discarded) text += "; given up past the target: " + discarded_text(last.rpo);
  return text;
}

Case cleanup_case(const Report& report) {
  Case result{"cleanup", "", "", 0, Verdict::pass};
  for (const auto& path : report.cleanup.left_behind) result.body += path + "\n";
  if (report.cleanup.verdict == Verdict::pass) return result;
  result.verdict = Verdict::unknown;  // a dirty cleanup is an error, never a failure of the recovery
  result.message = report.cleanup.left_behind.empty()
                       ? "It is not known whether everything was cleaned up."
                       : count_text(report.cleanup.left_behind.size(), "thing") + " left behind.";
  return result;
}

std::vector<Case> cases_of(const Report& report) {
  auto without_checks = report;
  without_checks.checks.clear();
  const auto reasons = recovery_reasons(without_checks);
  std::vector<Case> cases{promise("restore", "outcome", restored_text(report), reasons)};
  const bool as_expected =
      !report.restores.empty() && report.restores.back().outcome == report.restores.back().expected.outcome;
  if (as_expected) {
    const auto fast = how_fast(report), loss = what_would_we_lose(report);
    cases.push_back(promise("rto", "rto", fast.headline + ". " + fast.detail, reasons));
    cases.back().seconds = report.restores.back().rto.writable_seconds.value_or(0);
    cases.push_back(promise("rpo", "rpo", loss.headline + " lost. " + loss.detail, reasons));
    cases.push_back(promise("exactness", "exactness", exactness_text(report.restores.back().exact), reasons));
  } else {
    for (const char* name : {"rto", "rpo", "exactness"}) {
      cases.push_back({name, "Nothing was restored.", "", 0, Verdict::unknown});
    }
  }
  for (const auto& check : report.checks) {
    cases.push_back({check.name, check.summary, findings_text(check), check.seconds, check.verdict});
  }
  if (report.checks.empty()) cases.push_back(promise("checks", "checks", "", reasons));
  cases.push_back(cleanup_case(report));
  return cases;
}

Suite suite_of(const Report& report) {
  Suite suite{&report, cases_of(report), 0, 0, seconds_between(report.started_at, report.finished_at).value_or(0)};
  auto shown = Verdict::pass;
  for (const auto& test : suite.cases) shown = worst(shown, test.verdict);
  if (worst(shown, report.verdict) != shown) {
    suite.cases.push_back(
        {"drill", fmt::format("The drill's verdict is {}.", to_string(report.verdict)), "", 0, report.verdict});
  }
  for (const auto& test : suite.cases) {
    suite.failures += test.verdict == Verdict::fail ? 1 : 0;
    suite.errors += test.verdict == Verdict::unknown ? 1 : 0;
  }
  return suite;
}

void write_case(std::string& xml, const std::string& class_name, const Case& test) {
  xml += fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3f}\"", xml_escaped(class_name),
                     xml_escaped(test.name), test.seconds);
  if (test.verdict == Verdict::pass) {
    const auto said = test.message.empty() ? test.body : test.message + "\n" + test.body;
    xml += said.empty() ? "/>\n"
                        : fmt::format(">\n      <system-out>{}</system-out>\n    </testcase>\n", xml_escaped(said));
    return;
  }
  const auto* const element = test.verdict == Verdict::fail ? "failure" : "error";
  xml += fmt::format(">\n      <{0} type=\"{1}\" message=\"{2}\">{3}</{0}>\n    </testcase>\n", element,
                     to_string(test.verdict), xml_escaped(printable_line(test.message)), xml_escaped(test.body));
}

void write_suite(std::string& xml, const Suite& suite) {
  const auto& report = *suite.report;
  auto name = record::drill_name(report);
  if (name.empty()) name = "drill";
  // The schema wants local time without a zone; ours is UTC.
  const auto timestamp = report.started_at.substr(0, 19);
  xml += fmt::format(
      "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"0\" time=\"{:.3f}\" "
      "timestamp=\"{}\" hostname=\"{}\">\n    <properties>\n",
      xml_escaped(name), suite.cases.size(), suite.failures, suite.errors, suite.seconds, xml_escaped(timestamp),
      xml_escaped(report.initiated_by.host));
  for (const auto& [key, value] : {std::pair<const char*, std::string>{"drill_id", report.drill_id},
                                   {"seed", std::to_string(report.seed)},
                                   {"verdict", std::string(to_string(report.verdict))},
                                   {"scenario_digest", report.scenario.digest},
                                   {"lifeboat_version", report.tool.version},
                                   {"postgres_version", report.environment.postgres_version}}) {
    xml += fmt::format("      <property name=\"{}\" value=\"{}\"/>\n", key, xml_escaped(value));
  }
  xml += "    </properties>\n";
  for (const auto& test : suite.cases) write_case(xml, "lifeboat." + name, test);
  xml += "  </testsuite>\n";
}

}  // namespace

std::string junit(const Report& report) {
  return junit_suite({report});
}

std::string junit_suite(const std::vector<Report>& reports) {
  std::size_t tests = 0, failures = 0, errors = 0;
  double seconds = 0;
  std::string suites;
  for (const auto& report : reports) {
    const auto suite = suite_of(report);
    tests += suite.cases.size();
    failures += suite.failures;
    errors += suite.errors;
    seconds += suite.seconds;
    write_suite(suites, suite);
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuites name=\"lifeboat\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{:.3f}\">\n{}</testsuites>\n",
      tests, failures, errors, seconds, suites);
}

}  // namespace reports::render
