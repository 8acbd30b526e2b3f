// Why a probe could not have a lock. Nobody else works with a restored server, but a transaction that was prepared and
// never decided comes back with its locks.
#pragma once

#include <string>

#include "backup_engine/base/error.hpp"
#include "harness/verify/cluster.hpp"

namespace harness::verify {

// "; locks are held by the prepared transaction 'NAME' (database D, prepared at T)", each that holds one on a relation;
// "" where none does, or the server cannot be asked.
[[nodiscard]] std::string prepared_lock_holders(const Cluster& cluster);

// Throws it again, as it was; where it says that a lock did not come free, with who holds locks.
[[noreturn]] void rethrow_with_lock_holders(const Cluster& cluster, const backup_engine::base::Error& error);

template <typename Probe>
[[nodiscard]] auto naming_lock_holders(const Cluster& cluster, const Probe& probe) {
  try {
    return probe();
  } catch (const backup_engine::base::Error& error) {
    rethrow_with_lock_holders(cluster, error);
  }
}

}  // namespace harness::verify
