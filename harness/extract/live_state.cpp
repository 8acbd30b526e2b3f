#include "harness/extract/live_state.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/conninfo.hpp"
#include "harness/extract/condition.hpp"
#include "harness/extract/lock_holders.hpp"

namespace harness::extract {

namespace pg = backup_engine::postgres;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using pg::Connection;

namespace {

void require_version(const Order& order, const LiveState& state) {
  const auto dumped = order.installation.version.major();
  if (!pg::supported(state.major)) {
    throw Error(ErrorKind::unsupported,
                fmt::format("the live server is PostgreSQL {}, which is not supported", state.major))
        .with_remedy(fmt::format("Lifeboat knows {} to {}", pg::oldest_supported_major, pg::newest_supported_major));
  }
  if (state.major >= dumped) return;
  throw Error(ErrorKind::unsupported,
              fmt::format("the live server is PostgreSQL {}, older than the {} of the backup", state.major, dumped))
      .with_remedy("what a newer server has, an older one may not understand: extract into one of the same major");
}

void refuse_replication_role(const Order& order, const LiveState& state, Connection& live) {
  if (order.placement == Placement::beside || state.tables.empty()) return;
  const auto subscribed = live.query(
      "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_subscription_rel s JOIN pg_class c ON c.oid = s.srrelid "
      "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE s.srrelid = ANY ($1::oid[]) ORDER BY 1 LIMIT 1",
      {oids_of(state.tables)});
  if (subscribed.empty()) return;
  throw Error(ErrorKind::usage, fmt::format("{} is filled by a subscription, which would lose it", *subscribed[0][0]))
      .with_remedy("use --beside, or take the table out of the subscription first");
}

void refuse_hopeless(const LiveState& state) {
  const auto& hopeless = state.dependents.hopeless;
  if (hopeless.empty()) return;
  throw Error(ErrorKind::usage, fmt::format("what stands on it could not be put back: {}", fmt::join(hopeless, ", ")))
      .with_remedy("use --beside, or drop these first and make them again afterwards");
}

// A child's columns can only be made its parent's again in the catalog itself.
void refuse_children(const LiveState& state) {
  if (state.superuser) return;
  for (const auto& other : state.dependents.others) {
    if (!other.part.starts_with("inherits ")) continue;
    throw Error(ErrorKind::permission,
                fmt::format("{} {}, and only a superuser can put that back", other.object, other.part))
        .with_remedy("connect as a superuser, or use --beside");
  }
}

void require_ownership(const LiveState& state, Connection& live) {
  const auto foreign = live.query(
      "SELECT format('%I.%I', n.nspname, c.relname), pg_get_userbyid(c.relowner) FROM pg_class c "
      "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY ($1::oid[]) "
      "AND NOT pg_has_role(c.relowner, 'USAGE') ORDER BY 1 LIMIT 1",
      {oids_of(state.tables)});
  if (foreign.empty()) return;
  throw Error(ErrorKind::permission,
              fmt::format("{} belongs to {}, whose rights this role does not have", *foreign[0][0], *foreign[0][1]))
      .with_remedy("connect as its owner or as a superuser");
}

void require_create(const std::string& schema, Connection& live) {
  const auto rows =
      live.query("SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = $1", {schema});
  if (rows.empty()) {
    throw Error(ErrorKind::not_found, fmt::format("the live database has no schema {}", schema))
        .with_remedy(fmt::format("make it first, or bring it back with --schema {}", schema));
  }
  if (rows[0][0] == "t") return;
  throw Error(ErrorKind::permission, fmt::format("this role may not create anything in the schema {}", schema))
      .with_remedy("connect as a superuser, or have CREATE on the schema granted");
}

void require_privileges(const Order& order, const LiveState& state, Connection& live) {
  const auto database = live.query(
      "SELECT has_database_privilege(current_database(), 'TEMP'), "
      "has_database_privilege(current_database(), 'CREATE'), "
      "pg_is_in_recovery()")[0];
  if (database[2] == "t") {
    throw Error(ErrorKind::usage, "the live server is a standby, and takes no writes")
        .with_remedy("name its primary with --into");
  }
  if (database[0] != "t") {
    throw Error(ErrorKind::permission, "this role may not make temporary tables in the live database")
        .with_remedy("connect as a superuser, or have TEMP on the database granted");
  }
  if (order.selection.schema.empty()) {
    for (const auto& name : state.named) require_create(name.schema, live);
  } else if (database[1] != "t") {
    throw Error(ErrorKind::permission, "this role may not create schemas in the live database")
        .with_remedy("connect as a superuser, or have CREATE on the database granted");
  }
  if (order.placement == Placement::replace) require_ownership(state, live);
}

void refuse_taken_names(const Order& order, const LiveState& state, Connection& live) {
  constexpr std::size_t longest_name_bytes = 63;
  const auto refuse = [&](const std::string& name, const std::string& text, bool is_there) {
    if (name.size() > longest_name_bytes) {
      throw Error(ErrorKind::usage, fmt::format("{} would have {} bytes, and a name has at most {}", name, name.size(),
                                                longest_name_bytes))
          .with_remedy("choose a shorter suffix");
    }
    if (!is_there) return;
    throw Error(ErrorKind::already_exists, fmt::format("the live database has {} already", text))
        .with_remedy("choose another suffix, or drop it first");
  };
  for (const auto& name : state.named) {
    const Name beside{name.schema, name.object + "_" + order.suffix};
    refuse(beside.object, fmt::format("{}.{}", beside.schema, beside.object), exists(live, beside));
  }
  if (order.selection.schema.empty()) return;
  const auto beside = order.selection.schema + "_" + order.suffix;
  refuse(beside, "a schema " + beside, schema_exists(live, beside));
}

void refuse_use(const Order& order, const LiveState& state, Connection& live) {
  if (order.placement == Placement::beside || state.tables.empty()) return;
  const auto holders = holders_of_locks(live, oids_of(state.tables), order.lock_timeout);
  if (holders.text.empty()) return;
  throw Error(ErrorKind::timed_out, fmt::format("{} is in use, for longer than would be waited for it: {}",
                                                state.tables.front().text, holders.text))
      .with_remedy(holders.remedy);
}

// Only what no server could read as a condition; a column may be one of the target's.
void refuse_bad_condition(const Order& order, const LiveState& state, Connection& live) {
  if (order.selection.where.empty() || state.tables.empty()) return;
  for (const auto& check : condition_checks("FROM " + state.tables.front().text, order.selection.where)) {
    try {
      live.query(check, {""});
    } catch (const Error& error) {
      if (error.sqlstate() != "42601") continue;
      throw Error(ErrorKind::usage, fmt::format("--where {}: {}", order.selection.where, error.what()))
          .with_remedy(fmt::format("write one SQL condition on the rows of {}", state.tables.front().text));
    }
  }
}

void refuse_rows_without_key(const Order& order, const LiveState& state, Connection& live) {
  if (order.selection.where.empty() || order.placement == Placement::beside) return;
  const auto& wanted = order.selection.tables.front();
  if (state.tables.empty()) {
    throw Error(ErrorKind::not_found, fmt::format("the live database has no table {} to put rows back into", wanted))
        .with_remedy("bring back the whole table (without --where), or use --beside");
  }
  const auto& table = state.tables.front();
  if (!live.query("SELECT FROM pg_index WHERE indrelid = $1::oid AND indisprimary", {table.oid}).empty()) return;
  throw Error(ErrorKind::usage, fmt::format("{} has no primary key, so rows cannot be told apart", table.text))
      .with_remedy("use --beside, and put back what is wanted by hand");
}

// What came with the database is nobody's to drop.
void refuse_system_schemas(const Order& order, const LiveState& state) {
  const auto is_system = [](const std::string& schema) {
    return schema.starts_with("pg_") || schema == "information_schema";
  };
  const bool whole_public = order.selection.schema == "public" && order.placement == Placement::replace;
  const bool system_table =
      std::any_of(state.named.begin(), state.named.end(), [&](const Name& name) { return is_system(name.schema); });
  if (!whole_public && !system_table && !is_system(order.selection.schema)) return;
  throw Error(ErrorKind::usage, "what came with the database itself is neither replaced nor copied")
      .with_remedy("name tables of other schemas; tables in public with --table");
}

void refuse_unlogged(const Order& order, const LiveState& state) {
  if (order.placement == Placement::beside || !order.selection.schema.empty()) return;
  for (const auto& table : state.tables) {
    if (!table.named || table.logged) continue;
    throw Error(ErrorKind::usage, fmt::format("{} is unlogged: no recovery brings its rows back", table.text))
        .with_remedy("leave it as it is, or use --beside to have its definition");
  }
}

}  // namespace

Connection connect_live(const Order& order) {
  Connection live(order.live_conninfo, "lifeboat extract");
  live.execute("SET search_path = ''; SET statement_timeout = '60s'; SET lock_timeout = '5s'");
  return live;
}

void require_sound(const Order& order) {
  const auto& selection = order.selection;
  pg::refuse_password(order.live_conninfo);
  if (selection.tables.empty() == selection.schema.empty()) {
    throw Error(ErrorKind::usage,
                selection.schema.empty() ? "nothing is named that is to be taken" : "tables and a schema are named")
        .with_remedy("name tables with --table, or one schema with --schema");
  }
  if (!selection.where.empty() && selection.tables.size() != 1) {
    throw Error(ErrorKind::usage, "--where chooses the rows of exactly one table")
        .with_remedy("name one --table, or leave --where out");
  }
  if (order.placement == Placement::beside && order.suffix.empty()) {
    throw Error(ErrorKind::usage, "--beside has an empty suffix").with_remedy("say --beside restored, for example");
  }
}

LiveState read_live(const Order& order, Connection& live) {
  LiveState state;
  state.major = live.server_version().major();
  state.superuser = live.query("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").single() == "t";
  const auto& schema = order.selection.schema;
  if (schema.empty()) {
    for (const auto& text : order.selection.tables) state.named.push_back(parse_name(live, text));
    state.tables = find_tables(live, state.named);
  } else {
    state.schema_exists = schema_exists(live, schema);
    state.tables = tables_of_schema(live, schema);
  }
  state.attachments = attachments_of(live, oids_of(state.tables));
  const bool replaces = order.placement == Placement::replace && order.selection.where.empty();
  if (replaces && (!state.tables.empty() || state.schema_exists)) {
    state.dependents = dependents_of(live, state.tables, schema);
  }
  return state;
}

void require_room_for(const Order& order, const LiveState& state, Connection& live) {
  require_version(order, state);
  refuse_system_schemas(order, state);
  require_privileges(order, state, live);
  refuse_bad_condition(order, state, live);
  if (order.placement == Placement::beside) {
    refuse_taken_names(order, state, live);
    return;
  }
  refuse_unlogged(order, state);
  refuse_rows_without_key(order, state, live);
  refuse_hopeless(state);
  refuse_children(state);
  refuse_replication_role(order, state, live);
  refuse_use(order, state, live);
}

}  // namespace harness::extract
