// Compares a text with fixtures/golden/reports/NAME. With LIFEBOAT_UPDATE_GOLDEN set, writes the file instead and
// fails, so that a run that updates can never be taken for one that tested.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/support/places.hpp"

namespace reports::render {

inline void expect_golden(const std::string& name, const std::string& text) {
  const auto path = tests::source_directory() / "fixtures/golden/reports" / name;
  if (std::getenv("LIFEBOAT_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    ADD_FAILURE() << "wrote " << path << "; read it, then run again without LIFEBOAT_UPDATE_GOLDEN";
    return;
  }
  std::ifstream file(path, std::ios::binary);
  ASSERT_TRUE(file.is_open()) << path;
  std::ostringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(text, expected.str()) << name
                                  << " changed; if that is meant, run with LIFEBOAT_UPDATE_GOLDEN=1 and read it";
}

}  // namespace reports::render
