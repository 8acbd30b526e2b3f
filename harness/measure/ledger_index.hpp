// The ledger's transactions and the commit records of the witness WAL, found by xid. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "backup_engine/postgres/lsn.hpp"
#include "reports/record/evidence.hpp"
#include "reports/record/ledger.hpp"

namespace harness::measure {

// Where in the WAL a transaction ended, committed or rolled back.
struct TransactionEnd {
  const reports::record::CommitRecord* record = nullptr;
  backup_engine::postgres::Lsn position;
  bool abandoned = false;  // on a timeline behind where recovery had to leave it: it does not count
  // Committed, and on the way that recovery had to go.
  [[nodiscard]] bool counts() const { return !abandoned && record->committed; }
};

// How each transaction of a ledger ended. WAL has xids without epoch, so the lower 32 bits decide; a subtransaction's
// xid is nobody's end. Where two timelines gave one xid to two transactions, each record belongs to the transaction
// whose COMMIT was sent and answered nearest to its stamp.
class TransactionEnds {
 public:
  // Both must outlive this. Throws base::Error(corrupt) for an LSN that is none.
  TransactionEnds(const reports::record::CommitOrderEvidence& order,
                  const std::vector<reports::record::LedgerTransaction>& ledger);
  // nullptr: in doubt and never decided, or outside of the witness. Of transactions of that ledger itself, not of
  // copies.
  [[nodiscard]] const TransactionEnd* of(const reports::record::LedgerTransaction& transaction) const;
  // Where its commit record starts, if that counts.
  [[nodiscard]] std::optional<backup_engine::postgres::Lsn> commit_of(
      const reports::record::LedgerTransaction& transaction) const;

 private:
  std::unordered_map<const reports::record::LedgerTransaction*, TransactionEnd> ends_;
};

// Throws base::Error(corrupt) naming `what`.
[[nodiscard]] backup_engine::postgres::Lsn position_of(const std::string& lsn, const char* what);

}  // namespace harness::measure
