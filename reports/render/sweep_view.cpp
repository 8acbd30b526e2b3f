#include "reports/render/sweep_view.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/postgres/lsn.hpp"
#include "reports/render/text.hpp"

namespace reports::render {

using Point = record::Sweep::Point;
using record::Verdict;

namespace {

// Pixels down the drawing, and what keeps a sign inside, in percent of its width.
constexpr int row_height = 44, words_at = 12, track_at = 20, track_height = 14, axis_height = 16;
constexpr double margin = 1;

Verdict verdict_of(const Point& point) {
  return !point.met ? Verdict::unknown : *point.met ? Verdict::pass : Verdict::fail;
}

// Shapes differ, for who cannot tell the colours: a line through the WAL, a cross, a ring.
const char* shape_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return "M0-7V7";
    case Verdict::fail:
      return "M-5-5 5 5M-5 5 5-5";
    case Verdict::unknown:
      return "M-4 0A4 4 0 1 0 4 0A4 4 0 1 0-4 0";
  }
  return "";
}

std::string boundary_text(const Point& point) {
  auto text = point.boundary;
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

// Where recovery was told to stop.
std::string target_text(const Point& point) {
  if (point.way == "shared") return "prefix";
  const auto& target = point.target;
  const bool either = target.type == "time" || target.type == "lsn" || target.type == "xid";
  return target.type + (!either ? "" : target.inclusive ? ", inclusive" : ", exclusive");
}

std::string count_or_dash(const std::optional<std::uint64_t>& count) {
  return count ? count_text(*count) : "–";
}

std::string words_of(const Point& point) {
  auto text = fmt::format("{}, {}, at {}: ", boundary_text(point), target_text(point), text_or_dash(point.lsn));
  if (!point.met) return text + "not judged, " + point.why;
  if (point.expected) text += fmt::format("{} expected, ", count_text(*point.expected));
  return text + fmt::format("{} missing, {} extra{}", count_or_dash(point.missing), count_or_dash(point.extra),
                            *point.met ? "" : "; not exact");
}

double place_of(const Point& point, const record::Sweep& sweep) {
  const auto at = [](const std::string& lsn) {
    return static_cast<double>(
        backup_engine::postgres::parse_lsn(lsn).value_or(backup_engine::postgres::Lsn()).position_bytes());
  };
  const auto from = at(sweep.from_lsn), until = std::max(from + 1, at(sweep.until_lsn));
  return margin + (100 - 2 * margin) * std::clamp((at(point.lsn) - from) / (until - from), 0.0, 1.0);
}

PageData row_of(const record::Sweep& sweep, const std::string& way, const std::string& label, int top) {
  PageData row;
  auto signs = list();
  std::uint64_t points = 0, met = 0;
  // What is not as it must be is drawn last, over its neighbours.
  for (const auto verdict : {Verdict::pass, Verdict::unknown, Verdict::fail}) {
    for (const auto& point : sweep.points) {
      if (point.way != way || verdict_of(point) != verdict) continue;
      ++points;
      met += verdict == Verdict::pass ? 1U : 0U;
      PageData sign;
      sign.set("kind", std::string(to_string(verdict)));
      sign.set("x", fmt::format("{:.2f}", place_of(point, sweep)));
      sign.set("shape", shape_of(verdict));
      sign.set("words", value(words_of(point)));
      signs << sign;
    }
  }
  row.set("label", label);
  row.set("when", fmt::format("{} of {} exact", met, points));
  row.set("words_y", std::to_string(top + words_at));
  row.set("track_y", std::to_string(top + track_at));
  row.set("sign_y", std::to_string(top + track_at + track_height / 2));
  row.set("signs", signs);
  return row;
}

struct Group {
  std::string boundary, target;
  std::uint64_t points = 0, judged = 0, met = 0, missing = 0, extra = 0;
};

// By what they have in common, in the order of their first.
std::vector<Group> groups_of(const record::Sweep& sweep) {
  std::vector<Group> groups;
  for (const auto& point : sweep.points) {
    const auto boundary = boundary_text(point), target = target_text(point);
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const Group& g) { return g.boundary == boundary && g.target == target; });
    if (group == groups.end()) group = groups.insert(groups.end(), Group{boundary, target});
    ++group->points;
    group->judged += point.met ? 1U : 0U;
    group->met += point.met.value_or(false) ? 1U : 0U;
    group->missing += point.missing.value_or(0);
    group->extra += point.extra.value_or(0);
  }
  return groups;
}

