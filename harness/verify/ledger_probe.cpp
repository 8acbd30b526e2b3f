#include "harness/verify/ledger_probe.hpp"

namespace harness::verify {

using reports::record::LedgerRow;
using reports::record::LedgerRows;

LedgerRows probe_ledger(const Cluster& cluster) {
  auto connection = open_session(cluster, cluster.database);
  connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const auto has_function = !connection
                                 .query(
                                     "SELECT 1 FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE "
                                     "n.nspname = 'lifeboat' AND p.proname = 'recomputed_digests' AND p.pronargs = 0")
                                 .empty();
  const auto rows = connection.query(
      has_function ? "SELECT l.id, l.xid::text, l.digest, coalesce(r.digest, 'no effects') FROM lifeboat.ledger AS l "
                     "LEFT JOIN lifeboat.recomputed_digests() AS r ON r.id = l.id ORDER BY l.id"
                   : "SELECT id, xid::text, digest, '' FROM lifeboat.ledger ORDER BY id");
  connection.execute("COMMIT");
  LedgerRows ledger;
  ledger.rows.reserve(rows.size());
  for (const auto& row : rows) {
    ledger.rows.push_back(LedgerRow{to_integer(row[0]), to_count(row[1]), to_text(row[2]), to_text(row[3])});
  }
  return ledger;
}

}  // namespace harness::verify
