// A repository with a full backup and an incremental on it, into which another backup goes wrong; and what must hold
// afterwards: what was there is whole, `verify` says what is, the next backup succeeds and expire cleans up.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "backup_engine/expire.hpp"
#include "backup_engine/store/intent.hpp"
#include "backup_engine/verify.hpp"
#include "tests/fault/faulty_file_system.hpp"
#include "tests/fault/served_directory.hpp"

namespace tests {

// In memory where there is such a place: thousands of small files come and go.
[[nodiscard]] std::filesystem::path fault_directory();

// Published backups by label, with what each holds.
using Published = std::map<std::string, Contents>;

[[nodiscard]] backup_engine::RetentionRules keep_all();

// Takes a backup of the cluster's files as of `state` into DIRECTORY/repository. Returns its label.
std::string take(const std::filesystem::path& directory, backup_engine::base::FileSystem& files,
                 backup_engine::BackupType type, unsigned state);
// Makes DIRECTORY/repository: WAL, a full of state 0, an incremental of state 1.
[[nodiscard]] Published make_chain(const std::filesystem::path& directory);

// One directory with the repository in it, after something went wrong there. Nothing here strikes.
class Aftermath {
 public:
  explicit Aftermath(const std::filesystem::path& directory);

  [[nodiscard]] std::set<std::string> labels();
  [[nodiscard]] std::vector<backup_engine::store::Intent> intents();
  // Damage nowhere but in `known` objects, every published backup restorable, debris exactly what no manifest accounts
  // for.
  void expect_verify_tells_the_truth(const std::set<std::string>& known = {});
  // Through restore, or block by block.
  void expect_restores(const std::string& label, const Contents& files);
  void expect_holds(const Published& published);
  // Whoever died holds its things until it is revoked; then expire.
  void clean_up(const backup_engine::RetentionRules& rules);
  // No intent, and no object, put or empty folder that belongs to no backup.
  void expect_nothing_else();

 private:
  // Of the folders of backups, what the published ones name and what lies in their own.
  [[nodiscard]] std::set<std::string> needed();
  [[nodiscard]] std::set<std::string> debris();

  std::filesystem::path directory_;
  FaultyFileSystem files_;
  std::unique_ptr<backup_engine::store::Storage> storage_;
};

}  // namespace tests
