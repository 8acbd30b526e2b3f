#include "harness/verify/ledger_probe.hpp"

#include <algorithm>
#include <charconv>

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

std::vector<std::uint64_t> probe_ledger_xids(const Cluster& cluster) {
  auto connection = open_session(cluster, cluster.database);
  const auto text = to_text(connection.query("SELECT string_agg(xid::text, ' ') FROM lifeboat.ledger")[0][0]);
  std::vector<std::uint64_t> xids;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    std::uint64_t xid = 0;
    at = std::from_chars(at, end, xid).ptr + 1;
    xids.push_back(xid);
  }
  std::sort(xids.begin(), xids.end());
  return xids;
}

}  // namespace harness::verify
