#include "reports/render/timeline_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "reports/render/text.hpp"
#include "reports/render/timeline.hpp"

namespace reports::render {

using Kind = TimelineItem::Kind;

namespace {

// Pixels down the drawing.
constexpr int title_height = 20, axis_height = 20, row_height = 32, scale_gap = 18;
constexpr int words_at = 12, bar_at = 18, bar_height = 8;
// Percent of its width: what keeps a sign inside, and the narrowest bar that can be seen.
constexpr double margin = 1, narrowest = 0.6;
// At 12 pixels a character, this and the time beside it fit a telephone.
constexpr std::size_t name_columns = 34;

double percent(double at, const TimelineScale& scale) {
  return margin + (100 - 2 * margin) * at / scale.seconds;
}

std::string percent_text(double value) {
  return fmt::format("{:.2f}", value);
}

// The first of a clock's round numbers that divides the scale into at most six parts.
double tick_step(double seconds) {
  constexpr std::array clock{1.0,   2.0,    5.0,    10.0,   20.0,   30.0,    60.0,    120.0,  300.0,
                             600.0, 1200.0, 1800.0, 3600.0, 7200.0, 10800.0, 21600.0, 43200.0};
  constexpr double day = 86400, most = 6;
  if (seconds <= most / 2) {  // 1, 2 or 5 of some decimal place
    const auto power = std::pow(10, std::floor(std::log10(seconds / most)));
    const auto least = seconds / most / power;
    return power * (least <= 1 ? 1 : least <= 2 ? 2 : least <= 5 ? 5 : 10);
  }
  for (const double step : clock) {
    if (seconds / step <= most) return step;
  }
  return day * std::exp2(std::ceil(std::log2(std::max(1.0, seconds / most / day))));
}

std::string tick_text(double at, double step) {
  const auto number = [at](double unit) { return fmt::format("{:g}", std::round(at / unit * 10000) / 10000); };
  if (at == 0) return "0";
  if (step < 0.1) return number(0.001) + " ms";
  if (step < 60) return number(1) + " s";
  return step < 3600 ? number(60) + " min" : number(3600) + " h";
}

// How a kind of item looks: its class in style.css, what a moment is drawn as around the origin, and whether a line
// goes through the whole scale there. Shapes differ, for who cannot tell the colours.
struct Look {
  const char *name, *shape;
  bool guide;
};
constexpr const char *diamond = "M0-5 5 0 0 5-5 0Z", *cross = "M-5-5 5 5M-5 5 5-5", *flag = "M0-7V7M0-7 7-4 0-1Z",
                     *tick = "M-5 0-1 4 6-4";

Look look_of(Kind kind) {
  switch (kind) {
    case Kind::load:
      return {"load", diamond, false};
    case Kind::backup:
      return {"backup", diamond, false};
    case Kind::mark:
      return {"mark", diamond, false};
    case Kind::disaster:
      return {"disaster", cross, true};
    case Kind::target:
      return {"target", flag, true};
    case Kind::reached:
      return {"reached", tick, true};
    case Kind::discarded:
      return {"discarded", diamond, false};
    case Kind::phase:
      return {"phase", diamond, false};
    case Kind::achieved:
      return {"achieved", tick, true};
    case Kind::objective:
      return {"objective", flag, true};
  }
  return {"", "", false};
}

std::string words_of(const TimelineItem& item) {
  return fmt::format("{}, {}{}{}", item.name, item.when, item.detail.empty() ? "" : ": ", item.detail);
}

PageData row_of(const TimelineItem& item, const TimelineScale& scale, int top) {
  PageData row;
  row.set("kind", look_of(item.kind).name);
  row.set("label", value(cut_to_width(printable_line(item.name), name_columns, "…")));
  row.set("when", value(item.when));
  row.set("words", value(words_of(item)));
  row.set("words_y", std::to_string(top + words_at));
  row.set("bar_y", std::to_string(top + bar_at));
  row.set("sign_y", std::to_string(top + bar_at + bar_height / 2));
  auto bars = list(), signs = list();
  for (const auto& span : item.spans) {
    PageData place;
    const auto begin = percent(span.begin, scale), width = percent(span.end, scale) - begin;
    if (width > 0 || item.kind == Kind::phase) {
      place.set("x", percent_text(std::min(begin, 100 - margin - narrowest)));
      place.set("width", percent_text(std::max(narrowest, width)));
      bars << place;
    } else {
      place.set("x", percent_text(begin));
      place.set("shape", look_of(item.kind).shape);
      signs << place;
    }
  }
  row.set("bars", bars);
  row.set("signs", signs);
  return row;
}

PageData ticks_of(const TimelineScale& scale) {
  auto ticks = list();
  const auto step = tick_step(scale.seconds);
  // A label begins at its tick: one near the end would leave the drawing.
  for (int i = 0; i * step <= scale.seconds * 0.88; ++i) {
    PageData mark;
    mark.set("x", percent_text(percent(i * step, scale)));
    mark.set("text", tick_text(i * step, step));
    ticks << mark;
  }
  return ticks;
}

// Draws from `top` on and moves it behind.
PageData scale_of(const TimelineScale& scale, int& top) {
  PageData data;
  data.set("title", scale.title);
  data.set("title_y", std::to_string(top + 13));
  data.set("axis_y", std::to_string(top + title_height + 12));
  const auto first_row = top + title_height + axis_height;
  const auto end = first_row + row_height * static_cast<int>(scale.items.size());
  data.set("top", std::to_string(top + title_height));
  data.set("bottom", std::to_string(end));
  data.set("length", std::to_string(end - top - title_height));
  data.set("ticks", ticks_of(scale));
  auto bands = list(), guides = list(), rows = list();
  top = first_row;
  for (const auto& item : scale.items) {
    rows << row_of(item, scale, top);
    top += row_height;
    if (item.spans.empty()) continue;
    PageData place;
    const auto begin = percent(item.spans.front().begin, scale);
    place.set("kind", look_of(item.kind).name);
    place.set("x", percent_text(begin));
    place.set("width", percent_text(percent(item.spans.front().end, scale) - begin));
    if (item.kind == Kind::discarded) bands << place;
    if (look_of(item.kind).guide) guides << place;
  }
  top += scale_gap;
  data.set("bands", bands);
  data.set("guides", guides);
  data.set("rows", rows);
  return data;
}

PageData events_of(const TimelineScale& scale) {
  auto events = list();
  for (const auto& item : scale.items) {
    PageData event;
    event.set("label", value(item.name));
    event.set("when", value(item.when));
    event.set("detail", value(item.detail.empty() ? "–" : item.detail));
    events << event;
  }
  return events;
}

}  // namespace

void set_timeline(PageData& page, const record::Report& report, const std::vector<record::JournalEvent>& journal) {
  const std::array both{source_scale(report, journal), recovery_scale(report)};
  auto scales = list();
  std::string description;
  int height = 0;
  for (const auto& scale : both) {
    if (scale.items.empty()) continue;
    scales << scale_of(scale, height);
    description += (description.empty() ? "" : " ") + scale.title + ": ";
    for (std::size_t i = 0; i < scale.items.size(); ++i) {
      description += fmt::format("{}{} ({})", i == 0 ? "" : "; ", scale.items[i].name, scale.items[i].when);
    }
    description += ".";
  }
  PageData timeline;
  timeline.set("height", std::to_string(std::max(0, height - scale_gap)));
  timeline.set("description", value(description));
  timeline.set("scales", scales);
  page.set("has_timeline", height > 0);
  page.set("timeline", timeline);
  page.set("has_moments", !both[0].items.empty());
  page.set("moments", events_of(both[0]));
}

}  // namespace reports::render
