#include "backup_engine/retention/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <set>
#include <tuple>

#include "backup_engine/base/error.hpp"

namespace backup_engine {

using base::Error;
using base::ErrorKind;

namespace retention {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;

struct Period {
  const char* name;
  unsigned RetentionRules::*count;
  long (*bucket)(base::UtcTime);
};

long days_of(base::UtcTime time) {
  return floor<days>(time.time_since_epoch()).count();
}
std::chrono::year_month_day date_of(base::UtcTime time) {
  return floor<days>(time);
}

const Period periods[] = {
    {"hour", &RetentionRules::keep_hourly,
     [](base::UtcTime t) -> long { return floor<hours>(t.time_since_epoch()).count(); }},
    {"day", &RetentionRules::keep_daily, [](base::UtcTime t) { return days_of(t); }},
    // ISO weeks: 1970-01-01 was a Thursday.
    {"week", &RetentionRules::keep_weekly, [](base::UtcTime t) { return (days_of(t) + 3) / 7; }},
    {"month", &RetentionRules::keep_monthly,
     [](base::UtcTime t) -> long {
       return static_cast<int>(date_of(t).year()) * 12L + static_cast<long>(static_cast<unsigned>(date_of(t).month()));
     }},
    {"year", &RetentionRules::keep_yearly, [](base::UtcTime t) -> long { return static_cast<int>(date_of(t).year()); }},
};

// Of what is not known of a backup (its WAL) every value is the same, and its time decides.
auto order_of(const Candidate& candidate) {
  return std::tie(candidate.timeline, candidate.stop_lsn, candidate.stopped_at, candidate.label);
}

class Selecting {
 public:
  // `candidates`: newest first.
  Selecting(const std::vector<Candidate>& candidates, const RetentionRules& rules, base::UtcTime now)
      : candidates_(candidates), rules_(rules), now_(now) {}

  Selection run() {
    keep_chains();
    for (const auto& period : periods) keep_newest_of_each(period);
    choose_window_base();
    for (const auto& candidate : candidates_) {
      if (!candidate.held_by.empty()) keep(candidate, "held: " + candidate.held_by);
    }
    require_a_restorable_one();
    keep_what_is_not_restorable();
    for (const auto& candidate : candidates_) {
      if (!selection_.kept.contains(candidate.label)) selection_.expired.push_back(candidate.label);
    }
    std::sort(selection_.expired.begin(), selection_.expired.end());
    return std::move(selection_);
  }

 private:
  void keep(const Candidate& candidate, std::string reason) {
    selection_.kept[candidate.label].push_back(std::move(reason));
  }

  void keep_chains() {
    // Newest first; a chain is as new as its newest backup: chains that are kept lose none, so others never overtake
    // them.
    std::vector<std::string> chains;
    std::set<std::string> seen;
    for (const auto& candidate : candidates_) {
      if (candidate.restorable && seen.insert(candidate.chain).second) chains.push_back(candidate.chain);
    }
    if (chains.size() > rules_.keep_full) chains.resize(rules_.keep_full);
    for (const auto& candidate : candidates_) {
      const auto chain = std::find(chains.begin(), chains.end(), candidate.chain);
      if (candidate.restorable && chain != chains.end()) {
        keep(candidate, fmt::format("chain {} of the {} newest", chain - chains.begin() + 1, rules_.keep_full));
      }
    }
  }

  void keep_newest_of_each(const Period& period) {
    std::set<long> seen;
    for (const auto& candidate : candidates_) {
      if (seen.size() == rules_.*period.count) return;
      if (candidate.restorable && seen.insert(period.bucket(candidate.stopped_at)).second) {
        keep(candidate, fmt::format("newest of its {}, {} of {}", period.name, seen.size(), rules_.*period.count));
      }
    }
  }

  [[nodiscard]] bool has_counts() const {
    return rules_.keep_full > 0 || std::ranges::any_of(periods, [&](const auto& p) { return rules_.*p.count > 0; });
  }

