// The ledger's transactions and the commit records of the witness WAL, found by xid. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "backup_engine/postgres/lsn.hpp"
#include "reports/record/evidence.hpp"

namespace harness::measure {

// Where each transaction's commit record starts. WAL has xids without epoch, so the lower 32 bits decide; a
// subtransaction's xid is nobody's commit.
class CommitPositions {
 public:
  // `records` must outlive this. Throws base::Error(corrupt) for an LSN that is none.
  explicit CommitPositions(const std::vector<reports::record::CommitRecord>& records);
  // nullopt: no commit record (aborted, in doubt and never decided, or outside of the witness).
  [[nodiscard]] std::optional<backup_engine::postgres::Lsn> of(std::uint64_t xid) const;
  // Its commit or abort record; nullptr where the witness has neither.
  [[nodiscard]] const reports::record::CommitRecord* record_of(std::uint64_t xid) const;

 private:
  struct End {
    backup_engine::postgres::Lsn position;
    const reports::record::CommitRecord* record;
  };
  std::unordered_map<std::uint32_t, End> ends_;
};

// Throws base::Error(corrupt) naming `what`.
[[nodiscard]] backup_engine::postgres::Lsn position_of(const std::string& lsn, const char* what);

}  // namespace harness::measure
