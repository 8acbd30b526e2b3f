#include "harness/scenario/repeat_parser.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/scenario/yaml_reader.hpp"

namespace harness::scenario {

unsigned parse_repeat(const Reader& reader, const YAML::Node& node) {
  constexpr int most_repeats = 100;
  return static_cast<unsigned>(reader.whole_number(node, "repeat", 1, most_repeats));
}

std::vector<std::uint64_t> parse_sizes(const Reader& reader, const YAML::Node& node) {
  if (!node.IsSequence()) return {reader.size(node, "at_size")};
  std::vector<std::uint64_t> result;
  for (const auto& item : node) {
    const auto bytes = reader.size(item, "a size of at_size");
    if (std::find(result.begin(), result.end(), bytes) != result.end()) {
      reader.fail(item, fmt::format("at_size lists {} twice", item.Scalar()), "keep one of the two");
    }
    result.push_back(bytes);
  }
  if (result.empty()) reader.fail(node, "at_size lists no size", "write one, 500GB say, or remove \"at_size\"");
  return result;
}

}  // namespace harness::scenario
