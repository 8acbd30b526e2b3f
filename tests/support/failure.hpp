// What a piece of work failed with. A test that does not fail where it must is a failed test.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "backup_engine/base/error.hpp"

namespace tests {

// The kind of the base::Error that `work` throws, and its message where wanted.
inline backup_engine::base::ErrorKind kind_of_failure(const std::function<void()>& work,
                                                      std::string* message = nullptr) {
  try {
    work();
  } catch (const backup_engine::base::Error& error) {
    if (message != nullptr) *message = error.what();
    return error.kind();
  }
  ADD_FAILURE() << "did not fail";
  return backup_engine::base::ErrorKind::internal;
}

}  // namespace tests
