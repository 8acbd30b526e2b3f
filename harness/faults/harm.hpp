// Harm done by SQL to a server that lives on, while other sessions work: one transaction with a known xid, tried again
// when it meets the load's locks, and where in time and WAL it lies (docs/disasters.md).
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/postgres/connection.hpp"

namespace harness::faults {

struct Patience {
  backup_engine::base::Deadline deadline;
  std::stop_token stop{};
};

struct Harm {
  std::string detail;                              // a sentence: the statement, and the rows or objects that were hit
  std::string lsn, xid;                            // before all that the transaction wrote; 64 bits, decimal
  backup_engine::base::UtcTime began_at, done_at;  // right before BEGIN was sent, right after COMMIT was answered
};

// Runs `harm` between BEGIN and COMMIT; it returns the detail. A deadlock or a lock that was not given is tried again
// until the deadline (the load's writers, not the harm, are who PostgreSQL then refuses: the harm looks for deadlocks
// later than they do). `what` names the harm in errors. Throws base::Error: server when PostgreSQL refused it,
// timed_out or interrupted when it never got through (rolled back, all three), connection when its fate is unknown.
[[nodiscard]] Harm harm_in_one_transaction(backup_engine::postgres::Connection& connection, const std::string& what,
                                           const Patience& patience, const std::function<std::string()>& harm);

// A disaster without a victim: any recovery from it would pass. Kind usage, thrown before COMMIT.
[[nodiscard]] backup_engine::base::Error harmed_nothing(const std::string& statement);

// Runs one DELETE or UPDATE in the current transaction and returns how many rows it changed, as text. Throws
// harmed_nothing when it changed none.
[[nodiscard]] std::string rows_changed_by(backup_engine::postgres::Connection& connection,
                                          const std::string& statement);

// What harm_in_one_transaction shares with harm that cannot run in a transaction block: `attempt` until it succeeds,
// errors as above.
void harm_with_patience(const std::string& what, const Patience& patience, const std::function<void()>& attempt,
                        const std::function<void()>& after_a_refusal);

// Limits on what comes next in the session, from what is left of the patience. `scope`: "LOCAL" or "SESSION".
void limit_waits(backup_engine::postgres::Connection& connection, const std::string& scope, const Patience& patience);

}  // namespace harness::faults
