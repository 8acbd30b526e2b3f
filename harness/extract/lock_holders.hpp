// Who holds what a restore has to wait for: sessions, and transactions that were prepared and belong to no session.
#pragma once

#include <chrono>
#include <string>

#include "backup_engine/postgres/connection.hpp"

namespace harness::extract {

struct LockHolders {
  std::string text;    // "process 4711 (psql), the prepared transaction 'transfer'"; empty when nobody does
  std::string remedy;  // how these are ended
};

// Of a lock on any of the tables ("{1,2}"), for longer than `at_least`. A role that may not see how long a session of
// others is at it is told of that session when at_least is 0.
[[nodiscard]] LockHolders holders_of_locks(backup_engine::postgres::Connection& live, const std::string& oids,
                                           std::chrono::milliseconds at_least);

}  // namespace harness::extract
