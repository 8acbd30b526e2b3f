#include "reports/render/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "backup_engine/base/quantity_text.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "reports/record/summary.hpp"

namespace reports::render {

using record::Report;
using record::Verdict;

namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";

// Length of the well-formed sequence at the start of `bytes` (Unicode 15, table 3-7), 0 when there is none.
std::size_t sequence_length(std::string_view bytes) {
  const auto byte = [&](std::size_t at) { return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U; };
  const auto continues = [&](std::size_t at) { return (byte(at) & 0xc0U) == 0x80U; };
  const auto first = byte(0), second = byte(1);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool in_range = (first != 0xe0 || second >= 0xa0) && (first != 0xed || second <= 0x9f);
    return in_range && continues(1) && continues(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool in_range = (first != 0xf0 || second >= 0x90) && (first != 0xf4 || second <= 0x8f);
    return in_range && continues(1) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

bool forbidden(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return (first < 0x20 && first != '\t' && first != '\n') || first == 0x7f;
  if (sequence.size() == 2) return first == 0xc2 && static_cast<unsigned char>(sequence[1]) < 0xa0;  // C1 controls
  if (sequence.substr(0, 2) == "\xe2\x80") {  // marks that reorder or break what stands beside them
    const auto third = static_cast<unsigned char>(sequence[2]);
    return third >= 0xa8 && third <= 0xae;
  }
  if (sequence.substr(0, 2) == "\xe2\x81") {
    const auto third = static_cast<unsigned char>(sequence[2]);
    return third >= 0xa6 && third <= 0xa9;
  }
  return sequence == "\xef\xbf\xbe" || sequence == "\xef\xbf\xbf";
}

}  // namespace

std::string printable(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const auto length = sequence_length(bytes);
    const auto sequence = bytes.substr(0, length == 0 ? 1 : length);
    const bool newline_follows = sequence == "\r" && bytes.size() > 1 && bytes[1] == '\n';
    if (!newline_follows) text += length == 0 || forbidden(sequence) ? replacement : sequence;
    bytes.remove_prefix(sequence.size());
  }
  return text;
}

std::string printable_line(std::string_view bytes) {
  auto text = printable(bytes);
  for (auto& c : text) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  return text;
}

std::string xml_escaped(std::string_view bytes) {
  std::string escaped;
  for (const char c : printable(bytes)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&apos;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  for (const char c : text) width += (static_cast<unsigned char>(c) & 0xc0U) != 0x80U ? 1 : 0;
  return width;
}

std::string cut_to_width(std::string_view text, std::size_t columns, std::string_view ellipsis) {
  if (width_of(text) <= columns) return std::string(text);
  if (columns < width_of(ellipsis)) return "";
  const auto kept = columns > width_of(ellipsis) ? columns - width_of(ellipsis) : 0;
  std::size_t at = 0;
  for (std::size_t taken = 0; taken < kept; ++taken) at += std::max<std::size_t>(1, sequence_length(text.substr(at)));
  return std::string(text.substr(0, at)) + std::string(ellipsis);
}

std::string count_text(std::uint64_t count) {
  auto digits = std::to_string(count);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

std::string count_text(std::uint64_t count, std::string_view singular) {
  return fmt::format("{} {}{}", count_text(count), singular, count == 1 ? "" : "s");
}

std::string duration_text(double seconds) {
  if (seconds > 0 && seconds < 0.1) return fmt::format("{:.1f} ms", seconds * 1000);
  return backup_engine::base::seconds_text(seconds);
}

std::string precise_time_text(const std::string& rfc3339) {
  constexpr std::size_t date = 10, milliseconds = 12;  // their columns: "2026-11-20", "02:15:14.803"
  if (!backup_engine::base::parse_rfc3339(rfc3339)) return rfc3339;
  auto time = rfc3339.substr(date + 1, milliseconds);
  if (const auto end = time.find('Z'); end != std::string::npos) time.resize(end);
  return fmt::format("{} {} UTC", rfc3339.substr(0, date), time);
}

std::string_view verdict_word(Verdict verdict) {
  if (verdict == Verdict::pass) return "PASS";
  return verdict == Verdict::fail ? "FAIL" : "UNKNOWN";
}

std::string_view verdict_sign(Verdict verdict) {
  if (verdict == Verdict::pass) return "✓";
  return verdict == Verdict::fail ? "✗" : "?";
}

Answer can_we_recover(const Report& report) {
  const auto verdict = recovery_verdict(report);
  const auto reached = report.restores.empty() ? std::string() : report.restores.back().outcome;
  if (verdict == Verdict::unknown) {
    return {"Not shown", "Something could not be carried out or judged; the reasons follow.", verdict};
  }
  if (reached == "recovered") {
    const auto checks = count_text(report.checks.size(), "check");
    if (verdict == Verdict::pass) return {"Yes", fmt::format("Restored, started and proven by {}.", checks), verdict};
    return {"Not as promised", "The server came back, but not everything promised holds; the reasons follow.", verdict};
  }
  if (verdict == Verdict::pass) {
    return {"Refused, as expected", fmt::format("The restore was {}.", outcome_text(report.restores.back())), verdict};
  }
  return {"No", fmt::format("The restore ended {}.", reached.empty() ? "before it was done" : reached), verdict};
}

static std::string objective_text(const std::optional<double>& objective, const std::optional<bool>& met) {
  if (!objective) return "No objective was promised.";
  const auto* const judged = !met ? "not judged" : *met ? "met" : "missed";
  return fmt::format("Objective {}: {}.", duration_text(*objective), judged);
}

static Verdict verdict_of(const std::optional<bool>& met, const std::optional<double>& objective, bool measured) {
  if (met) return *met ? Verdict::pass : Verdict::fail;
  return measured && !objective ? Verdict::pass : Verdict::unknown;
}

bool refused_as_expected(const Report& report) {
  if (report.restores.empty()) return false;
  const auto& last = report.restores.back();
  return last.outcome == "refused" && last.outcome == last.expected.outcome && last.reason == last.expected.reason;
}

std::string outcome_text(const record::RestoreRecord& restore) {
  const auto with_reason = [](const std::string& outcome, const std::string& reason) {
    return reason.empty() ? outcome : fmt::format("{} ({})", outcome, reason);
  };
  const auto actual = with_reason(restore.outcome.empty() ? "not ended" : restore.outcome, restore.reason);
  const auto expected = with_reason(restore.expected.outcome, restore.expected.reason);
  if (actual == "recovered" && actual == expected) return actual;
  return actual == expected ? actual + ", as expected" : fmt::format("{}; expected: {}", actual, expected);
}

// Nothing was promised of it either.
static const Answer nothing_to_measure{"Nothing came back", "The restore was refused, as it had to be.", Verdict::pass};

static Verdict verdict_of(const record::Rto& rto) {
  return verdict_of(rto.met, rto.objective_seconds, rto.writable_seconds.has_value());
}

// The headline is that of the last, the verdict that of all.
static void add_repeats(const Report& report, Answer& answer) {
  std::size_t repeats = 0, met = 0;
  double slowest = 0;
  std::optional<double> promised;
  for (const auto& restore : report.restores) {
    if (!restore.repeat) continue;
    ++repeats;
    met += restore.rto.met.value_or(false) ? 1U : 0U;
    promised = restore.rto.objective_seconds;
    slowest = std::max(slowest, restore.rto.writable_seconds.value_or(0));
    answer.verdict = worst(answer.verdict, verdict_of(restore.rto));
  }
  if (repeats < 2) return;
  if (promised) {
    answer.detail = fmt::format("Objective {}: met by {} of {} repeats; the slowest took {}.", duration_text(*promised),
                                met, repeats, duration_text(slowest));
  } else {
    answer.detail += fmt::format(" The slowest of {} repeats took {}.", repeats, duration_text(slowest));
  }
}

Answer how_fast(const Report& report) {
  if (report.restores.empty()) return {"Not measured", "Nothing was restored.", Verdict::unknown};
  if (refused_as_expected(report)) return nothing_to_measure;
  const auto& rto = report.restores.back().rto;
  Answer answer{rto.writable_seconds ? duration_text(*rto.writable_seconds) : "Not measured",
                objective_text(rto.objective_seconds, rto.met), verdict_of(rto)};
  add_repeats(report, answer);
  return answer;
}

Answer what_would_we_lose(const Report& report) {
  if (report.restores.empty()) return {"Not measured", "Nothing was restored.", Verdict::unknown};
  if (refused_as_expected(report)) return nothing_to_measure;
  const auto& rpo = report.restores.back().rpo;
  const auto verdict = verdict_of(rpo.met, rpo.objective_seconds, rpo.lost.has_value());
  if (!rpo.lost) return {"Not measured", objective_text(rpo.objective_seconds, rpo.met), verdict};
  std::string detail;
  if (*rpo.lost != 0 && rpo.loss_seconds) detail = fmt::format("{} of work. ", duration_text(*rpo.loss_seconds));
  if (rpo.acknowledged) detail += fmt::format("{} had been acknowledged. ", count_text(*rpo.acknowledged));
  detail += objective_text(rpo.objective_seconds, rpo.met);
  if (rpo.discarded.value_or(0) != 0) {
    detail += fmt::format(" {} past the target given up knowingly.", count_text(*rpo.discarded, "transaction"));
  }
  return {*rpo.lost == 0 ? "Nothing" : count_text(*rpo.lost, "transaction"), detail, verdict};
}

std::optional<double> seconds_between(const std::string& from, const std::string& to) {
  const auto begin = backup_engine::base::parse_rfc3339(from), end = backup_engine::base::parse_rfc3339(to);
  if (!begin || !end) return std::nullopt;
  return std::chrono::duration<double>(*end - *begin).count();
}

}  // namespace reports::render
