// WAL that arrives in a repository with a chain of backups while one operation after the other goes wrong; and what
// must hold each time: what was acknowledged is there, the backups beside it restore, verify tells the truth, the next
// run succeeds and expire cleans up.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "backup_engine/wal/wal_archive.hpp"
#include "tests/fault/backup_trial.hpp"

namespace tests {

constexpr std::uint64_t megabyte = 1024 * 1024;
constexpr backup_engine::postgres::TimelineId timeline_one{1};

// The WAL that follows make_chain's, up to 0/1500000, from wal_start on; of timeline 1.
[[nodiscard]] const Bytes& going_on();
// Position of `wal` up to `end`, from wal_start on.
[[nodiscard]] std::span<const std::byte> stretch(const Bytes& wal, std::uint64_t from, std::uint64_t end);

// A copy of the chain, the fault, and what was acknowledged.
class WalBesideBackup {
 public:
  WalBesideBackup();

  [[nodiscard]] FaultyFileSystem& files() { return files_; }
  [[nodiscard]] backup_engine::RepositoryLocation location() const {
    return {(directory_.path() / "repository").string()};
  }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }

  // Of timeline 1: its bytes are there up to `end`, but for [gap_from, gap_to).
  void expect_wal_up_to(backup_engine::postgres::Lsn end, std::uint64_t gap_from = 0, std::uint64_t gap_to = 0);
  // Verify, and restore; of `known` damage is no failure.
  void expect_backups(const std::set<std::string>& known = {});
  // Then nothing is left over.
  void expect_cleaned_up(const std::set<std::string>& known = {});

 private:
  backup_engine::base::TemporaryDirectory directory_{fault_directory(), "lifeboat-wal-fault"};
  FaultyFileSystem files_;
};

// `run` over the file system where the fault strikes, which throws Error when it failed; then `look` at what is left.
// At every `step`th operation, from another one on for each fault; with `from_last` only of so many at the end.
struct Sweep {
  std::function<void(WalBesideBackup&, backup_engine::base::FileSystem&)> run;
  std::function<void(WalBesideBackup&, bool succeeded)> look;
  std::uint64_t step = 1, from_last = 0;
};
void strike_everywhere(Fault fault, const Sweep& sweep);

}  // namespace tests
