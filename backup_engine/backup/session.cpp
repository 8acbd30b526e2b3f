#include "backup_engine/backup/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "backup_engine/backup/server_questions.hpp"
#include "backup_engine/base/error.hpp"

namespace backup_engine::backup {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;

namespace {

constexpr std::string_view needed_rights =
    "The role needs pg_read_all_settings and EXECUTE on pg_backup_start and pg_backup_stop, or be a superuser.";

postgres::Lsn lsn_of(const std::string& text) {
  const auto lsn = postgres::parse_lsn(text);
  if (!lsn)
    throw Error(ErrorKind::internal, fmt::format("the server answered \"{}\" where a WAL position was expected", text));
  return *lsn;
}

// What follows `key` on its line.
std::string_view field(const std::string& text, std::string_view key) {
  const auto at = text.find(key);
  if (at == std::string::npos) {
    throw Error(ErrorKind::corrupt, fmt::format("the backup label has no line \"{}\"", key));
  }
  const auto begin = at + key.size();
  return std::string_view(text).substr(begin, text.find_first_of(" \n", begin) - begin);
}

}  // namespace

Session::Session(const std::string& conninfo) : connection_(conninfo, "lifeboat backup") {
  const auto version = connection_.server_version();
  if (!postgres::supported(version.major())) {
    throw Error(ErrorKind::unsupported, fmt::format("the server is PostgreSQL {}", to_string(version)))
        .with_remedy(fmt::format("Lifeboat backs up PostgreSQL {} to {}.", postgres::oldest_supported_major,
                                 postgres::newest_supported_major));
  }
  prepare_session(connection_);
}

postgres::Rows Session::query(const std::string& sql, const std::vector<postgres::Value>& parameters) {
  try {
    return connection_.query(sql, parameters);
  } catch (const Error& error) {
    if (error.sqlstate() != "42501") throw;  // insufficient_privilege
    throw Error(ErrorKind::permission, error.what())
        .with_sqlstate(error.sqlstate())
        .with_remedy(std::string(needed_rights));
  }
}

fs::path Session::setting_path(const std::string& name) {
  const auto rows = query("SELECT setting FROM pg_settings WHERE name = $1", {name});
  if (rows.empty() || !rows[0].at(0)) {
    throw Error(ErrorKind::permission, fmt::format("the server does not say its {}", name))
        .with_remedy(std::string(needed_rights));
  }
  return fs::path(*rows[0].at(0)).lexically_normal();
}

void Session::require_serving(const fs::path& data_directory, const postgres::ControlFile& control) {
  const auto identifier = query("SELECT system_identifier FROM pg_control_system()").single();
  const auto serving = setting_path("data_directory");
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorKind::mismatch,
                fmt::format("{} is not the data directory of the connected server: {}", data_directory.string(), why))
        .with_remedy(fmt::format("The server's own is {}.", serving.string()));
  };
  if (identifier != std::to_string(control.system_identifier)) {
    refuse(fmt::format("its system identifier is {}, the server's {}", control.system_identifier, identifier));
  }
  std::error_code error;
  if (!fs::equivalent(data_directory, serving, error)) refuse("it is another directory (a copy or a standby?)");
}

postgres::TimelineId Session::timeline() {
  if (in_recovery()) {  // it writes none itself: that of the restartpoint where recovery will start
    const auto followed = query("SELECT timeline_id FROM pg_control_checkpoint()").single();
    return postgres::TimelineId(static_cast<std::uint32_t>(std::stoul(followed)));
  }
  const auto name = query("SELECT pg_walfile_name(pg_current_wal_flush_lsn())").single();
  std::uint32_t number = 0;
  const auto result = std::from_chars(name.data(), name.data() + std::min<std::size_t>(name.size(), 8), number, 16);
  if (result.ec != std::errc() || number == 0) {
    throw Error(ErrorKind::internal, fmt::format("the server names its WAL file \"{}\"", name));
  }
  return postgres::TimelineId(number);
}

bool Session::in_recovery() {
  return query("SELECT pg_is_in_recovery()").single() == "t";
}

postgres::Lsn Session::start(const std::string& label) {
  try {
    return lsn_of(query("SELECT pg_backup_start($1, fast => true)", {label}).single());
  } catch (const Error& error) {
    explain_standby(error);
    explain_wal_level(error);
    throw;
  }
}

void Session::explain_wal_level(const Error& error) {
  if (error.sqlstate() != not_in_prerequisite_state || query("SHOW wal_level").single() != "minimal") return;
  throw Error(ErrorKind::server, "the server cannot be backed up: its wal_level is minimal")
      .with_sqlstate(error.sqlstate())
      .with_remedy("ALTER SYSTEM SET wal_level = replica, and start the server anew");
}

// What a standby finds only in the WAL that it replays: pages may have been torn that no full image repairs.
void Session::explain_standby(const Error& error) {
  if (error.sqlstate() != not_in_prerequisite_state || !in_recovery()) return;
  throw Error(ErrorKind::unsupported, fmt::format("the standby cannot be backed up: {}", error.what()))
      .with_sqlstate(error.sqlstate())
      .with_remedy(std::string(standby_remedy));
}

ServerInventory Session::inventory() {
  return take_inventory(connection_);
}

void Session::end_segment() {
  end_archived_segment(connection_);
}

postgres::Rows Session::ask_to_stop() {
  try {
    return query("SELECT lsn, labelfile, spcmapfile FROM pg_backup_stop(wait_for_archive => false)");
  } catch (const Error& error) {
    explain_standby(error);
    throw;
  }
}

StoppedBackup Session::stop() {
  const auto rows = ask_to_stop();
  const auto& row = rows[0];
  StoppedBackup stopped;
  stopped.stop_lsn = lsn_of(row.at(0).value_or(""));
  stopped.backup_label = row.at(1).value_or("");
  stopped.tablespace_map = row.at(2).value_or("");
  stopped.stopped_at = server_clock(connection_);
  stopped.databases = list_databases(connection_);
  return stopped;
}

LabelStart parse_label_start(const std::string& backup_label) {
  const auto timeline = field(backup_label, "START TIMELINE: ");
  const auto lsn = postgres::parse_lsn(field(backup_label, "START WAL LOCATION: "));
  std::uint32_t number = 0;
  const auto result = std::from_chars(timeline.data(), timeline.data() + timeline.size(), number);
  if (!lsn || number == 0 || result.ptr != timeline.data() + timeline.size()) {
    throw Error(ErrorKind::corrupt, "the backup label does not say where recovery starts");
  }
  return {postgres::TimelineId(number), *lsn};
}

}  // namespace backup_engine::backup
