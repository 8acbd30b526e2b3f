#include "harness/restore/redirect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/restore/foreign_cluster.hpp"

namespace harness::restore {

namespace base = backup_engine::base;

// What the restore wrote blanks the other kinds of target first, and of one that is there twice the last counts. On a
// command line a kind that the file blanks later would be one target too many.
void aim_at(const std::filesystem::path& data_directory, const std::string& lsn, bool inclusive) {
  const auto path = data_directory / "postgresql.auto.conf";
  std::ofstream file(path, std::ios::app);
  file << fmt::format("recovery_target_lsn = '{}'\nrecovery_target_inclusive = {}\n", lsn, inclusive ? "on" : "off");
  file.close();
  if (!file) throw base::Error(base::ErrorKind::io, "cannot write " + path.string());
}

std::uint32_t promote(const server::Server& server) {
  auto connection = server.connect();
  if (connection.query("SELECT pg_promote(true, 60)").single() != "t") {
    throw base::Error(base::ErrorKind::timed_out, "the server did not promote within a minute");
  }
  // A segment's name begins with the timeline that it is written on.
  const auto name = connection.query("SELECT pg_walfile_name(pg_current_wal_lsn())").single();
  constexpr std::size_t digits = 8;
  std::uint32_t timeline = 0;
  const auto read = std::from_chars(name.data(), name.data() + std::min(digits, name.size()), timeline, 16);
  if (read.ec != std::errc()) throw base::Error(base::ErrorKind::internal, "'" + name + "' is no segment's name");
  return timeline;
}

server::Server branch_off_again(server::ServerOptions options, const base::Deadline& deadline,
                                const std::stop_token& stop) {
  const auto signal = options.data_directory / "standby.signal";
  base::write_file_atomically(signal, "", 0600);
  give_to(options.run_as, signal);
  // What the restore left in its files would lead it to its old target again.
  for (const auto* const name :
       {"recovery_target", "recovery_target_lsn", "recovery_target_name", "recovery_target_time", "recovery_target_xid",
        "restore_command", "primary_conninfo"}) {
    options.settings[name] = "";
  }
  options.settings["recovery_target_timeline"] = "latest";
  options.settings["hot_standby"] = "on";
  options.settings["default_transaction_isolation"] = "read committed";  // a standby refuses serializable
  auto server = server::Server::start(std::move(options));
  server.wait_until_ready(deadline, stop);
  (void)promote(server);
  return server;
}

}  // namespace harness::restore
