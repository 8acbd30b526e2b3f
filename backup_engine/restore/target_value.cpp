#include "backup_engine/restore/target_value.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/lsn.hpp"

namespace backup_engine::restore {

using base::Error;
using base::ErrorKind;
using namespace std::chrono;

namespace {

constexpr std::size_t longest_name = 63;           // MAXFNAMELEN - 1
constexpr std::uint64_t first_transaction_id = 3;  // the ones below are PostgreSQL's own
constexpr std::uint32_t low_bits = std::numeric_limits<std::uint32_t>::max();
constexpr const char* time_example = "2026-11-20 02:15:00+01";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Takes a text apart from its front.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool done() const { return rest_.empty(); }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  [[nodiscard]] bool at_digit() const { return !rest_.empty() && is_digit(rest_.front()); }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_spaces() {
    while (take(' ')) {
    }
  }
  // Exactly `length` digits, a number up to `most`.
  std::optional<int> number(std::size_t length, int most) {
    if (rest_.size() < length ||
        !std::all_of(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(length), is_digit))
      return std::nullopt;
    int value = 0;
    std::from_chars(rest_.data(), rest_.data() + length, value);
    rest_.remove_prefix(length);
    if (value > most) return std::nullopt;
    return value;
  }
  // What stands behind a decimal point, rounded to microseconds.
  std::optional<microseconds> fraction() {
    if (!at_digit()) return std::nullopt;
    double value = 0, weight = 0.1;
    for (; at_digit(); weight /= 10) {
      value += weight * (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return microseconds(std::llround(value * 1e6));
  }

 private:
  std::string_view rest_;
};

std::optional<sys_days> take_date(Scanner& scanner) {
  const auto y = scanner.number(4, 9999);
  if (!y || !scanner.take('-')) return std::nullopt;
  const auto m = scanner.number(2, 12);
  if (!m || !scanner.take('-')) return std::nullopt;
  const auto d = scanner.number(2, 31);
  if (!d) return std::nullopt;
  const year_month_day date{year(*y), month(static_cast<unsigned>(*m)), day(static_cast<unsigned>(*d))};
  if (!date.ok()) return std::nullopt;
  return sys_days(date);
}

std::optional<microseconds> take_time_of_day(Scanner& scanner) {
  const auto h = scanner.number(2, 23);
  if (!h || !scanner.take(':')) return std::nullopt;
  const auto m = scanner.number(2, 59);
  if (!m) return std::nullopt;
  microseconds time = hours(*h) + minutes(*m);
  if (!scanner.take(':')) return time;
  const auto s = scanner.number(2, 60);  // a leap second is the next minute's first, as PostgreSQL takes it
  if (!s) return std::nullopt;
  time += seconds(*s);
  if (!scanner.take('.')) return time;
  const auto fraction = scanner.fraction();
  if (!fraction) return std::nullopt;
  return time + *fraction;
}

// How far the zone is ahead of UTC; all of the rest.
std::optional<seconds> take_zone(Scanner& scanner) {
  const auto rest = scanner.rest();
  if (rest == "Z" || rest == "z" || rest == "UTC" || rest == "GMT") return seconds(0);
  const bool behind = scanner.take('-');
  if (!behind && !scanner.take('+')) return std::nullopt;
  const auto h = scanner.number(2, 15);
  if (!h) return std::nullopt;
  seconds offset = hours(*h);
  if (!scanner.done()) {
    static_cast<void>(scanner.take(':'));
    const auto m = scanner.number(2, 59);
    if (!m || !scanner.done()) return std::nullopt;
    offset += minutes(*m);
  }
  return behind ? -offset : offset;
}

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t value = 0;
  const auto* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (text.empty() || result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

std::string spelled_value(const RecoveryTarget& target) {
  switch (target.kind) {
    case TargetKind::end_of_wal:
    case TargetKind::immediate:
      return "";
    case TargetKind::name:
      if (target.value.size() <= longest_name) return target.value;
      throw Error(ErrorKind::usage, fmt::format("a restore point's name has at most 63 bytes: {}", target.value))
          .with_remedy("Look the name up: PostgreSQL would not have made a restore point of this one.");
    case TargetKind::time:
      return postgres_time(parse_target_time(target.value));
    case TargetKind::lsn: {
      const auto lsn = postgres::parse_lsn(target.value);
      if (lsn) return to_string(*lsn);
      throw Error(ErrorKind::usage, fmt::format("this is no WAL position: {}", target.value))
          .with_remedy("Write it as PostgreSQL does: 16/B374D848.");
    }
    case TargetKind::xid:
      static_cast<void>(parse_target_xid(target.value));
      return std::to_string(*number_in(target.value));
  }
  return "";
}

std::string spelled_timeline(const RecoveryTarget& target) {
  if (target.timeline.empty()) return target.kind == TargetKind::immediate ? "current" : "latest";
  if (target.timeline == "latest" || target.timeline == "current") return target.timeline;
  const auto number = number_in(target.timeline);
  if (number && *number > 0 && *number <= low_bits) return std::to_string(*number);
  throw Error(ErrorKind::usage, fmt::format("this is no timeline: {}", target.timeline))
      .with_remedy("Write latest, current or a decimal number.");
}

}  // namespace

base::UtcTime parse_target_time(std::string_view text) {
  Scanner scanner(text);
  const auto date = take_date(scanner);
  const bool separated = date && (scanner.take('T') || scanner.take('t') || scanner.take(' '));
  if (separated) scanner.skip_spaces();
  const auto time = separated ? take_time_of_day(scanner) : std::nullopt;
  if (!time) {
    throw Error(ErrorKind::usage, fmt::format("this is no time: {}", text))
        .with_remedy(fmt::format("Write date, time and zone: {}.", time_example));
  }
  scanner.skip_spaces();
  if (scanner.done()) {
    throw Error(ErrorKind::usage, fmt::format("this time has no zone, and could be any of a day's: {}", text))
        .with_remedy(fmt::format("Add the zone: {}+01 one hour east of Greenwich, {}Z for UTC.", text, text));
  }
  const auto zone = take_zone(scanner);
  if (!zone) {
    throw Error(ErrorKind::usage, fmt::format("this is no time with an offset from UTC: {}", text))
        .with_remedy(fmt::format("Write the zone as an offset, +01 or -05:30, or Z for UTC: {}.", time_example));
  }
  return base::UtcTime(*date + *time - *zone);
}

std::string postgres_time(base::UtcTime time) {
  const auto whole = floor<seconds>(time);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}.{:06}+00", fmt::gmtime(system_clock::to_time_t(whole)),
                     duration_cast<microseconds>(time - whole).count());
}

std::uint32_t parse_target_xid(std::string_view text) {
  const auto number = number_in(text);
  if (!number) {
    throw Error(ErrorKind::usage, fmt::format("this is no transaction id: {}", text))
        .with_remedy("Write it as a decimal number, as pg_current_xact_id() gives it.");
  }
  const auto xid = static_cast<std::uint32_t>(*number & low_bits);
  if (xid >= first_transaction_id) return xid;
  throw Error(ErrorKind::usage, fmt::format("no transaction has the id {}", text))
      .with_remedy("The ids 0 to 2 are PostgreSQL's own; transactions begin at 3.");
}

RecoveryTarget spelled_for_postgres(const RecoveryTarget& target) {
  const bool wants_value = target.kind != TargetKind::end_of_wal && target.kind != TargetKind::immediate;
  if (wants_value && target.value.empty()) {
    throw Error(ErrorKind::usage, "the recovery target has no value").with_remedy("Say where recovery is to stop.");
  }
  auto spelled = target;
  spelled.value = spelled_value(target);
  spelled.timeline = spelled_timeline(target);
  return spelled;
}

}  // namespace backup_engine::restore

namespace backup_engine {

void require_sound(const RecoveryTarget& target) {
  static_cast<void>(restore::spelled_for_postgres(target));
}

}  // namespace backup_engine
