#include "backup_engine/wal/wal_gap.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "backup_engine/store/names.hpp"

namespace backup_engine::wal {

using postgres::Lsn;
using postgres::TimelineId;

namespace {

std::optional<std::uint64_t> hex_number(std::string_view digits) {
  const bool upper_hex = std::ranges::all_of(
      digits, [](char digit) { return (digit >= '0' && digit <= '9') || (digit >= 'A' && digit <= 'F'); });
  std::uint64_t value = 0;
  if (!upper_hex) return std::nullopt;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}

}  // namespace

std::string gap_object_name(const std::string& cluster, const WalGap& gap) {
  return fmt::format("{}{}.gap-{:016X}-{:016X}", store::wal_prefix(cluster), to_hex(gap.timeline),
                     gap.from.position_bytes(), gap.to.position_bytes());
}

std::optional<WalGap> parse_gap_object(const std::string& cluster, std::string_view name) {
  constexpr std::size_t timeline_digits = 8, lsn_digits = 16, mark_length = 5;
  const auto prefix = store::wal_prefix(cluster);
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  if (name.size() != timeline_digits + mark_length + 2 * lsn_digits + 1) return std::nullopt;
  if (name.substr(timeline_digits, mark_length) != ".gap-") return std::nullopt;
  const auto positions = name.substr(timeline_digits + mark_length);
  const auto timeline = hex_number(name.substr(0, timeline_digits));
  const auto from = hex_number(positions.substr(0, lsn_digits));
  const auto to = hex_number(positions.substr(lsn_digits + 1));
  if (!timeline || !from || !to || *from >= *to || positions[lsn_digits] != '-') return std::nullopt;
  return WalGap{TimelineId(static_cast<std::uint32_t>(*timeline)), Lsn(*from), Lsn(*to)};
}

}  // namespace backup_engine::wal
