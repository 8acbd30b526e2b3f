#include "harness/verify/judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iterator>

#include "harness/verify/checks.hpp"

namespace harness::verify {

using reports::record::Check;
using reports::record::Verdict;
using scenario::CheckKind;
using scenario::CheckRequest;
using namespace std::string_literals;

namespace {

Check unknown(const std::string& why) {
  Check check;
  check.verdict = Verdict::unknown;
  check.summary = why;
  return check;
}

Check missing(const Records& records, const std::string& evidence) {
  for (const auto& name : {evidence, "selected"s, "second_copy"s, "second_server"s}) {
    const auto reason = records.evidence.missing.find(name);
    if (reason != records.evidence.missing.end()) {
      return unknown(fmt::format("not examined: {}", reason->second));
    }
  }
  return unknown(fmt::format("not examined: the drill left no {} evidence", evidence));
}

template <typename Part, typename Judge>
Check over(const Records& records, const std::optional<Part>& part, const std::string& name, Judge judge_part) {
  return part ? judge_part(*part) : missing(records, name);
}

Check judge_sql(const CheckRequest& request, const Records& records) {
  const auto file = request.sql_file.filename().string();
  for (const auto& sql : records.evidence.sql) {
    if (sql.file == file) return check_sql(sql);
  }
  return missing(records, "sql");
}

// A cluster of which none could be taken is judged by itself.
bool without_marks(const Records& records) {
  return records.stored_backup && records.marks.empty();
}

Check judge_one(const CheckRequest& request, const Records& records) {
  const auto& evidence = records.evidence;
  switch (request.kind) {
    case CheckKind::ledger:
      return over(records, evidence.ledger, "ledger", [&](const auto&) { return check_ledger(records); });
    case CheckKind::content:
      if (evidence.selected) return check_content(records);
      return over(records, evidence.content, "content", [&](const auto&) { return check_content(records); });
    case CheckKind::page_checksums:
      return over(records, evidence.page_checksums, "page_checksums", check_page_checksums);
    case CheckKind::amcheck:
      return over(records, evidence.amcheck, "amcheck", check_amcheck);
    case CheckKind::verifybackup:
      return over(records, evidence.verify_backup, "verify_backup", check_verifybackup);
    case CheckKind::constraints:
      return over(records, evidence.constraints, "constraints", check_constraints);
    case CheckKind::catalog:
      if (without_marks(records)) {
        return over(records, evidence.consistency, "consistency",
                    [&](const auto& consistency) { return check_catalog_consistency(consistency, records); });
      }
      if (evidence.selected) return check_catalog(records);
      return over(records, evidence.catalog, "catalog", [&](const auto&) { return check_catalog(records); });
    case CheckKind::sequences:
      return over(records, evidence.sequences, "sequences", [&](const auto&) { return check_sequences(records); });
    case CheckKind::settings:
      if (without_marks(records)) {
        return over(records, evidence.control_data, "control_data", [&](const auto& control_data) {
          return over(records, evidence.catalog, "catalog",
                      [&](const auto& catalog) { return check_settings_of_control_data(control_data, catalog); });
        });
      }
      return over(records, evidence.catalog, "catalog", [&](const auto&) { return check_settings(records); });
    case CheckKind::sql:
      return judge_sql(request, records);
    case CheckKind::untouched:
      return over(records, evidence.untouched, "untouched", [&](const auto&) { return check_untouched(records); });
  }
  return unknown("this version does not know the check");
}

Check guarded(const std::string& name, const std::function<Check()>& judge_it) {
  const auto started = std::chrono::steady_clock::now();
  Check check;
  try {
    check = judge_it();
  } catch (const std::exception& error) {
    check = unknown(fmt::format("the check itself broke: {}", error.what()));
  }
  check.name = name;
  check.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return check;
}

std::string name_of(const CheckRequest& request) {
  const auto name = to_string(request.kind);
  return request.kind == CheckKind::sql ? fmt::format("{} {}", name, request.sql_file.filename().string())
                                        : std::string(name);
}

// Judged whether asked for or not.
void add_isolation(const Records& records, Judgement& judgement) {
  const auto& evidence = records.evidence;
  const auto missing_second = evidence.missing.find("second_isolation");
  if (evidence.isolation && !evidence.isolation->impossible.empty()) {
    judgement.not_tested.push_back(
        fmt::format("isolation: only settings and a private socket kept the restored servers to themselves, for this "
                    "machine gives them no namespaces of their own ({})",
                    evidence.isolation->impossible));
  } else if (evidence.isolation && missing_second == evidence.missing.end()) {
    const auto* const second = evidence.second_isolation ? &*evidence.second_isolation : nullptr;
    judgement.checks.push_back(
        guarded(std::string(isolation_check), [&] { return check_isolation(*evidence.isolation, second); }));
    judgement.not_tested.emplace_back(
        "isolation: shared memory of other servers, signals to processes of the same user, and how much of the machine "
        "is used up");
  } else if (evidence.isolation || evidence.missing.contains("isolation")) {
    judgement.checks.push_back(guarded(std::string(isolation_check), [&] {
      return unknown("not examined: " +
                     (evidence.isolation ? missing_second->second : evidence.missing.at("isolation")));
    }));
  } else {
    judgement.not_tested.emplace_back("isolation: what the restored servers could reach was not looked at");
  }
}

bool asks_for(const std::vector<CheckRequest>& requests, CheckKind kind) {
  return std::any_of(requests.begin(), requests.end(), [kind](const auto& request) { return request.kind == kind; });
}

void add_what_nobody_witnessed(std::vector<std::string>& lines) {
  lines.emplace_back(
      "loss (RPO), ledger: nobody wrote down what this cluster's clients were told, so what is lost cannot be told");
  lines.emplace_back("content: no mark was taken of this cluster, so that its rows are the right ones cannot be told");
  lines.emplace_back(
      "catalog: compared with itself and this machine, for want of a mark; what was changed or dropped in good order "
      "before the backup is not seen");
  lines.emplace_back("settings: all but the few that pg_control keeps");
  lines.emplace_back("WAL that never reached the repository: only the repository's own says what there was");
}

constexpr std::string_view closed_database = "database ";  // among the evidence that is missing

// Sentences for the report: a check's known blind spots, and what this drill did not look at.
std::vector<std::string> list_not_tested(const std::vector<CheckRequest>& requests, const Records& records) {
  struct Blindness {
    CheckKind kind;
    const char* when_checked;
    const char* when_not;
  };
  static constexpr Blindness all[] = {
      {CheckKind::ledger, "ledger: transactions of others than the load", "whether the load's transactions came back"},
      {CheckKind::content, "content: unlogged and foreign tables, descending sequences; changes after the mark",
       "the content of tables, row by row"},
      {CheckKind::page_checksums, "page_checksums: damage with a matching checksum; files that are no relations",
       "page checksums"},
      {CheckKind::amcheck,
       "amcheck: indexes that are neither B-trees nor, from PostgreSQL 18 on, GIN; entries that a GIN index lost; "
       "values "
       "changed within well-formed rows",
       "the structure of tables and indexes"},
      {CheckKind::verifybackup, "verifybackup: a wrong file with a manifest to match, as one program wrote both",
       "the restored files against their manifest"},
      {CheckKind::constraints,
       "constraints: exclusion constraints, keys WITHOUT OVERLAPS and foreign keys with PERIOD, constraint triggers, "
       "domains inside arrays and rows",
       "constraints against the rows"},
      {CheckKind::catalog, "catalog: planner statistics, where relations are stored", "definitions, roles and grants"},
      {CheckKind::sequences, "sequences: those that feed no column, descending ones at the mark, cycling ones",
       "sequences"},
      {CheckKind::settings, "settings: those that only take effect in clients; files that hold them",
       "server settings"},
  };
  std::vector<std::string> lines;
  for (const auto& blindness : all) {
    lines.push_back(asks_for(requests, blindness.kind) ? blindness.when_checked
                                                       : fmt::format("not asked for: {}", blindness.when_not));
  }
  if (asks_for(requests, CheckKind::amcheck) && records.evidence.amcheck) {
    auto passed_over = list_gin_indexes_passed_over(*records.evidence.amcheck);
    std::move(passed_over.begin(), passed_over.end(), std::back_inserter(lines));
  }
  if (asks_for(requests, CheckKind::untouched)) {
    lines.emplace_back(
        "untouched: the server's settings and files; rows that were changed and changed back in between");
  } else if (records.evidence.selected) {
    lines.emplace_back("not asked for: whether the restore left everything else as it was");
  }
  const auto& rows = records.evidence.ledger;
  if (rows && !rows->rows.empty() && std::all_of(rows->rows.begin(), rows->rows.end(), [](const auto& row) {
        return row.recomputed_digest.empty();
      })) {
    lines.emplace_back("ledger: the transactions' business rows; the target cannot recompute their digests");
  }
  if (records.stored_backup) add_what_nobody_witnessed(lines);
  if (!asks_for(requests, CheckKind::content) || records.marks.empty()) {
    lines.emplace_back(
        "rows that were gone from their pages before the backup: where content is compared with no mark, pages that "
        "were zeroed, files that were cut short and index entries without a row are not seen");
  }
  for (const auto& [name, reason] : records.evidence.missing) {
    if (name.starts_with(closed_database)) lines.push_back(fmt::format("{}: {}", name, reason));
  }
  if (records.stored_backup) return lines;
  if (!records.ledger) lines.emplace_back("no ledger was kept: lost transactions cannot be told");
  if (records.marks.empty())
    lines.emplace_back("no mark was taken: content, catalog and settings have nothing to be compared with");
  return lines;
}

// Probed, and found to have none of what the check examines.
bool has_nothing_to_examine(CheckKind kind, const reports::record::Evidence& evidence) {
  if (kind == CheckKind::sequences) return evidence.sequences && evidence.sequences->examined == 0;
  if (kind != CheckKind::constraints || !evidence.constraints) return false;
  return evidence.constraints->examined == 0 && evidence.constraints->not_evaluated.empty();
}

// Nobody knows whether a cluster that was made elsewhere ever had sequences or constraints. That it has none is no
// reason for a drill never to pass, as long as another check did look at something and found it sound.
void excuse_what_the_cluster_has_not(const std::vector<CheckRequest>& requests,
                                     const reports::record::Evidence& evidence, Judgement& judgement) {
  auto& checks = judgement.checks;
  const bool something_passed =
      std::any_of(checks.begin(), checks.end(), [](const auto& check) { return check.verdict == Verdict::pass; });
  if (!something_passed) return;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    if (checks[i].verdict != Verdict::unknown || !has_nothing_to_examine(requests[i].kind, evidence)) continue;
    checks[i].verdict = Verdict::pass;
    checks[i].summary = fmt::format("the restored cluster has no {} to examine", checks[i].name);
    judgement.not_tested.push_back(
        fmt::format("{}: the restored cluster has none; whether it had any is not known", checks[i].name));
  }
}

}  // namespace

