#include "reports/render/statistics_view.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/quantity_text.hpp"
#include "reports/render/text.hpp"

namespace reports::render {

namespace {

std::string seconds_or_dash(const std::optional<double>& seconds) {
  return seconds ? duration_text(*seconds) : "–";
}

std::string rate_text(const std::optional<double>& bytes_per_second) {
  constexpr double beyond_count = 1e18;
  if (!bytes_per_second || *bytes_per_second < 0 || *bytes_per_second > beyond_count) return "not known";
  return backup_engine::base::bytes_text(static_cast<std::uint64_t>(*bytes_per_second)) + " a second";
}

// A line from the fastest to the slowest, in percent of the slowest of all, with the median on it.
void set_drawing(PageData& row, const record::Spread& spread, double longest) {
  const auto percent = [&](double seconds) {
    return longest > 0 ? std::clamp(seconds / longest * 100, 0.0, 100.0) : 0.0;
  };
  constexpr double narrowest = 1;
  const auto begin = std::min(percent(spread.minimum_seconds), 100 - narrowest);
  const auto width = std::max(narrowest, percent(spread.maximum_seconds) - begin);
  row.set("from", fmt::format("{:.2f}", begin));
  row.set("width", fmt::format("{:.2f}", width));
  row.set("middle", fmt::format("{:.2f}", percent(spread.median_seconds)));
}

PageData spread_row(const record::Spread& spread, const char* what, double longest) {
  PageData row;
  row.set("name", value(spread.name));
  row.set("what", what);
  row.set("samples", std::to_string(spread.samples));
  row.set("minimum", duration_text(spread.minimum_seconds));
  row.set("median", duration_text(spread.median_seconds));
  row.set("percentile_95", duration_text(spread.percentile_95_seconds));
  row.set("maximum", duration_text(spread.maximum_seconds));
  row.set("deviation", seconds_or_dash(spread.standard_deviation_seconds));
  set_drawing(row, spread, longest);
  return row;
}

PageData spread_rows(const record::Statistics& statistics) {
  double longest = 0;
  for (const auto& spread : statistics.phases) longest = std::max(longest, spread.maximum_seconds);
  for (const auto& spread : statistics.milestones) longest = std::max(longest, spread.maximum_seconds);
  auto rows = list();
  for (const auto& spread : statistics.phases) rows << spread_row(spread, "phase", longest);
  for (const auto& spread : statistics.milestones) rows << spread_row(spread, "from the disaster on", longest);
  return rows;
}

PageData extrapolation_row(const record::Extrapolation& extrapolation) {
  PageData row;
  const auto& factor = extrapolation.factor;
  row.set("size", backup_engine::base::bytes_text(extrapolation.size_bytes));
  row.set("factor", !factor ? "–" : *factor < 10 ? fmt::format("{:.2g}", *factor) : fmt::format("{:.0f}", *factor));
  row.set("rto", seconds_or_dash(extrapolation.rto_seconds));
  row.set("range", extrapolation.lowest_seconds && extrapolation.highest_seconds
                       ? fmt::format("{} to {}", duration_text(*extrapolation.lowest_seconds),
                                     duration_text(*extrapolation.highest_seconds))
                       : "–");
  row.set("transfer", seconds_or_dash(extrapolation.transfer_seconds));
  row.set("replay", seconds_or_dash(extrapolation.replay_seconds));
  row.set("constant", seconds_or_dash(extrapolation.constant_seconds));
  row.set("caveat", value(extrapolation.caveat));
  return row;
}

}  // namespace

void set_statistics(PageData& page, const record::Report& report) {
  const auto& statistics = report.statistics;
  page.set("has_statistics", statistics.has_value());
  if (!statistics) return;
  page.set("repeats", count_text(statistics->repeats, "restore"));
  page.set("has_spreads", statistics->repeats > 1);
  page.set("spreads", spread_rows(*statistics));
  auto extrapolations = list(), notes = list();
  for (const auto& extrapolation : statistics->extrapolations) extrapolations << extrapolation_row(extrapolation);
  for (const auto& note : statistics->notes) notes << value(note);
  page.set("has_extrapolations", !statistics->extrapolations.empty());
  page.set("extrapolations", extrapolations);
  page.set("restore_rate", rate_text(statistics->restored_bytes_per_second));
  page.set("replay_rate", rate_text(statistics->replayed_wal_bytes_per_second));
  page.set("statistics_notes", notes);
}

}  // namespace reports::render
