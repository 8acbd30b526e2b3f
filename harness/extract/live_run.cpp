#include "harness/extract/live_run.hpp"

#include <fmt/format.h>

#include <optional>
#include <sstream>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/postgres/conninfo.hpp"
#include "harness/extract/finding.hpp"
#include "harness/extract/live_state.hpp"
#include "harness/extract/lock_holders.hpp"

namespace harness::extract {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;

namespace {

constexpr int tries_after_deadlocks = 3;
constexpr auto patience_for_rollback = std::chrono::seconds(60);
constexpr auto nothing_changed = "nothing in the live database was changed";

enum class Fate { committed, rolled_back, unknown };

// By the transaction's own number, once its session has ended.
Fate fate_of(const Order& order, const ScriptFiles& files) {
  if (!fs::exists(files.transaction)) return Fate::rolled_back;  // it never began
  const auto text = base::read_file(files.transaction);
  const auto bar = text.find('|');
  if (bar == std::string::npos) return Fate::unknown;
  const auto xid = text.substr(0, bar), pid = text.substr(bar + 1, text.find('\n') - bar - 1);
  try {
    auto live = connect_live(order);
    base::poll_until(base::Deadline::after(patience_for_rollback), "the session on the live server to end",
                     [&]() -> std::optional<std::string> {
                       const auto rows = live.query(
                           "SELECT pg_cancel_backend(pid), state FROM pg_stat_activity WHERE pid = $1::int "
                           "AND backend_xid IS NOT NULL",
                           {pid});
                       return rows.empty() ? std::nullopt : std::optional(rows[0][1].value_or("at work"));
                     });
    return live.query("SELECT pg_xact_status($1::xid8)", {xid}).single() == "committed" ? Fate::committed
                                                                                        : Fate::rolled_back;
  } catch (const Error&) {
    return Fate::unknown;
  }
}

Error fate_unknown(const std::string& why) {
  return Error(ErrorKind::connection, fmt::format("{}; whether the restore was committed is not known", why))
      .with_remedy("look into the live database: all of it is there, or nothing");
}

Error failure_of(const Order& order, const Programs::Told& told, const std::vector<Relation>& tables) {
  const auto message = told.message.empty() ? "psql ended without a word" : told.message;
  if (told.sqlstate == "55P03") {
    auto live = connect_live(order);
    const auto holders = holders_of_locks(live, oids_of(tables), std::chrono::milliseconds(0));
    const auto names = tables.empty() ? std::string("a table") : tables.front().text;
    return Error(ErrorKind::timed_out,
                 fmt::format("{} or a table beside it is in use: {}; {}", names,
                             holders.text.empty() ? "nobody is any more" : holders.text, nothing_changed))
        .with_remedy(holders.remedy)
        .with_sqlstate(told.sqlstate);
  }
  if (told.sqlstate == "42501") {
    return Error(ErrorKind::permission, fmt::format("{}; {}", message, nothing_changed))
        .with_remedy("connect as a superuser, or as the owner of all that is named")
        .with_sqlstate(told.sqlstate);
  }
  if (told.sqlstate == "LB001") {
    return Error(ErrorKind::server,
                 fmt::format("the rest of the live database would not be as it was: {}; {}", message, nothing_changed))
        .with_remedy("if somebody changed these meanwhile, try again; else use --beside");
  }
  return Error(told.sqlstate.empty() ? ErrorKind::connection : ErrorKind::server,
               fmt::format("{}; {}", message, nothing_changed))
      .with_remedy("what PostgreSQL says stands in the way; --beside needs less room than --replace")
      .with_sqlstate(told.sqlstate);
}

// COPY's text format: tab between the columns, backslash before what is special.
std::vector<std::vector<std::string>> copied(const fs::path& file) {
  std::vector<std::vector<std::string>> lines;
  std::istringstream text(base::read_file(file));
  for (std::string line; std::getline(text, line);) {
    std::vector<std::string> columns(1);
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '\t') {
        columns.emplace_back();
      } else if (line[i] == '\\' && i + 1 < line.size()) {
        const char next = line[++i];
        columns.back() += next == 'n' ? '\n' : next == 't' ? '\t' : next;
      } else {
        columns.back() += line[i];
      }
    }
    lines.push_back(std::move(columns));
  }
  return lines;
}

std::uint64_t rows_in(const std::string& output) {
  constexpr std::string_view put_back = "lifeboat rows put back ", copy = "COPY ";
  std::uint64_t rows = 0;
  bool counting = false;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (line == "lifeboat rows begin") counting = true;
    if (line == "lifeboat rows end") counting = false;
    if (line.starts_with(put_back)) rows += std::stoull(line.substr(put_back.size()));
    if (counting && line.starts_with(copy)) rows += std::stoull(line.substr(copy.size()));
  }
  return rows;
}

LiveRun outcome_of(const Programs::Told& told, const ScriptFiles& files) {
  LiveRun run;
  run.rows = rows_in(told.output);
  for (const auto& columns : copied(files.findings)) {
    run.findings.push_back(finding(columns.at(0), columns.at(2), columns.at(1)));
  }
  for (const auto& columns : copied(files.objects)) run.objects.push_back(columns.at(0));
  return run;
}

Programs::Told told_by_psql(const Order& order, const Programs& programs, const fs::path& script,
                            const ScriptFiles& files) {
  const auto conninfo =
      backup_engine::postgres::with_keyword(order.live_conninfo, "application_name", "lifeboat extract");
  for (const auto& file : {files.transaction, files.findings, files.objects}) fs::remove(file);
  try {
    return programs.psql(conninfo, script);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::interrupted && error.kind() != ErrorKind::timed_out) throw;
    switch (fate_of(order, files)) {
      case Fate::committed:
        throw Error(ErrorKind::interrupted, "interrupted, but the restore had been committed: it is complete");
      case Fate::rolled_back:
        throw Error(ErrorKind::interrupted, fmt::format("interrupted; {}", nothing_changed));
      case Fate::unknown:
        break;
    }
    throw fate_unknown("interrupted");
  }
}

}  // namespace

LiveRun run_live(const Order& order, const Programs& programs, const std::string& script, const ScriptFiles& files,
                 const std::vector<Relation>& tables) {
  const auto file = programs.directory() / "live.sql";
  base::write_file_atomically(file, script, 0600);
  for (int attempt = 1;; ++attempt) {
    const auto told = told_by_psql(order, programs, file, files);
    if (told.success) return outcome_of(told, files);
    // A connection that was lost says nothing about a COMMIT that was sent.
    switch (fate_of(order, files)) {
      case Fate::committed:
        return outcome_of(told, files);
      case Fate::unknown:
        throw fate_unknown(told.message);
      case Fate::rolled_back:
        break;
    }
    if (told.sqlstate == "40P01" && attempt < tries_after_deadlocks) continue;
    throw failure_of(order, told, tables);
  }
}

}  // namespace harness::extract
