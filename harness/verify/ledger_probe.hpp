// The ledger rows that a target holds, each with the digest of its business effects as computed there now.
#pragma once

#include "harness/verify/cluster.hpp"
#include "reports/record/evidence.hpp"

namespace harness::verify {

// What recomputed_digest says where a ledger row's transaction left no business row at all.
inline constexpr const char* no_effects = "no effects";

// Reads lifeboat.ledger without its indexes; recomputed digests come from lifeboat.recomputed_digests() where the
// dataset has it. Throws base::Error(server) when there is no ledger.
[[nodiscard]] reports::record::LedgerRows probe_ledger(const Cluster& cluster);

// The xids of its rows alone, ascending, duplicates kept: for who must ask again and again.
[[nodiscard]] std::vector<std::uint64_t> probe_ledger_xids(const Cluster& cluster);

}  // namespace harness::verify
