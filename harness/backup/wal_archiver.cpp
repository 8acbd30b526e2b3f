#include "harness/backup/wal_archiver.hpp"

#include <fmt/format.h>

#include <optional>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/configuration.hpp"
#include "backup_engine/postgres/connection.hpp"
#include "backup_engine/postgres/wal_segment.hpp"

namespace harness::backup {

namespace base = backup_engine::base;
namespace postgres = backup_engine::postgres;
using postgres::Connection;
using postgres::quote_for_shell;

namespace {

constexpr auto name = "lifeboat drill";

void archive_by(const std::string& conninfo, const std::string& command) {
  Connection connection(conninfo, name);
  connection.execute("ALTER SYSTEM SET archive_command = " + postgres::quote_literal(command));
  connection.execute("SELECT pg_reload_conf()");
}

}  // namespace

WalArchiver WalArchiver::start(const Repository& repository, const std::string& conninfo) {
  const auto key =
      repository.key_file.empty() ? "" : fmt::format(" --key-file {}", quote_for_shell(repository.key_file.string()));
  const auto command =
      fmt::format("{} wal push --repo {}{} --cluster {} %p", quote_for_shell(repository.lifeboat.string()),
                  quote_for_shell(repository.directory.string()), key, quote_for_shell(repository.cluster));
  archive_by(conninfo, command);
  return WalArchiver(conninfo);
}

void WalArchiver::break_off() const {
  archive_by(conninfo_, "/bin/false");
}

void WalArchiver::wait_until_archived(const std::string& lsn, const base::Deadline& deadline,
                                      const std::stop_token& stop) const {
  Connection connection(conninfo_, name);
  // Nothing happens where the segment has ended already.
  connection.query("SELECT pg_switch_wal() WHERE pg_current_wal_insert_lsn() >= $1::pg_lsn", {lsn});
  base::poll_until(
      deadline, fmt::format("the segment that holds {} to be archived", lsn),
      [&]() -> std::optional<std::string> {
        // A .backup file carries the name of the segment that was archived before it.
        const auto row = connection.query(
            "SELECT coalesce(left(last_archived_wal, 24) >= pg_walfile_name($1::pg_lsn), false), "
            "format('last archived: %s, last failed: %s (%s times)', last_archived_wal, last_failed_wal, failed_count) "
            "FROM pg_stat_archiver",
            {lsn})[0];
        return row[0] == "t" ? std::nullopt : std::optional(row[1].value_or("nothing is known"));
      },
      stop);
}

std::string WalArchiver::archived_lsn() const {
  const auto row = Connection(conninfo_, name)
                       .query(
                           "SELECT left(last_archived_wal, 24), setting, last_failed_wal, "
                           "last_failed_time > coalesce(last_archived_time, '-infinity') "
                           "FROM pg_stat_archiver, pg_settings WHERE name = 'wal_segment_size'")[0];
  if (row[3] == "t") {
    throw base::Error(base::ErrorKind::process, fmt::format("archiving {} failed", row[2].value_or("WAL")))
        .with_remedy("read logs/source.log in the drill's directory");
  }
  const auto size = postgres::SegmentSize::of_bytes(std::stoull(row[1].value()));
  const auto segment = row[0] ? postgres::parse_segment_name(*row[0], size) : std::nullopt;
  return to_string(segment ? start_of(*segment, size) + size.bytes() : postgres::Lsn());
}

}  // namespace harness::backup
