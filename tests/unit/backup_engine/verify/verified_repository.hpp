// A repository with a cluster and nothing in it yet, for the tests of verify.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "backup_engine/verify.hpp"
#include "tests/fault/faulty_file_system.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"

namespace tests {

class VerifiedRepository : public ::testing::Test {
 protected:
  VerifiedRepository() {
    backup_engine::store::init_repository(location_, files_);
    storage_ = backup_engine::store::open_repository(location_, files_);
    backup_engine::store::open_or_create_cluster(*storage_, "main", some_cluster());
  }
  [[nodiscard]] backup_engine::VerifyResult verify(std::optional<std::string> cluster = {},
                                                   std::optional<std::string> label = {}) const {
    backup_engine::base::NoProgress progress;
    return backup_engine::verify_repository({location_, std::move(cluster), std::move(label), 2}, progress);
  }
  void remove(const std::string& object) const {
    std::filesystem::remove(std::filesystem::path(location_.text) / object);
  }

  backup_engine::base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-verify"};
  FaultyFileSystem files_{directory_.path()};  // without a fault: does not wait for the disk
  backup_engine::RepositoryLocation location_{(directory_.path() / "repository").string()};
  std::unique_ptr<backup_engine::store::Storage> storage_;
};

}  // namespace tests
