#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/digits.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "harness/scenario/rules.hpp"
#include "harness/scenario/yaml_reader.hpp"

namespace harness::scenario {
namespace {

void require_new_server(const Reader& reader, const Restore& restore, const RestorePlaces& places) {
  if (restore.kind != RestoreKind::partial || !restore.partial.database.empty()) return;
  reader.fail(places.selection,
              "tables are restored into the server that lives on, and of a stored backup none is at hand",
              "restore a \"database\", or write \"kind: full\" or \"kind: pitr\"");
}

void require_no_sweep(const Reader& reader, const Restore& restore, const RestorePlaces& places) {
  if (restore.kind != RestoreKind::pitr_sweep) return;
  reader.fail(places.kind, "a sweep is judged by the load's ledger, and of a stored backup there is none",
              "write \"kind: pitr\" with a target, or let Lifeboat provision the source");
}

void require_action_at_target(const Reader& reader, const Restore& restore, const RestorePlaces& places) {
  if (restore.action == TargetAction::promote || restore.target.kind != TargetKind::end_of_wal) return;
  reader.fail(places.action, "the end of WAL is no target at which PostgreSQL could pause or shut down: it promotes",
              "remove \"action\", or choose another target");
}

bool is_transaction_id(const std::string& text) {
  return backup_engine::base::is_number(text) && text.size() <= 20;
}

// The value itself, as nothing is learnt on the way.
void require_target_value(const Reader& reader, const RestoreTarget& target, Position place) {
  const auto refuse = [&](const std::string& what, const std::string& remedy) {
    reader.fail(place, fmt::format("\"{}\" is no {}", target.point, what), remedy);
  };
  constexpr std::size_t longest_name = 63;  // bytes, as pg_create_restore_point() takes
  switch (target.kind) {
    case TargetKind::mark:
      reader.fail(place, "a stored backup has no marks: nobody took any",
                  "write { name: NAME } for a restore point that pg_create_restore_point() made, or { time: … }");
    case TargetKind::time:
      if (!backup_engine::base::parse_rfc3339(target.point)) {
        refuse("time in UTC", "write it as 2026-11-20T02:15:00Z, with up to six decimals");
      }
      return;
    case TargetKind::lsn:
      if (!backup_engine::postgres::parse_lsn(target.point)) refuse("LSN", "write it as 16/B374D848");
      return;
    case TargetKind::xid:
      if (!is_transaction_id(target.point))
        refuse("transaction id", "write a number, as pg_current_xact_id() gives it");
      return;
    case TargetKind::name:
      if (target.point.empty() || target.point.size() > longest_name) {
        refuse("name of a restore point", fmt::format("use 1 to {} bytes", longest_name));
      }
      return;
    case TargetKind::end_of_wal:
    case TargetKind::immediate:
      return;
  }
}

// Why a check has nothing to be judged against; empty when it has.
std::string without_witness(CheckKind check, const Restore& restore) {
  const bool one_database = !restore.partial.database.empty();
  switch (check) {
    case CheckKind::ledger:
      return "needs the ledger of a load, and nobody wrote down what this cluster's clients were told";
    case CheckKind::content:
      return "compares with a mark, and none was taken of this cluster";
    case CheckKind::untouched:
      return "compares the living server before and after tables are put into it, and there is none";
    case CheckKind::verifybackup:
      if (one_database) return "needs every file of the backup, and only those of one database are restored";
      return {};
    case CheckKind::settings:
      if (one_database) return "would find ignore_invalid_pages on, which a restore of one database alone needs";
      return {};
    case CheckKind::page_checksums:
    case CheckKind::amcheck:
    case CheckKind::constraints:
    case CheckKind::catalog:
    case CheckKind::sequences:
    case CheckKind::sql:
      return {};
  }
  return {};
}

}  // namespace

void require_sound_stored_drill(const Reader& reader, const Scenario& scenario, const Places& places) {
  const auto& restore = scenario.restore;
  const auto& stored = *scenario.source.stored;
  require_new_server(reader, restore, places.restore);
  require_no_sweep(reader, restore, places.restore);
  require_action_at_target(reader, restore, places.restore);
  require_target_value(reader, restore.target, places.restore.target);
  for (std::size_t i = 0; i < scenario.verify.size(); ++i) {
    const auto check = scenario.verify[i].kind;
    const auto why = without_witness(check, restore);
    if (!why.empty()) {
      reader.fail(places.checks[i], fmt::format("the check {} {}", to_string(check), why), "leave the check out");
    }
    const auto& database = restore.partial.database;
    if (check != CheckKind::sql || database.empty() || database == stored.database) continue;
    reader.fail(places.checks[i],
                fmt::format("the check sql reads the database {}, and only {} is restored", stored.database, database),
                fmt::format("write \"database: {}\" below source too, or leave the check out", database));
  }
  if (places.rpo) {
    reader.fail(*places.rpo, "of a stored backup no loss can be measured: nobody wrote down what its clients were told",
                "remove \"rpo\"");
  }
}

}  // namespace harness::scenario
