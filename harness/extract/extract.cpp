#include "harness/extract/extract.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "harness/extract/finding.hpp"
#include "harness/extract/live_run.hpp"
#include "harness/extract/live_script.hpp"
#include "harness/extract/live_state.hpp"
#include "harness/extract/programs.hpp"
#include "harness/extract/rows.hpp"
#include "harness/extract/taken.hpp"

namespace harness::extract {

namespace base = backup_engine::base;
using backup_engine::postgres::Connection;
using base::Error;
using base::ErrorKind;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// pg_dump refuses servers that are newer than itself.
server::Installation installation_for_live(const Order& order, const LiveState& live) {
  if (live.major <= order.installation.version.major()) return order.installation;
  try {
    return server::choose_installation(server::find_installations(std::nullopt), live.major);
  } catch (const Error& error) {
    throw Error(
        ErrorKind::not_found,
        fmt::format("views stand on what is replaced, and only pg_dump of PostgreSQL {} can keep them", live.major))
        .with_remedy(error.remedy());
  }
}

bool had(const LiveState& live, const Name& name) {
  return contains(live.tables, name) ||
         std::any_of(live.attachments.begin(), live.attachments.end(), [&](const auto& a) { return a.name == name; });
}

void refuse_taken_names(const Taken& taken, const LiveState& state, Connection& live) {
  const auto refuse = [&](const Name& name) {
    if (!exists(live, name) || had(state, name)) return;
    throw Error(ErrorKind::already_exists,
                fmt::format("the live database has another {}.{} already", name.schema, name.object))
        .with_remedy("rename or drop it, or name it with --table too when it is a partition that was detached");
  };
  if (!taken.schema.empty()) return;
  for (const auto& table : taken.tables) refuse(table.name);
  for (const auto& attachment : taken.attachments) {
    if (attachment.what != "STATISTICS") refuse(attachment.name);
  }
}

std::string oids_of_views(const std::vector<View>& views) {
  std::string text;
  for (const auto& view : views) text += (text.empty() ? "" : ",") + view.oid;
  return "{" + text + "}";
}

Dependencies read_dependencies(const Order& order, const Taken& taken, const LiveState& state, Connection& live,
                               Connection& scratch, const Programs& programs, const std::stop_token& stop) {
  Dependencies dependencies;
  const auto& views = state.dependents.views;
  if (!views.empty()) {
    const Programs of_live(installation_for_live(order, state), programs.directory(), stop);
    dependencies.views = take_views(of_live, order.live_conninfo, views, "views");
    dependencies.statistics = statistics_of(live, oids_of_views(views));
  }
  const bool something_lost = std::any_of(taken.tables.begin(), taken.tables.end(),
                                          [&](const auto& table) { return !contains(state.tables, table.name); });
  if (!something_lost) return dependencies;
  for (const auto& view : taken.dependents.views) {
    if (exists(live, view.name)) continue;
    const auto prefix = fmt::format("lost-view-{}", dependencies.lost_views.size());
    const auto oid = oids_of_views({view});
    dependencies.lost_views.push_back({view, attachments_of(scratch, oid),
                                       take_views(programs, order.scratch_conninfo, {view}, prefix),
                                       statistics_of(scratch, oid)});
  }
  return dependencies;
}

void note_newer_partitions(const Taken& taken, const LiveState& live, std::vector<reports::record::Finding>& findings) {
  for (const auto& table : live.tables) {
    if (contains(taken.tables, table.name)) continue;
    findings.push_back(finding(table.text, "it was made after the target, and went with its rows"));
  }
}

void note_publications(const LiveState& state, Connection& live, std::vector<reports::record::Finding>& findings) {
  for (const auto& other : state.dependents.others) {
    if (!other.part.starts_with("publication ")) continue;
    findings.push_back(finding(
        other.object,
        fmt::format("{}: its subscribers keep the rows that they have; let them copy the table again", other.part)));
  }
  for (const auto& row : live.query("SELECT pubname FROM pg_publication WHERE puballtables ORDER BY 1")) {
    findings.push_back(
        finding(*row[0], "this publication publishes all tables: its subscribers are sent the rows as new ones"));
  }
}

std::vector<std::string> names_of(const Taken& taken) {
  std::vector<std::string> names;
  if (!taken.schema.empty()) names.push_back("schema " + taken.schema);
  for (const auto& table : taken.tables) {
    if (table.named || !taken.schema.empty()) names.push_back(table.text);
  }
  return names;
}

// New tables have no statistics until then; their first plans would be guesses.
void analyze(const Order& order, const Taken& taken, std::vector<reports::record::Finding>& findings) {
  try {
    Connection live(order.live_conninfo, "lifeboat extract");
    for (const auto& table : taken.tables) {
      if (table.kind != 'f') live.execute("ANALYZE " + table.text);
    }
  } catch (const Error& error) {
    findings.push_back(
        finding(taken.tables.front().text, fmt::format("it is in place, but ANALYZE failed: {}", error.what())));
  }
}

}  // namespace

LiveServer require_possible(const Order& order) {
  require_sound(order);
  auto live = connect_live(order);
  const auto state = read_live(order, live);
  require_room_for(order, state, live);
  if (!state.dependents.views.empty()) (void)installation_for_live(order, state);
  const auto row = live.query("SELECT current_database(), (SELECT rolname FROM pg_roles WHERE oid = 10)")[0];
  return {*row[0], *row[1], live.server_version()};
}

Extracted extract(const Order& order, base::Progress& progress, const std::stop_token& stop) {
  require_sound(order);
  const Programs programs(order.installation, order.work_directory, stop);
  auto scratch = Connection(order.scratch_conninfo, "lifeboat extract");
  Extracted extracted;

  const auto dump_begin = Clock::now();
  progress.begin("take from the scratch server", 0);
  auto taken = take(order, scratch, programs, progress);
  progress.end();
  auto live = connect_live(order);
  const auto state = read_live(order, live);
  require_room_for(order, state, live);
  const bool only_rows = order.placement == Placement::replace && !order.selection.where.empty();
  Dependencies dependencies;
  if (!only_rows) {
    std::vector<Place> places;
    if (order.placement == Placement::replace) {
      refuse_taken_names(taken, state, live);
      places = places_on(live, state.tables, taken.places);
    }
    dependencies = read_dependencies(order, taken, state, live, scratch, programs, stop);
    dependencies.places = std::move(places);
  }
  extracted.dump_seconds = seconds_since(dump_begin);

  const auto load_begin = Clock::now();
  progress.begin("put into the live server", 0);
  const auto files = script_files(order.work_directory);
  const auto script = only_rows ? rows_script(order, taken, row_target(live, state, taken), files)
                                : replacing_script(order, taken, state, dependencies, files);
  auto locked = state.tables;
  locked.insert(locked.end(), state.dependents.relations.begin(), state.dependents.relations.end());
  auto run = run_live(order, programs, script, files, locked);
  extracted.load_seconds = seconds_since(load_begin);
  progress.end();

  extracted.rows = run.rows;
  extracted.objects = names_of(taken);
  extracted.objects.insert(extracted.objects.end(), run.objects.begin(), run.objects.end());
  extracted.findings = std::move(taken.findings);
  extracted.findings.insert(extracted.findings.end(), run.findings.begin(), run.findings.end());
  if (order.placement == Placement::replace && !only_rows) note_newer_partitions(taken, state, extracted.findings);
  note_publications(state, live, extracted.findings);
  if (!only_rows) analyze(order, taken, extracted.findings);
  return extracted;
}

}  // namespace harness::extract
