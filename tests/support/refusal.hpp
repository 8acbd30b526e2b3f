// What a piece of work was refused with.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "backup_engine/base/error.hpp"

namespace tests {

// All that the base::Error of `kind` says which `work` throws: its message and its remedy.
inline std::string refusal(const std::function<void()>& work, backup_engine::base::ErrorKind kind) {
  try {
    work();
    ADD_FAILURE() << "was not refused";
  } catch (const backup_engine::base::Error& error) {
    EXPECT_EQ(error.kind(), kind) << describe(error);
    return describe(error);
  }
  return "";
}

}  // namespace tests
