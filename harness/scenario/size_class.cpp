#include "harness/scenario/language.hpp"
#include "harness/scenario/scenario.hpp"

namespace harness::scenario {

SizeClass size_class_of(std::uint64_t database_bytes) {
  constexpr std::uint64_t gigabyte = 1'000'000'000;
  if (database_bytes < gigabyte) return SizeClass::small;
  return database_bytes <= 10 * gigabyte ? SizeClass::medium : SizeClass::large;
}

std::string_view to_string(SizeClass size) {
  for (const auto& word : size_words) {
    if (word.meaning == size) return word.text;
  }
  return "unknown";
}

Objectives objectives_for(const Scenario& scenario, std::optional<SizeClass> size) {
  auto result = scenario.objectives;
  const auto found = size ? scenario.objectives_by_size.find(*size) : scenario.objectives_by_size.end();
  if (found == scenario.objectives_by_size.end()) return result;
  if (found->second.rto) result.rto = found->second.rto;
  if (found->second.rpo) result.rpo = found->second.rpo;
  return result;
}

}  // namespace harness::scenario
