#include "backup_engine/damaged_page.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace backup_engine {

std::string text_of(const std::vector<DamagedPage>& pages) {
  constexpr std::size_t most_named = 8;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(pages.size(), most_named); ++i) {
    names.push_back(fmt::format("{} block {}", pages[i].file, pages[i].block));
  }
  if (pages.size() > most_named) names.push_back(fmt::format("and {} more", pages.size() - most_named));
  return fmt::format("{} damaged page{} ({})", pages.size(), pages.size() == 1 ? "" : "s", fmt::join(names, ", "));
}

}  // namespace backup_engine
