#include "reports/render/result_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "reports/record/summary.hpp"
#include "reports/render/recovery_point.hpp"
#include "reports/render/text.hpp"

namespace reports::render {

using record::Report;
using record::Verdict;

namespace {

constexpr std::size_t column_count = 6;
constexpr std::size_t shown_findings = 3;
constexpr std::size_t longest_object = 80;
using Row = std::array<std::string, column_count>;

struct Frame {
  const char *vertical, *horizontal, *left, *middle, *right, *ellipsis;
};
constexpr Frame ascii_frame{"|", "-", "+", "+", "+", "..."};
constexpr Frame drawn_frame{"│", "─", "├", "┼", "┤", "…"};

std::string coloured(const std::string& text, Verdict verdict, const Style& style) {
  if (!style.colour) return text;
  const int code = verdict == Verdict::pass ? 32 : verdict == Verdict::fail ? 31 : 33;
  return fmt::format("\x1b[1;{}m{}\x1b[0m", code, text);
}

std::string with_objective(std::string text, const std::optional<double>& objective) {
  return objective ? fmt::format("{} (of {})", text, duration_text(*objective)) : text;
}

std::string rpo_cell(const record::Rpo& rpo) {
  if (!rpo.lost) return "-";
  auto text = count_text(*rpo.lost) + " lost";
  if (rpo.loss_seconds) text += ", " + duration_text(*rpo.loss_seconds);
  return with_objective(text, rpo.objective_seconds);
}

std::string name_of(const Report& report) {
  const auto name = record::drill_name(report);
  return name.empty() ? "(no scenario)" : printable_line(name);
}

Row row_of(const Report& report) {
  Row row{name_of(report), std::string(verdict_word(report.verdict)), "-", "-", "-", "-"};
  if (!report.restores.empty()) {
    const auto& last = report.restores.back();
    row[2] = with_objective(last.rto.writable_seconds ? duration_text(*last.rto.writable_seconds) : "-",
                            last.rto.objective_seconds);
    row[3] = rpo_cell(last.rpo);
    if (last.exact.met) row[4] = *last.exact.met ? "yes" : "no";
  }
  const auto passed = std::count_if(report.checks.begin(), report.checks.end(),
                                    [](const auto& check) { return check.verdict == Verdict::pass; });
  row[5] = fmt::format("{}/{}", passed, report.checks.size());
  return row;
}

// Of SCENARIO@CLUSTER the scenario gives way: drills of one scenario differ in their cluster alone.
std::string cut_name(const std::string& name, std::size_t width, std::string_view ellipsis) {
  constexpr std::size_t least_of_scenario = 6;
  const auto cluster = name.find('@') == std::string::npos ? "" : name.substr(name.find('@'));
  const auto kept = width_of(cluster);
  if (width_of(name) <= width || kept + least_of_scenario > width) return cut_to_width(name, width, ellipsis);
  return cut_to_width(name.substr(0, name.size() - cluster.size()), width - kept, ellipsis) + cluster;
}

class Table {
 public:
  Table(const std::vector<Report>& reports, const Style& style)
      : style_(style), frame_(style.utf8 ? drawn_frame : ascii_frame), rows_{header()} {
    for (const auto& report : reports) {
      rows_.push_back(row_of(report));
      verdicts_.push_back(report.verdict);
    }
    for (const auto& row : rows_) {
      for (std::size_t i = 0; i < column_count; ++i) widths_[i] = std::max(widths_[i], width_of(row[i]));
    }
    fit();
  }

  [[nodiscard]] std::string text() const {
    auto text = line(rows_[0], std::nullopt) + rule();
    for (std::size_t i = 1; i < rows_.size(); ++i) text += line(rows_[i], verdicts_[i - 1]);
    return text;
  }

 private:
  static Row header() { return {"scenario", "verdict", "RTO", "RPO", "exact", "checks"}; }

  // Only the scenario's name gives way, and only so far that it can still be told.
  void fit() {
    constexpr std::size_t shortest_name = 16;
    std::size_t total = 3 * column_count + 1;
    for (const auto width : widths_) total += width;
    if (total <= style_.columns || widths_[0] <= shortest_name) return;
    widths_[0] -= std::min(total - style_.columns, widths_[0] - shortest_name);
  }

  [[nodiscard]] std::string line(const Row& row, std::optional<Verdict> verdict) const {
    std::string text = frame_.vertical;
    for (std::size_t i = 0; i < column_count; ++i) {
      auto cell =
          i == 0 ? cut_name(row[i], widths_[i], frame_.ellipsis) : cut_to_width(row[i], widths_[i], frame_.ellipsis);
      const auto padding = std::string(widths_[i] - std::min(widths_[i], width_of(cell)), ' ');
      if (verdict && i == 1) cell = coloured(cell, *verdict, style_);
      text += fmt::format(" {}{} {}", cell, padding, frame_.vertical);
    }
    return text + "\n";
  }

