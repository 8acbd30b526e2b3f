#include "harness/extract/lock_holders.hpp"

#include <fmt/format.h>

namespace harness::extract {

namespace {

// A prepared transaction has no process, and keeps the virtual number of the session that prepared it ('-1/' and its
// own number, as PostgreSQL's manual has it, only after a restart): the lock on its number is what tells it by both.
constexpr auto select = R"(
WITH held AS (
  SELECT pid, virtualtransaction FROM pg_locks
   WHERE locktype = 'relation' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
     AND granted AND relation = ANY ($1::oid[])
)
SELECT a.pid, format('process %s (%s%s)', a.pid, coalesce(nullif(a.application_name, ''), 'no name'),
                     CASE WHEN a.state LIKE 'idle%' THEN ', idle in its transaction' ELSE '' END), false
  FROM held h JOIN pg_stat_activity a ON a.pid = h.pid
 WHERE a.pid <> pg_backend_pid() AND a.application_name IS DISTINCT FROM 'lifeboat extract'
   AND coalesce(clock_timestamp() - a.xact_start, '0') >= $2::interval
UNION
SELECT NULL, format('the prepared transaction %L', p.gid), true
  FROM held h JOIN pg_locks x ON x.virtualtransaction = h.virtualtransaction AND x.pid IS NULL AND x.locktype = 'transactionid'
  JOIN pg_prepared_xacts p ON p.transaction = x.transactionid
 WHERE h.pid IS NULL AND clock_timestamp() - p.prepared >= $2::interval
 ORDER BY 3 DESC, 1 LIMIT 10)";

}  // namespace

LockHolders holders_of_locks(backup_engine::postgres::Connection& live, const std::string& oids,
                             std::chrono::milliseconds at_least) {
  LockHolders holders;
  bool prepared = false;
  for (const auto& row : live.query(select, {oids, fmt::format("{} milliseconds", at_least.count())})) {
    holders.text += (holders.text.empty() ? "" : ", ") + *row[1];
    prepared = prepared || row[2] == "t";
  }
  holders.remedy = "let these sessions end, or end them, and try again";
  if (prepared) {
    holders.remedy =
        "end what is prepared with COMMIT PREPARED or ROLLBACK PREPARED and its name (no session does that any more by "
        "itself), let other sessions end, and try again";
  }
  return holders;
}

}  // namespace harness::extract
