// A directory for one test's files, and the expectation that something throws an Error of a kind with a text.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/temporary_directory.hpp"

namespace reports::record {

class Scratch : public testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path path(const std::string& name) const { return directory_.path() / name; }

  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }

 private:
  backup_engine::base::TemporaryDirectory directory_{std::filesystem::temp_directory_path(), "lifeboat-record"};
};

template <class Call>
void expect_error(backup_engine::base::ErrorKind kind, const std::string& text, const Call& call) {
  try {
    call();
    ADD_FAILURE() << "nothing was thrown, expected: " << text;
  } catch (const backup_engine::base::Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_THAT(error.what(), testing::HasSubstr(text));
  }
}

}  // namespace reports::record
