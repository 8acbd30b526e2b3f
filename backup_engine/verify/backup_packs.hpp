// The packs of one backup, each judged by the blocks that this backup keeps in it: a stretch of packs at a time, so
// that memory does not grow with the backup, and only what no other backup of its chain was verified with.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backup_engine/store/backup_reader.hpp"
#include "backup_engine/verify/block_placement.hpp"
#include "backup_engine/verify/findings.hpp"
#include "backup_engine/verify/pack_check.hpp"
#include "backup_engine/verify/shared_checks.hpp"
#include "backup_engine/verify/verified_backup.hpp"

namespace backup_engine::verify {

class BackupPacks {
 public:
  // All of them outlive this. `most`: pieces of the backup that are held at a time.
  BackupPacks(store::Storage& storage, const std::string& cluster, const store::Manifest& manifest, unsigned jobs,
              SharedChecks& shared, Findings& findings, std::size_t most = most_placed);
  ~BackupPacks();

  // Its tables; until they are open and its blocks placed, packs are judged by their headers and hashes alone. Both
  // throw Error as BackupReader and BlockPlacement do; then close_tables() first.
  const store::BackupReader& open_tables();
  void place_blocks();
  void close_tables();

  // Reads every pack. Returns "OBJECT: what is wrong" with the first of which the backup needs what is damaged; empty
  // when there is none. Throws Error(corrupt) when the tables are not what they were; interrupted.
  [[nodiscard]] std::string read();

 private:
  [[nodiscard]] std::vector<Wanted> wanted_blocks() const;
  [[nodiscard]] std::string name_of(std::size_t row) const;
  [[nodiscard]] bool is_known(std::size_t row) const;
  void read_placed(BlockPlacement& placement, const std::vector<Wanted>* only);
  void read_without_unpacking();
  PackVerdict read_pack(std::size_t row, const store::BackupReader* reader, std::vector<PlacedBlocks> blocks);
  void note(std::size_t row, const std::string& damage);

  store::Storage& storage_;
  const std::string cluster_;
  const store::Manifest& manifest_;
  const unsigned jobs_;
  SharedChecks& shared_;
  Findings& findings_;
  const std::size_t most_;
  std::unique_ptr<VerifiedBackup> verified_;
  std::unique_ptr<store::BackupReader> reader_;
  std::unique_ptr<BlockPlacement> placement_;
  std::vector<std::string> damage_;  // by row
};

}  // namespace backup_engine::verify
