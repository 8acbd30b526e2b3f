// Private to reports/render: makes any bytes fit for a page, and says numbers and answers the same way everywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "reports/record/report.hpp"

namespace reports::render {

// Text that XML 1.0 and HTML may hold: U+FFFD takes the place of bytes that are not UTF-8, of control characters other
// than tab and newline, of noncharacters, and of marks that would reorder the text beside them. CR LF becomes LF.
[[nodiscard]] std::string printable(std::string_view bytes);

// printable() on one line for a terminal: tabs and newlines become spaces, so that no escape sequence gets through.
[[nodiscard]] std::string printable_line(std::string_view bytes);

[[nodiscard]] std::string xml_escaped(std::string_view bytes);  // printable(), then & < > " ' as entities

// Columns that printable UTF-8 takes, one a code point; and its first `columns`, the last an ellipsis if cut.
[[nodiscard]] std::size_t width_of(std::string_view text);
[[nodiscard]] std::string cut_to_width(std::string_view text, std::size_t columns, std::string_view ellipsis);

[[nodiscard]] std::string count_text(std::uint64_t count);                             // 1,234,567
[[nodiscard]] std::string count_text(std::uint64_t count, std::string_view singular);  // "1 check", "2 checks"

// As base::seconds_text, but "3.1 ms" where that would say 0.00 s.
[[nodiscard]] std::string duration_text(double seconds);

// "2026-11-20 02:15:14.803 UTC" from RFC 3339; anything else as it is.
[[nodiscard]] std::string precise_time_text(const std::string& rfc3339);

[[nodiscard]] std::string_view verdict_word(record::Verdict verdict);  // PASS, FAIL, UNKNOWN
[[nodiscard]] std::string_view verdict_sign(record::Verdict verdict);  // ✓ ✗ ?

// An answer to one of the three questions that a drill is run for.
struct Answer {
  std::string headline;  // a few characters
  std::string detail;    // one sentence, empty where there is nothing to add
  record::Verdict verdict = record::Verdict::unknown;
};

// The scenario wanted the restore refused, and it was, for the reason that was wanted.
[[nodiscard]] bool refused_as_expected(const record::Report& report);
// "refused (wal_gap), as expected"; "recovered" alone where nothing else was expected.
[[nodiscard]] std::string outcome_text(const record::RestoreRecord& restore);
[[nodiscard]] Answer can_we_recover(const record::Report& report);
[[nodiscard]] Answer how_fast(const record::Report& report);
[[nodiscard]] Answer what_would_we_lose(const record::Report& report);

// Seconds between two RFC 3339 instants; nullopt when either is none.
[[nodiscard]] std::optional<double> seconds_between(const std::string& from, const std::string& to);

}  // namespace reports::render
