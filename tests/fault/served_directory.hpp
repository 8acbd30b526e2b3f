// A source without a server: the small data directory of a cluster that never ran, served as a backup's source serves a
// running one. Every backup of it starts and stops in the WAL that put_wal (small_repository.hpp) puts.
#pragma once

#include <filesystem>
#include <string>

#include "backup_engine/backup/take_backup.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"

namespace tests {

// The files of the data directory at the `state`-th look: from one to the next a block changes, a file grows and a file
// comes, the rest stays.
[[nodiscard]] const Contents& cluster_files(unsigned state);

class ServedDirectory final : public backup_engine::backup::Source {
 public:
  // Makes `directory` (absent) and `files` in it.
  ServedDirectory(std::filesystem::path directory, const Contents& files);

  [[nodiscard]] std::string name() const override { return "files"; }
  [[nodiscard]] backup_engine::backup::ServerFacts check() override;
  [[nodiscard]] backup_engine::backup::StartedBackup start(const std::string& label,
                                                           const std::stop_token& stop) override;
  void end_segment() override {}
  void copy(backup_engine::backup::BackupContents& contents, backup_engine::base::Progress& progress,
            const std::stop_token& stop) override;
  [[nodiscard]] backup_engine::backup::StoppedBackup stop(const std::stop_token& stop) override;

 private:
  std::filesystem::path directory_;
};

}  // namespace tests
