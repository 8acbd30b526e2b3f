#include "backup_engine/wal/readiness.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/connection.hpp"
#include "backup_engine/postgres/replication_connection.hpp"
#include "backup_engine/postgres/version.hpp"
#include "backup_engine/server_check.hpp"

namespace backup_engine {

using base::Error;

namespace wal {
namespace {

constexpr auto application = "lifeboat doctor";

std::string refusal_of_replication(const std::string& conninfo) {
  try {
    (void)postgres::ReplicationConnection(conninfo, application).identify_system();
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

Readiness ask_readiness(const std::string& conninfo) {
  constexpr int numbers_of_a_major = 10'000;
  postgres::Connection connection(conninfo, application);
  const auto row = connection.query(
      "SELECT current_setting('server_version_num'), current_user, current_setting('wal_level'), "
      "current_setting('max_wal_senders'), current_setting('data_checksums'), (SELECT rolreplication "
      "OR rolsuper FROM pg_roles WHERE rolname = current_user)")[0];
  Readiness server;
  server.major = std::stoi(row[0].value()) / numbers_of_a_major;
  server.role = row[1].value();
  server.wal_level = row[2].value();
  server.max_wal_senders = std::stoi(row[3].value());
  server.data_checksums = row[4] == "on";
  server.may_replicate = row[5] == "t";
  if (server.may_replicate && server.max_wal_senders > 0) server.refused = refusal_of_replication(conninfo);
  return server;
}

std::vector<WalFinding> judge_readiness(const Readiness& server) {
  std::vector<WalFinding> findings;
  const auto problem = [&findings](std::string text, std::string remedy) {
    findings.push_back({WalSeverity::problem, std::move(text), std::move(remedy)});
  };
  if (!postgres::supported(server.major)) {
    problem(fmt::format("the server is PostgreSQL {}", server.major),
            fmt::format("Lifeboat backs up PostgreSQL {} to {}", postgres::oldest_supported_major,
                        postgres::newest_supported_major));
  }
  if (server.wal_level == "minimal") {
    problem("wal_level is minimal: no backup can be taken, and no WAL streamed or archived",
            "ALTER SYSTEM SET wal_level = replica, and start the server anew");
  }
  if (server.max_wal_senders == 0) {
    problem("max_wal_senders is 0: neither wal receive nor a backup without --pgdata can connect",
            "ALTER SYSTEM SET max_wal_senders = 10, and start the server anew");
  }
  if (!server.may_replicate) {
    problem(
        fmt::format("the role \"{}\" has no REPLICATION right: neither wal receive nor a backup without --pgdata can "
                    "connect",
                    server.role),
        fmt::format("ALTER ROLE \"{}\" REPLICATION, or name a role that has it", server.role));
  } else if (!server.refused.empty()) {
    problem(fmt::format("a replication connection is refused: {}", server.refused),
            fmt::format("let the role in: a line of pg_hba.conf for the database \"replication\" and the role \"{}\"",
                        server.role));
  }
  if (!server.data_checksums) {
    findings.push_back({WalSeverity::warning, "data checksums are off: a damaged page is backed up without a word",
                        "with the server stopped: pg_checksums --enable"});
  }
  return findings;
}

}  // namespace wal

std::vector<WalFinding> check_server(const std::string& conninfo) {
  auto findings = wal::judge_readiness(wal::ask_readiness(conninfo));
  for (auto& finding : check_server_wal(conninfo)) findings.push_back(std::move(finding));
  std::ranges::stable_sort(findings, {}, &WalFinding::severity);
  return findings;
}

}  // namespace backup_engine
