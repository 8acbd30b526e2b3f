// One line that says how far long work is: bar, bytes, rate and time left. Pure; the caller owns clock and terminal.
#pragma once

#include <cstdint>
#include <string>

#include "reports/render/style.hpp"

namespace reports::render {

struct ProgressState {
  std::string phase;
  std::uint64_t done_bytes = 0;
  std::uint64_t total_bytes = 0;  // 0 when not known
  double elapsed_seconds = 0;     // in this phase
};

// At most style.columns columns, without a newline; what does not fit is left out: first the bar, then the rate,
// the bytes and the time left.
[[nodiscard]] std::string progress_line(const ProgressState& state, const Style& style);

// For logs: "restore: 620.0 MB of 1.0 GB (62 %), 124.0 MB/s, 3.06 s left". No colours, no newline.
[[nodiscard]] std::string plain_progress_line(const ProgressState& state);

}  // namespace reports::render
