// Random numbers of a test: another seed each time, which is printed with all that fails.
#pragma once

#include <gtest/gtest.h>

#include <iostream>
#include <random>
#include <string>

namespace tests {

class RandomNumbers {
 public:
  using result_type = std::mt19937::result_type;
  RandomNumbers() : trace_(__FILE__, __LINE__, "seed " + std::to_string(seed_)) {
    std::cout << "seed " << seed_ << "\n";
  }

  static constexpr result_type min() { return std::mt19937::min(); }
  static constexpr result_type max() { return std::mt19937::max(); }
  result_type operator()() { return numbers_(); }

 private:
  std::random_device::result_type seed_ = std::random_device{}();
  std::mt19937 numbers_{seed_};
  testing::ScopedTrace trace_;
};

}  // namespace tests
