#include "tests/support/places.hpp"

namespace tests {

const std::filesystem::path& source_directory() {
  static const std::filesystem::path directory(LIFEBOAT_SOURCE_DIR);
  return directory;
}

const std::filesystem::path& lifeboat_program() {
  static const std::filesystem::path program(LIFEBOAT_BINARY);
  return program;
}

}  // namespace tests
