#include "harness/extract/condition.hpp"

#include <fmt/format.h>

namespace harness::extract {

std::array<std::string, 2> condition_checks(const std::string& from, const std::string& condition) {
  // The parameter lets the protocol take one statement and no second one. The new line ends a comment.
  return {fmt::format("EXPLAIN SELECT $1::text {} WHERE (\n{}\n)", from, condition),
          fmt::format("EXPLAIN SELECT $1::text {} WHERE ARRAY[\n{}\n] IS NOT NULL", from, condition)};
}

}  // namespace harness::extract