const reports::record::Mark* reference_mark(const Records& records) {
  for (const auto& mark : records.marks) {
    if (mark.name == records.evidence.content_mark) return &mark;
  }
  return records.marks.empty() ? nullptr : &records.marks.back();
}

std::optional<ComparedContent> compared_content(const Records& records) {
  const auto* mark = reference_mark(records);
  const auto& evidence = records.evidence;
  if (mark == nullptr || mark->name != evidence.content_mark) return std::nullopt;
  if (evidence.selected) {
    if (!mark->selected) return std::nullopt;
    return ComparedContent{&mark->selected->content, &evidence.selected->content};
  }
  if (!evidence.content) return std::nullopt;
  return ComparedContent{&mark->content, &*evidence.content};
}

void conclude(Check& check, std::uint64_t examined, const std::string& what_was_examined) {
  if (!check.findings.empty()) {
    check.verdict = Verdict::fail;
    const auto& first = check.findings.front();
    check.summary =
        fmt::format("{} finding{} over {} {}, first: {}: {}", check.findings.size(),
                    check.findings.size() == 1 ? "" : "s", examined, what_was_examined, first.object, first.text);
  } else if (examined == 0) {
    check.verdict = Verdict::unknown;
    check.summary = fmt::format("nothing was examined: no {} were found", what_was_examined);
  } else {
    check.verdict = Verdict::pass;
    check.summary = fmt::format("all {} {} are as they must be", examined, what_was_examined);
  }
}

Judgement judge(const std::vector<CheckRequest>& requests, const Records& records) {
  Judgement judgement;
  for (const auto& request : requests) {
    judgement.checks.push_back(guarded(name_of(request), [&] { return judge_one(request, records); }));
  }
  judgement.not_tested = list_not_tested(requests, records);
  if (records.stored_backup) excuse_what_the_cluster_has_not(requests, records.evidence, judgement);
  add_isolation(records, judgement);
  return judgement;
}

}  // namespace harness::verify
