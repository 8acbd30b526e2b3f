#include "harness/cli/whole_numbers.hpp"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <charconv>
#include <cstdint>
#include <limits>

namespace harness::cli {

namespace {

// Empty when it is one.
std::string why_no_whole_number(const std::string& value) {
  std::uint64_t number = 0;
  const auto* const end = value.data() + value.size();
  const auto read = std::from_chars(value.data(), end, number);
  const bool octal = value.size() > 1 && value[0] == '0';
  if (read.ec == std::errc() && read.ptr == end && !octal) return "";
  return fmt::format("'{}' is no whole number from 0 to {}, in decimal digits", value,
                     std::numeric_limits<std::uint64_t>::max());
}

bool is_number(const CLI::Option& option) {
  const auto type = option.get_type_name();  // with what is allowed behind it, if that is said
  return type.starts_with("UINT") || type == "N";
}

}  // namespace

void require_whole_numbers(CLI::App& app) {
  for (auto* verb : app.get_subcommands([](const CLI::App*) { return true; })) require_whole_numbers(*verb);
  for (auto* option : app.get_options()) {
    if (is_number(*option)) option->check(why_no_whole_number);
  }
}

}  // namespace harness::cli
