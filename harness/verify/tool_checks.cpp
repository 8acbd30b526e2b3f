// What PostgreSQL's own tools said, read from their output. An output that cannot be understood is unknown.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <functional>
#include <map>
#include <optional>

#include "harness/verify/checks.hpp"

namespace harness::verify {

using reports::record::Check;
using reports::record::ToolRun;
using reports::record::Verdict;

namespace {

void for_each_line(std::string_view text, const std::function<void(std::string_view)>& use) {
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    use(line);
  }
}

// The text between two marks; nullopt unless both are there.
std::optional<std::string> between(std::string_view line, std::string_view before, std::string_view after) {
  const auto start = line.find(before);
  if (start == std::string_view::npos) return std::nullopt;
  const auto rest = line.substr(start + before.size());
  const auto end = rest.find(after);
  if (end == std::string_view::npos) return std::nullopt;
  return std::string(rest.substr(0, end));
}

// "Blocks scanned:  4711", in any spelling of blanks that a major may use.
std::optional<std::uint64_t> counter(std::string_view output, std::string_view label) {
  const auto at = output.find(label);
  if (at == std::string_view::npos) return std::nullopt;
  const auto digits = output.find_first_of("0123456789", at + label.size());
  if (digits == std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  std::from_chars(output.data() + digits, output.data() + output.size(), value);
  return value;
}

// The last "  12/345 relations (3%), …" that pg_amcheck --progress printed: what it examined, of how much.
struct AmcheckProgress {
  std::uint64_t examined = 0, listed = 0;
};

bool is_progress(std::string_view line) {
  return line.find(" relations (") != std::string_view::npos &&
         line.find_first_not_of(" 0123456789/") == line.find("relations (");
}

std::optional<AmcheckProgress> last_progress(std::string_view output) {
  std::optional<AmcheckProgress> last;
  for_each_line(output, [&](std::string_view line) {
    if (!is_progress(line)) return;
    last = {counter(line, "").value_or(0), counter(line, "/").value_or(0)};
  });
  return last;
}

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

Check of_tool(const ToolRun& run) {
  Check check;
  check.witness = "postgres";
  check.expected = "exit code 0";
  check.actual = fmt::format("exit code {}", run.exit_code);
  return check;
}

Check not_judged(Check check, const ToolRun& run) {
  check.verdict = Verdict::unknown;
  check.findings.clear();
  check.summary = fmt::format("not examined: {} ended with exit code {}: {}", run.program, run.exit_code,
                              run.output.empty() ? "it printed nothing" : first_line(run.output));
  return check;
}

}  // namespace

// pg_checksums: error: checksum verification failed in file "…/base/5/1234", block 7: calculated checksum … but …
Check check_page_checksums(const ToolRun& run) {
  auto check = of_tool(run);
  for_each_line(run.output, [&](std::string_view line) {
    const auto file = between(line, "checksum verification failed in file \"", "\"");
    if (!file) return;
    const auto from = file->rfind("/base/") != std::string::npos ? file->rfind("/base/") : file->rfind("/global/");
    const auto shown = from == std::string::npos ? *file : file->substr(from + 1);
    const auto block = between(line, "block ", ":").value_or("?");
    check.findings.push_back(
        {shown, "block " + block, "", "", "", fmt::format("block {} does not carry its checksum", block)});
  });
  const auto blocks = counter(run.output, "Blocks scanned:");
  const bool understood = blocks && (run.exit_code == 0) == check.findings.empty();
  if (!understood) return not_judged(std::move(check), run);
  conclude(check, *blocks, "pages");
  return check;
}

// heap table "db.schema.table", block 1, offset 2, attribute 3: / btree index "db.schema.index": / gin index
// "db.schema.index": (gin_indexes.hpp) and the problem below, indented. Exit code 2 when anything was found; 1 for its
// own errors, among which an index that cannot be read. It is silent when all is well, so its progress has to say that
// it looked at every relation, and its warnings that it left out no database.
Check check_amcheck(const ToolRun& run) {
  auto check = of_tool(run);
  std::string object, place;
  bool told = true;
  for_each_line(run.output, [&](std::string_view line) {
    if (is_progress(line)) return;
    for (const std::string_view kind : {"heap table \"", "btree index \"", "gin index \""}) {
      if (line.rfind(kind, 0) != 0) continue;
      object = between(line, "\"", "\"").value_or("");
      place = between(line, "\", ", ":").value_or("");
      told = false;
      return;
    }
    if (told || line.empty() || line.front() != ' ') return;
    const auto text = line.substr(line.find_first_not_of(' '));
    // By a lock that did not come free, by a limit, by a person: it says nothing of the object.
    if (text.find("canceling statement due to") != std::string_view::npos) return;
    check.findings.push_back({object, place, "", "", "", std::string(text)});
    told = true;
  });
  const auto progress = last_progress(run.output);
  const bool looked_at_all =
      progress && progress->examined == progress->listed && run.output.find("warning: skipping") == std::string::npos;
  const bool understood = run.exit_code == 0 ? check.findings.empty() && looked_at_all : !check.findings.empty();
  if (!understood) return not_judged(std::move(check), run);
  const auto gin_indexes = counter(run.output, "GIN indexes examined:").value_or(0);
  conclude(check, gin_indexes + (progress ? progress->listed : check.findings.size()), "tables and indexes");
  return check;
}

std::vector<std::string> list_gin_indexes_passed_over(const ToolRun& run) {
  std::map<std::string, std::vector<std::string>> by_reason;
  for_each_line(run.output, [&](std::string_view line) {
    constexpr std::string_view before_reason = "\" not examined: ";
    const auto name = between(line, "GIN index \"", before_reason);
    if (name) by_reason[std::string(line.substr(line.find(before_reason) + before_reason.size()))].push_back(*name);
  });
  std::vector<std::string> sentences;
  sentences.reserve(by_reason.size());
  for (const auto& [reason, names] : by_reason) {
    sentences.push_back(
        fmt::format("amcheck: GIN indexes that were not examined, as {}: {}", reason, fmt::join(names, ", ")));
  }
  return sentences;
}

// pg_verifybackup: error: "base/5/1234" has size 8192 on disk but …; checksum mismatch for file "…"; "…" is present on
// disk but not in the manifest; "…" is present in the manifest but not on disk.
Check check_verifybackup(const ToolRun& run) {
  auto check = of_tool(run);
  check.witness = "engine";
  for_each_line(run.output, [&](std::string_view line) {
    if (line.find("error:") == std::string_view::npos) return;
    const auto text = line.substr(line.find("error:") + 7);
    // A manifest that is not there or not readable says nothing about the files.
    if (text.find("could not open file") == 0 || text.find("could not parse") == 0) return;
    check.findings.push_back(
        {between(text, "\"", "\"").value_or("backup_manifest"), "", "", "", "", std::string(text)});
  });
  const bool confirmed = run.exit_code == 0 && run.output.find("backup successfully verified") != std::string::npos;
  if (!confirmed && check.findings.empty()) return not_judged(std::move(check), run);
  conclude(check, std::max<std::uint64_t>(1, check.findings.size()), "files that pg_verifybackup names");
  if (check.verdict == Verdict::pass) check.summary = "every file is as the restored backup_manifest says";
  return check;
}

}  // namespace harness::verify