  // With a window: the newest backup from before it began, and without other rules all that is newer. Else, or as long
  // as no backup is so old: the oldest one kept.
  void choose_window_base() {
    if (!rules_.pitr_window) {
      const auto* const base = oldest([&](const auto& c) { return c.restorable && selection_.kept.contains(c.label); });
      if (base != nullptr) selection_.window_base = base->label;
      return;
    }
    // A window is a matter of time, so here clocks decide: one that was behind must not pass for the last one before
    // it.
    std::vector<const Candidate*> by_time;
    for (const auto& candidate : candidates_) {
      if (candidate.restorable) by_time.push_back(&candidate);
    }
    std::ranges::stable_sort(by_time, std::greater(), &Candidate::stopped_at);
    for (const auto* const candidate : by_time) {
      const bool before = candidate->stopped_at <= now_ - *rules_.pitr_window;
      if (before || candidate == by_time.back()) {
        keep(*candidate, before ? "the window begins behind it" : "the oldest there is for the window");
        selection_.window_base = candidate->label;
        return;
      }
      if (!has_counts()) keep(*candidate, "in the window");
    }
  }

  template <typename Wanted>
  [[nodiscard]] const Candidate* oldest(Wanted wanted) const {
    const auto found = std::find_if(candidates_.rbegin(), candidates_.rend(), wanted);
    return found == candidates_.rend() ? nullptr : &*found;
  }

  void require_a_restorable_one() const {
    const auto* const newest = [&]() -> const Candidate* {
      const auto found = std::ranges::find_if(candidates_, [](const auto& c) { return c.restorable; });
      return found == candidates_.end() ? nullptr : &*found;
    }();
    if (newest == nullptr) return;
    const bool stays = std::ranges::any_of(
        candidates_, [&](const auto& c) { return c.restorable && selection_.kept.contains(c.label); });
    if (stays) return;
    throw Error(ErrorKind::usage, fmt::format("these rules would remove {}, the last restorable backup", newest->label))
        .with_remedy("give a rule that keeps it, as --keep-daily 1");
  }

  void keep_what_is_not_restorable() {
    const auto* const base = oldest([&](const auto& c) { return c.restorable && selection_.kept.contains(c.label); });
    for (const auto& candidate : candidates_) {
      if (candidate.restorable || selection_.kept.contains(candidate.label)) continue;
      if (base == nullptr || order_of(candidate) >= order_of(*base)) {
        keep(candidate, "cannot be restored, and counts for no rule; it goes when every backup kept is newer");
      }
    }
  }

  const std::vector<Candidate>& candidates_;
  const RetentionRules& rules_;
  const base::UtcTime now_;
  Selection selection_;
};

}  // namespace

Selection select(std::vector<Candidate> candidates, const RetentionRules& rules, base::UtcTime now) {
  const bool any = rules.keep_full > 0 || rules.pitr_window ||
                   std::ranges::any_of(periods, [&](const auto& period) { return rules.*period.count > 0; });
  if (!any) {
    throw Error(ErrorKind::usage, "expire was given no rule of what to keep")
        .with_remedy("give at least one, as --keep-full 2 or --keep-daily 30 --pitr-window 7d");
  }
  std::ranges::sort(candidates, [](const auto& a, const auto& b) { return order_of(a) > order_of(b); });
  return Selecting(candidates, rules, now).run();
}

}  // namespace retention

std::chrono::seconds parse_duration(const std::string& text) {
  static const std::map<std::string, long> units{{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86'400}, {"w", 604'800}};
  long count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const auto unit = units.find(std::string(end, text.data() + text.size()));
  constexpr long most = 1'000'000;
  if (error == std::errc() && unit != units.end() && count > 0 && count < most) {
    return std::chrono::seconds(count * unit->second);
  }
  throw Error(ErrorKind::usage, fmt::format("not a duration: '{}'", text))
      .with_remedy("give a number and s, min, h, d or w, as 30d");
}

}  // namespace backup_engine
