#include "reports/render/progress_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "backup_engine/base/quantity_text.hpp"
#include "reports/render/text.hpp"

namespace reports::render {

using backup_engine::base::bytes_text;
using backup_engine::base::seconds_text;

namespace {

// Below this a rate is noise.
constexpr double shortest_seconds = 0.2;

double fraction_of(const ProgressState& state) {
  if (state.total_bytes == 0) return 0;
  return std::min(1.0, static_cast<double>(state.done_bytes) / static_cast<double>(state.total_bytes));
}

std::optional<double> rate_of(const ProgressState& state) {
  if (state.elapsed_seconds < shortest_seconds || state.done_bytes == 0) return std::nullopt;
  return static_cast<double>(state.done_bytes) / state.elapsed_seconds;
}

std::string bytes_part(const ProgressState& state) {
  if (state.total_bytes == 0) return state.done_bytes == 0 ? "" : bytes_text(state.done_bytes);
  return fmt::format("{} of {}", bytes_text(state.done_bytes), bytes_text(state.total_bytes));
}

std::string rate_part(const ProgressState& state) {
  const auto rate = rate_of(state);
  return rate ? bytes_text(static_cast<std::uint64_t>(*rate)) + "/s" : "";
}

std::string time_part(const ProgressState& state) {
  const auto rate = rate_of(state);
  if (!rate || state.total_bytes == 0) return seconds_text(state.elapsed_seconds);
  const auto left = state.total_bytes > state.done_bytes ? state.total_bytes - state.done_bytes : 0;
  return seconds_text(static_cast<double>(left) / *rate) + " left";
}

// Full blocks, then one of eighths, so that slow work is seen to move.
std::string bar(double fraction, std::size_t columns, bool utf8) {
  if (!utf8) {
    const auto filled = static_cast<std::size_t>(fraction * static_cast<double>(columns));
    return "[" + std::string(filled, '#') + std::string(columns - filled, '.') + "]";
  }
  constexpr std::array eighths{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto filled_eighths = static_cast<std::size_t>(fraction * static_cast<double>(columns) * 8);
  std::string text;
  for (std::size_t i = 0; i < filled_eighths / 8; ++i) text += "█";
  text += eighths[filled_eighths % 8];
  while (width_of(text) < columns) text += "░";
  return text;
}

std::string coloured(const std::string& text, const char* code, bool colour) {
  return colour ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
}

}  // namespace

std::string progress_line(const ProgressState& state, const Style& style) {
  constexpr std::size_t phase_columns = 12, narrowest_bar = 8, widest_bar = 32, gap = 2;
  auto phase =
      cut_to_width(printable_line(state.phase), std::min<std::size_t>(24, style.columns), style.utf8 ? "…" : ".");
  if (width_of(phase) < phase_columns && style.columns > 2 * phase_columns) {
    phase.append(phase_columns - width_of(phase), ' ');
  }
  auto left = static_cast<std::size_t>(style.columns) - width_of(phase);
  const auto percent = state.total_bytes == 0 ? "" : fmt::format("{:3.0f} %", fraction_of(state) * 100);
  // In the order in which they are kept when the line is narrow; shown in the order of reading.
  const std::array<std::pair<std::size_t, std::string>, 4> candidates{
      {{0, percent}, {3, time_part(state)}, {1, bytes_part(state)}, {2, rate_part(state)}}};
  std::array<std::string, 4> parts;
  for (const auto& [place, text] : candidates) {
    if (text.empty() || width_of(text) + gap > left) continue;
    parts[place] = text;
    left -= width_of(text) + gap;
  }
  auto line = coloured(phase, "1", style.colour);
  const std::size_t frame = style.utf8 ? 0 : 2;
  if (state.total_bytes != 0 && left >= narrowest_bar + frame + gap) {
    const auto columns = std::min(widest_bar, left - frame - gap);
    line += std::string(gap, ' ') + coloured(bar(fraction_of(state), columns, style.utf8), "36", style.colour);
  }
  for (const auto& part : parts) {
    if (!part.empty()) line += std::string(gap, ' ') + part;
  }
  return line;
}

std::string plain_progress_line(const ProgressState& state) {
  std::vector<std::string> parts;
  if (auto bytes = bytes_part(state); !bytes.empty()) {
    if (state.total_bytes != 0) bytes += fmt::format(" ({:.0f} %)", fraction_of(state) * 100);
    parts.push_back(bytes);
  }
  if (auto rate = rate_part(state); !rate.empty()) parts.push_back(rate);
  parts.push_back(time_part(state));
  return fmt::format("{}: {}", printable_line(state.phase), fmt::join(parts, ", "));
}

}  // namespace reports::render
