#include "reports/record/verdict.hpp"

namespace reports::record {

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return "pass";
    case Verdict::unknown:
      return "unknown";
    case Verdict::fail:
      return "fail";
  }
  return "unknown";
}

std::optional<Verdict> parse_verdict(std::string_view text) {
  for (const auto verdict : {Verdict::pass, Verdict::unknown, Verdict::fail}) {
    if (text == to_string(verdict)) return verdict;
  }
  return std::nullopt;
}

}  // namespace reports::record