PageData group_rows(const record::Sweep& sweep) {
  auto rows = list();
  for (const auto& group : groups_of(sweep)) {
    PageData row;
    set_badge(row, group.met < group.judged      ? Verdict::fail
                   : group.judged < group.points ? Verdict::unknown
                                                 : Verdict::pass);
    row.set("boundary", value(group.boundary));
    row.set("target", value(group.target));
    row.set("points", count_text(group.points));
    row.set("met", count_text(group.met));
    row.set("missing", count_text(group.missing));
    row.set("extra", count_text(group.extra));
    rows << row;
  }
  return rows;
}

PageData point_rows(const record::Sweep& sweep) {
  auto rows = list();
  for (const auto& point : sweep.points) {
    PageData row;
    set_badge(row, verdict_of(point));
    row.set("boundary", value(boundary_text(point)));
    row.set("target", value(target_text(point)));
    row.set("lsn", value(text_or_dash(point.lsn)));
    row.set("time", value(point.time.empty() ? "–" : precise_time_text(point.time)));
    row.set("xid", value(text_or_dash(point.xid)));
    row.set("reached", value(text_or_dash(point.reached_lsn)));
    row.set("expected", count_or_dash(point.expected));
    row.set("missing", count_or_dash(point.missing));
    row.set("extra", count_or_dash(point.extra));
    row.set("took", duration_text(point.seconds));
    rows << row;
  }
  return rows;
}

std::string headline_of(const record::Sweep& sweep) {
  const auto own =
      std::count_if(sweep.points.begin(), sweep.points.end(), [](const auto& p) { return p.way == "own"; });
  const auto shared = sweep.points.size() - static_cast<std::size_t>(own);
  return fmt::format("{} in one recovery of {}, {} with a restore of their own in {}", count_text(shared, "point"),
                     duration_text(sweep.shared_seconds), own, duration_text(sweep.own_seconds));
}

}  // namespace

void set_sweep(PageData& page, const record::Report& report) {
  page.set("has_sweep", report.sweep.has_value());
  if (!report.sweep) return;
  const auto& sweep = *report.sweep;
  PageData data;
  set_badge(data, sweep.met < sweep.judged       ? Verdict::fail
                  : sweep.judged < sweep.planned ? Verdict::unknown
                                                 : Verdict::pass);
  data.set("met", count_text(sweep.met));
  data.set("planned", count_text(sweep.planned));
  data.set("headline", value(headline_of(sweep)));
  data.set("from", value(sweep.from_lsn));
  data.set("until", value(sweep.until_lsn));
  data.set("axis_y", std::to_string(2 * row_height + axis_height - 4));
  data.set("height", std::to_string(2 * row_height + axis_height));
  data.set("description", value(fmt::format("{} of {} points from {} to {} are exact; the tables below hold the same.",
                                            sweep.met, sweep.planned, sweep.from_lsn, sweep.until_lsn)));
  auto rows = list();
  rows << row_of(sweep, "shared", "Prefixes of the WAL, in one recovery", 0)
       << row_of(sweep, "own", "Recovery targets, a restore each", row_height);
  data.set("rows", rows);
  data.set("groups", group_rows(sweep));
  data.set("points", point_rows(sweep));
  page.set("sweep", data);
}

}  // namespace reports::render