  [[nodiscard]] std::string rule() const {
    std::string text = frame_.left;
    for (std::size_t i = 0; i < column_count; ++i) {
      for (std::size_t column = 0; column < widths_[i] + 2; ++column) text += frame_.horizontal;
      text += i + 1 < column_count ? frame_.middle : frame_.right;
    }
    return text + "\n";
  }

  const Style& style_;
  const Frame& frame_;
  std::vector<Row> rows_;
  std::vector<Verdict> verdicts_;
  std::array<std::size_t, column_count> widths_{};
};

std::string findings_text(const record::Check& check) {
  std::string text;
  for (std::size_t i = 0; i < std::min(shown_findings, check.findings.size()); ++i) {
    const auto& finding = check.findings[i];
    text += fmt::format("      {}{}: {}\n", cut_to_width(printable_line(finding.object), longest_object, "..."),
                        finding.key.empty() ? "" : " key " + printable_line(finding.key), printable_line(finding.text));
  }
  if (check.findings.size() > shown_findings) {
    text += fmt::format("      and {} more in report.json\n", count_text(check.findings.size() - shown_findings));
  }
  return text;
}

// What to do about a reason that is not a check's own; a check says it in its summary.
std::string remedy_for(const Report& report, const record::VerdictReason& reason) {
  if (reason.subject == "rto" && reason.verdict == Verdict::fail && !report.restores.empty() &&
      !report.restores.back().rto.phases.empty()) {
    const auto& phases = report.restores.back().rto.phases;
    // The RTO ends at writable; how long it takes to verify is no part of it.
    const auto counted = [](const auto& phase) { return phase.name == "verified" ? 0 : phase.seconds; };
    const auto longest = std::max_element(phases.begin(), phases.end(),
                                          [&](const auto& a, const auto& b) { return counted(a) < counted(b); });
    return fmt::format("the longest phase was {} with {}: begin there, or change objectives.rto",
                       printable_line(longest->name), duration_text(longest->seconds));
  }
  if (reason.subject == "rpo" && reason.verdict == Verdict::fail) {
    return "receive WAL synchronously (source.wal.synchronous: true), or change objectives.rpo";
  }
  if (reason.subject == "outcome") return "read journal.jsonl and logs/ in the drill's directory";
  if (reason.subject == "checks") return "list checks under verify: in the scenario, or read journal.jsonl";
  return "";
}

std::string reasons_text(const Report& report, const Style& style) {
  std::string text;
  for (const auto& reason : recovery_reasons(report)) {
    text += fmt::format("  {} {}: {}\n", coloured(std::string(verdict_word(reason.verdict)), reason.verdict, style),
                        printable_line(reason.subject), printable_line(reason.text));
    const auto check = std::find_if(report.checks.begin(), report.checks.end(),
                                    [&](const auto& one) { return one.name == reason.subject; });
    if (check != report.checks.end()) text += findings_text(*check);
    if (const auto remedy = remedy_for(report, reason); !remedy.empty()) text += fmt::format("      {}\n", remedy);
  }
  if (report.cleanup.verdict == Verdict::pass) return text;
  text += fmt::format("  {} cleanup: {}\n", coloured("ERROR", Verdict::unknown, style),
                      report.cleanup.left_behind.empty() ? "it is not known whether everything was removed"
                                                         : "left behind; remove by hand:");
  for (const auto& path : report.cleanup.left_behind) text += fmt::format("      {}\n", printable_line(path));
  return text;
}

// What the table has no room for: where a restore that has a target of its own was to end, where it did, and what that
// gave up.
std::string target_line(const Report& report) {
  if (report.restores.empty() || !has_own_target(report.restores.back())) return "";
  const auto& last = report.restores.back();
  auto line = fmt::format("{}: {} to {}", name_of(report), last.kind, target_text(last.target));
  line += last.reached.lsn.empty() ? last.outcome.empty() ? "" : ", " + last.outcome : ", reached " + last.reached.lsn;
  if (last.rpo.discarded.value_or(0) != 0) line += fmt::format("; given up: {}", discarded_text(last.rpo));
  return printable_line(line) + "\n";
}

}  // namespace

std::string result_table(const std::vector<Report>& reports, const Style& style) {
  auto text = Table(reports, style).text();
  std::string targets;
  for (const auto& report : reports) targets += target_line(report);
  if (!targets.empty()) text += "\n" + targets;
  for (const auto& report : reports) {
    const auto reasons = reasons_text(report, style);
    if (reasons.empty()) continue;
    text += fmt::format("\n{}\n{}", name_of(report), reasons);
  }
  return text;
}

}  // namespace reports::render
