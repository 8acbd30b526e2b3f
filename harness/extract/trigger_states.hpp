// The states of the triggers with which PostgreSQL enforces foreign keys (ALTER TABLE … DISABLE TRIGGER ALL). pg_dump
// leaves them out, and a key that is made again has all of them enabled: so they are noted before and set afterwards,
// by the key, because their own names hold object ids.
#pragma once

#include <string>
#include <vector>

#include "backup_engine/postgres/connection.hpp"
#include "harness/extract/relations.hpp"

namespace harness::extract {

// SQL that notes, in the temporary table lifeboat_trigger_states, those of the relations that lifeboat_named does not
// name. They stay as they are.
[[nodiscard]] std::string note_trigger_states();

// SQL that adds those of the tables' own keys as they are on `scratch`; empty when all are enabled.
[[nodiscard]] std::string trigger_states_of(backup_engine::postgres::Connection& scratch,
                                            const std::vector<Relation>& tables);

// SQL that sets what was noted. PostgreSQL lets a superuser alone do that.
[[nodiscard]] std::string set_trigger_states();

}  // namespace harness::extract
