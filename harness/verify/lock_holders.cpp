#include "harness/verify/lock_holders.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

namespace harness::verify {

using backup_engine::base::Error;

namespace {

constexpr const char* lock_not_available = "55P03";

}  // namespace

std::string prepared_lock_holders(const Cluster& cluster) {
  std::vector<std::string> holders;
  try {
    // Its locks have no process; they share a virtual transaction with the lock on its own xid.
    for (const auto& row :
         cluster.connect(cluster.database)
             .query(
                 "SELECT p.gid, p.database, p.prepared FROM pg_catalog.pg_prepared_xacts AS p WHERE EXISTS (SELECT "
                 "FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_locks AS x USING (virtualtransaction) WHERE l.pid "
                 "IS NULL AND x.pid IS NULL AND l.locktype = 'relation' AND x.transactionid = p.transaction) ORDER "
                 "BY p.prepared, p.gid")) {
      holders.push_back(
          fmt::format("'{}' (database {}, prepared at {})", to_text(row[0]), to_text(row[1]), to_text(row[2])));
    }
  } catch (const Error&) {
    return "";
  }
  if (holders.empty()) return "";
  return fmt::format("; locks are held by the prepared transaction{} {}", holders.size() == 1 ? "" : "s",
                     fmt::join(holders, ", "));
}

void rethrow_with_lock_holders(const Cluster& cluster, const Error& error) {
  if (error.sqlstate() != lock_not_available) throw error;
  const std::string what = error.what();
  throw Error(error.kind(), what.substr(0, what.find('\n')) + prepared_lock_holders(cluster))
      .with_sqlstate(error.sqlstate());
}

}  // namespace harness::verify
