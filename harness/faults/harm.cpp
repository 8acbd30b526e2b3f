#include "harness/faults/harm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>

#include "backup_engine/base/error.hpp"

namespace harness::faults {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::Connection;
using backup_engine::postgres::quote_literal;

namespace {

// A wait is cut into turns, so that a stop request is heard and the writers that queue behind the harm get through.
// Longer than deadlock_limit: only a wait that reaches this makes PostgreSQL send an autovacuum worker away.
constexpr auto turn = std::chrono::milliseconds(3000);
// Later than PostgreSQL's default of 1 s and the load's 0.1 s, so that others find the deadlock first and give way.
constexpr auto deadlock_limit = std::chrono::milliseconds(2000);

// Deadlock, serialization failure, lock not given, the statement's time was up, the database is in use.
bool worth_another_try(const Error& error) {
  static const std::set<std::string> states{"40P01", "40001", "55P03", "57014", "55006"};
  return error.kind() == ErrorKind::server && states.contains(error.sqlstate());
}

}  // namespace

void limit_waits(Connection& connection, const std::string& scope, const Patience& patience) {
  const auto left = std::max(patience.deadline.remaining(), std::chrono::milliseconds(1));
  connection.execute(
      fmt::format("SET {0} lock_timeout = {1}; SET {0} deadlock_timeout = {2}; SET {0} statement_timeout = {3}", scope,
                  std::min(turn, left).count(), deadlock_limit.count(), left.count()));
}

void harm_with_patience(const std::string& what, const Patience& patience, const std::function<void()>& attempt,
                        const std::function<void()>& after_a_refusal) {
  backup_engine::base::poll_until(
      patience.deadline, what,
      [&]() -> std::optional<std::string> {
        if (patience.stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted before " + what);
        try {
          attempt();
          return std::nullopt;
        } catch (const Error& error) {
          if (error.kind() != ErrorKind::server) throw;
          after_a_refusal();
          if (worth_another_try(error)) return error.what();
          throw Error(ErrorKind::server, fmt::format("PostgreSQL refused the harm {}: {}", what, error.what()))
              .with_sqlstate(error.sqlstate())
              .with_remedy("nothing was harmed; choose what the database's own rules let a careless person do");
        }
      },
      patience.stop);
}

Harm harm_in_one_transaction(Connection& connection, const std::string& what, const Patience& patience,
                             const std::function<std::string()>& harm) {
  Harm done;
  const auto attempt = [&] {
    done.began_at = backup_engine::base::utc_now();
    connection.execute("BEGIN");
    limit_waits(connection, "LOCAL", patience);
    done.lsn = connection.query("SELECT pg_current_wal_insert_lsn()").single();
    done.xid = connection.query("SELECT pg_current_xact_id()").single();
    done.detail = harm();
    connection.execute("COMMIT");
    done.done_at = backup_engine::base::utc_now();
  };
  harm_with_patience(what, patience, attempt, [&] { connection.execute("ROLLBACK"); });
  return done;
}

// The connection gives rows, not counts. A data-modifying WITH would give both but refuses tables with rules; the
// EXECUTE of an anonymous block runs the very statement, in this transaction and no other.
std::string rows_changed_by(Connection& connection, const std::string& statement) {
  connection.execute(fmt::format(
      "DO LANGUAGE plpgsql {}",
      quote_literal(fmt::format("DECLARE changed bigint; BEGIN EXECUTE {}; GET DIAGNOSTICS changed = ROW_COUNT; "
                                "PERFORM set_config('lifeboat.rows_changed', changed::text, true); END",
                                quote_literal(statement)))));
  auto rows = connection.query("SELECT current_setting('lifeboat.rows_changed')").single();
  if (rows == "0") throw harmed_nothing(statement);
  return rows;
}

Error harmed_nothing(const std::string& statement) {
  return Error(ErrorKind::usage, fmt::format("the harm {} harmed nothing: it hit no row", statement))
      .with_remedy(
          "a recovery from it would prove nothing; choose a table that holds rows, and values that change them");
}

}  // namespace harness::faults
