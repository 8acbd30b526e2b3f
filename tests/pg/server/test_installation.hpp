// Which PostgreSQL the tests run with: the newest that is installed, or the one that LIFEBOAT_TEST_PG_BINDIR names, so
// that the same tests show the same of every supported major.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "harness/server/installation.hpp"

namespace harness::server {

[[nodiscard]] inline Installation test_installation() {
  const char* const wanted = std::getenv("LIFEBOAT_TEST_PG_BINDIR");
  if (wanted == nullptr || *wanted == '\0') return choose_installation(find_installations(std::nullopt), std::nullopt);
  return choose_installation(find_installations(std::filesystem::path(wanted)), std::nullopt);
}

}  // namespace harness::server
