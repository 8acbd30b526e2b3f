// RPO: which acknowledged transactions came back, which are lost, and which were given up knowingly (docs/glossary.md,
// "RPO"). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/measure/ledger_index.hpp"
#include "reports/record/evidence.hpp"
#include "reports/record/ledger.hpp"
#include "reports/record/report.hpp"

namespace harness::measure {

// The recovery target, where there is one: what was acknowledged past it is discarded, not lost.
struct TargetPoint {
  std::int64_t time_microseconds = 0;  // since the Unix epoch
  std::string lsn;                     // with it and the witness's commits WAL order decides, else the time
};

struct RpoQuestion {
  std::int64_t disaster_microseconds = 0;
  std::optional<TargetPoint> target;  // absent: the end of WAL
  std::optional<double> objective_seconds;
};

// Was this transaction asked for? By WAL order where the witness knows its commit, by the clock otherwise: what was
// answered by the target's time had committed by then.
class Asked {
 public:
  // order: of the witness WAL, nullptr where there is none. It and the ledger must outlive this.
  Asked(const RpoQuestion& question, const reports::record::CommitOrderEvidence* order,
        const std::vector<reports::record::LedgerTransaction>& ledger);
  // Of a transaction of that ledger itself.
  [[nodiscard]] bool operator()(const reports::record::LedgerTransaction& transaction) const;

 private:
  std::optional<TargetPoint> target_;
  backup_engine::postgres::Lsn target_lsn_;
  std::optional<TransactionEnds> ends_;
};

// rows: the target's ledger rows, duplicates kept. order: of the witness WAL, nullptr where there is none. Without an
// objective `met` stays empty.
[[nodiscard]] reports::record::Rpo measure_rpo(const RpoQuestion& question,
                                               const std::vector<reports::record::LedgerTransaction>& ledger,
                                               const reports::record::LedgerRows& rows,
                                               const reports::record::CommitOrderEvidence* order);

}  // namespace harness::measure
