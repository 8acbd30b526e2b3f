// Backups that the operations log says were taken, and that are not there although nobody expired anything since: what
// a manifest that was removed by hand, or lost, looks like.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "backup_engine/operations.hpp"
#include "backup_engine/store/storage.hpp"
#include "backup_engine/verify/findings.hpp"

namespace backup_engine::verify {

// Of one cluster. Made before the backups are listed: what is published later is then no concern of it.
class RecordedBackups {
 public:
  // Reads the log. `storage` and `findings` outlive this.
  RecordedBackups(store::Storage& storage, std::string cluster, Findings& findings);

  // `there`: every backup with a manifest, all of which could be read. `folders`: labels below which anything lies.
  // What is missing is a finding; returns the labels of those of which something is left.
  std::set<std::string> check(const std::vector<BackupSummary>& there, const std::set<std::string>& folders) const;

 private:
  struct Taken {
    Operation operation;
    std::size_t position = 0;  // in the log
  };
  [[nodiscard]] bool is_expired_since(const Taken& taken) const;
  [[nodiscard]] std::string left_by(const Operation& taken, const std::vector<BackupSummary>& there,
                                    const std::set<std::string>& folders) const;

  store::Storage& storage_;
  const std::string cluster_;
  Findings& findings_;
  std::vector<Taken> taken_;
};

}  // namespace backup_engine::verify
