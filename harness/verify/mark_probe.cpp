#include "harness/verify/mark_probe.hpp"

#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "harness/verify/catalog_probe.hpp"
#include "harness/verify/content_probe.hpp"
#include "harness/verify/selected_probe.hpp"

namespace harness::verify {

using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::base::poll_until;
using backup_engine::postgres::Connection;
using reports::record::Mark;

namespace {

// An xid is assigned before anything is written, and a prepared transaction keeps its own, so a snapshot without
// running xids says that nobody is in the middle of a change.
void wait_for_quiet(Connection& connection, const Deadline& deadline, const std::stop_token& stop) {
  poll_until(
      deadline, "a moment without open transactions",
      [&]() -> std::optional<std::string> {
        const auto row = connection.query(
            "SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_xid IS NOT NULL), "
            "(SELECT count(*) FROM pg_prepared_xacts), "
            "pg_snapshot_xmin(pg_current_snapshot()) = pg_snapshot_xmax(pg_current_snapshot())")[0];
        if (to_count(row[0]) == 0 && to_count(row[1]) == 0 && to_text(row[2]) == "t") return std::nullopt;
        return fmt::format("{} transactions with an xid and {} prepared ones", to_text(row[0]), to_text(row[1]));
      },
      stop);
}

// The next xid to be given out: it moves with every writing transaction, autovacuum's included, and with nothing else.
std::string next_xid(Connection& connection) {
  return connection.query("SELECT pg_snapshot_xmax(pg_current_snapshot())").single();
}

void name_instant(Connection& connection, Mark& mark) {
  const auto row = connection.query(
      "SELECT pg_create_restore_point($1), to_char(clock_timestamp() AT TIME ZONE 'UTC', "
      "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), "
      "substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)",
      {mark.restore_point})[0];
  mark.lsn = to_text(row[0]);
  mark.time = to_text(row[1]);
  mark.timeline = static_cast<std::uint32_t>(std::stoul(to_text(row[2]), nullptr, 16));
}

// A mark is no mark when part of the source cannot be read: nothing could be compared with it.
void refuse_damage(const Mark& mark) {
  for (const auto& table : mark.content.tables) {
    if (table.digest.rfind("unreadable", 0) == 0) {
      throw Error(ErrorKind::corrupt,
                  fmt::format("the source is damaged before the drill: table {} is {}", table.table, table.digest));
    }
  }
}

}  // namespace

// Digests first: a restore point cannot be taken back, and recovery stops at the first one of a name.
Mark take_mark(const Cluster& cluster, const std::string& name, const Deadline& deadline, const std::stop_token& stop,
               const std::optional<Scope>& selected) {
  auto connection = cluster.connect(cluster.database);
  Mark mark;
  mark.name = name;
  mark.restore_point = "lifeboat-" + name;
  for (int attempt = 2;; ++attempt) {
    wait_for_quiet(connection, deadline, stop);
    const auto before = next_xid(connection);
    mark.content = probe_content(cluster);
    mark.catalog = probe_objects(cluster);
    mark.settings = probe_settings(cluster);
    if (selected) mark.selected = probe_selected(scoped(cluster, *selected), nullptr, &mark.content);
    if (next_xid(connection) == before) {
      refuse_damage(mark);
      name_instant(connection, mark);
      if (next_xid(connection) == before) return mark;
      mark.restore_point = fmt::format("lifeboat-{}-{}", name, attempt);
    }
    if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted while taking mark " + name);
    if (deadline.expired()) {
      throw Error(ErrorKind::timed_out,
                  fmt::format("gave up taking mark {}: transactions went on while its digests were taken", name))
          .with_remedy("hold every writer before the mark, also those that are not the load's");
    }
  }
}

}  // namespace harness::verify
