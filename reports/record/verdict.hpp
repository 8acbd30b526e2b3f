// Three-valued verdicts, merged by the worst: fail outranks unknown, unknown outranks pass.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace reports::record {

enum class Verdict { pass, unknown, fail };  // in the order of badness

[[nodiscard]] constexpr Verdict worst(Verdict a, Verdict b) {
  return a > b ? a : b;
}
[[nodiscard]] std::string_view to_string(Verdict verdict);
[[nodiscard]] std::optional<Verdict> parse_verdict(std::string_view text);

}  // namespace reports::record
