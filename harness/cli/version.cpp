#include "harness/cli/version.hpp"

#include <fmt/format.h>

namespace harness::cli {

std::string version() {
  return LIFEBOAT_VERSION;
}
std::string revision() {
  return LIFEBOAT_REVISION;
}
std::string version_text() {
  return fmt::format("lifeboat {} ({})", version(), revision());
}

}  // namespace harness::cli
