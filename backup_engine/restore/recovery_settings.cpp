#include "backup_engine/restore/recovery_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>

#include "backup_engine/postgres/configuration.hpp"

namespace backup_engine::restore {

namespace {

using postgres::quote_for_shell;
using postgres::quote_setting;

constexpr auto wal_fetch_name = "lifeboat-wal-fetch";

const std::set<std::string> inherited = {
    "restore_command",           "recovery_end_command",     "archive_cleanup_command",  "primary_conninfo",
    "primary_slot_name",         "promote_trigger_file",     "recovery_min_apply_delay", "recovery_target",
    "recovery_target_name",      "recovery_target_time",     "recovery_target_lsn",      "recovery_target_xid",
    "recovery_target_inclusive", "recovery_target_timeline", "recovery_target_action"};

// The program, and the verb where that is needed.
std::string fetching(const std::filesystem::path& lifeboat) {
  return quote_for_shell(lifeboat.string()) + (lifeboat.filename() == wal_fetch_name ? "" : " wal fetch");
}

std::string_view name_of(TargetKind kind) {
  switch (kind) {
    case TargetKind::end_of_wal:
      return "";
    case TargetKind::immediate:
      return "recovery_target";
    case TargetKind::name:
      return "recovery_target_name";
    case TargetKind::time:
      return "recovery_target_time";
    case TargetKind::lsn:
      return "recovery_target_lsn";
    case TargetKind::xid:
      return "recovery_target_xid";
  }
  return "";
}

std::string_view name_of(TargetAction action) {
  switch (action) {
    case TargetAction::promote:
      return "promote";
    case TargetAction::pause:
      return "pause";
    case TargetAction::shutdown:
      return "shutdown";
  }
  return "promote";
}

std::optional<long> number_in(std::string_view text) {
  long value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

// The last value that `text` gives `name`, as PostgreSQL takes it; nullopt when it gives none.
std::optional<std::string> value_in(std::string_view text, std::string_view name) {
  std::optional<std::string> value;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    const auto setting = postgres::parse_setting(line);
    if (setting && setting->name == name) value = setting->value;
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return value;
}

// Hot standby, and so a recovery that can pause or be looked at, wants at least what the source ran with, also when
// that came from the source's command line.
std::string standby_limits(const std::string& configuration, const postgres::ControlFile& control) {
  struct Limit {
    std::string_view name;
    int default_value;
    int needed;
  };
  const std::array<Limit, 5> limits = {{{"max_connections", 100, control.max_connections},
                                        {"max_worker_processes", 8, control.max_worker_processes},
                                        {"max_wal_senders", 10, control.max_wal_senders},
                                        {"max_prepared_transactions", 0, control.max_prepared_transactions},
                                        {"max_locks_per_transaction", 64, control.max_locks_per_transaction}}};
  std::string text;
  for (const auto& limit : limits) {
    const auto value = value_in(configuration, limit.name);
    if ((value ? number_in(*value).value_or(0) : limit.default_value) < limit.needed) {
      text += fmt::format("{} = {}\n", limit.name, limit.needed);
    }
  }
  return text;
}

}  // namespace

std::filesystem::path wal_fetch_program(const std::filesystem::path& lifeboat) {
  std::error_code ignored;
  auto beside = lifeboat.parent_path() / wal_fetch_name;
  return std::filesystem::exists(beside, ignored) ? beside : lifeboat;
}

std::string restore_command(const std::filesystem::path& lifeboat, const std::string& repository,
                            const std::string& cluster, const std::filesystem::path& key_file) {
  const auto key = key_file.empty() ? "" : fmt::format("--key-file {} ", quote_for_shell(key_file.string()));
  return fmt::format("{} --repo {} {}--cluster {} %f %p", fetching(lifeboat), quote_for_shell(repository), key,
                     quote_for_shell(cluster));
}

std::string served_restore_command(const std::filesystem::path& lifeboat, const std::filesystem::path& socket) {
  return fmt::format("{} --socket {} %f %p", fetching(lifeboat), quote_for_shell(socket.string()));
}

std::string recovery_configuration(std::string_view auto_conf, std::string_view configuration,
                                   const postgres::ControlFile& control, const RecoveryTarget& target,
                                   const std::string& command, ArchiveMode archive_mode) {
  auto text = postgres::without_settings(auto_conf, inherited);
  if (!text.empty() && text.back() != '\n') text += '\n';
  const auto limits = standby_limits(fmt::format("{}\n{}", configuration, text), control);

  text += "# Written by lifeboat restore.\n";
  text += limits;
  // Empty ones too, because postgresql.conf may have them; before the target, because an empty one unsets it.
  for (const auto* const name :
       {"recovery_end_command", "archive_cleanup_command", "primary_conninfo", "primary_slot_name", "recovery_target",
        "recovery_target_name", "recovery_target_time", "recovery_target_lsn", "recovery_target_xid"}) {
    if (name != name_of(target.kind)) text += fmt::format("{} = ''\n", name);
  }
  if (control.major == 15) text += "promote_trigger_file = ''\n";  // gone in 16
  text += "recovery_min_apply_delay = 0\n";
  if (archive_mode == ArchiveMode::off) text += "archive_mode = off\n";
  text += fmt::format("restore_command = {}\n", quote_setting(command));
  text += fmt::format("recovery_target_timeline = {}\n", quote_setting(target.timeline));
  text += fmt::format("recovery_target_inclusive = {}\n", target.inclusive ? "on" : "off");
  text += fmt::format("recovery_target_action = {}\n", quote_setting(name_of(target.action)));
  if (target.kind != TargetKind::end_of_wal) {
    const auto value = target.kind == TargetKind::immediate ? std::string("immediate") : target.value;
    text += fmt::format("{} = {}\n", name_of(target.kind), quote_setting(value));
  }
  return text;
}

std::string archiving_note(std::string_view auto_conf, std::string_view configuration, ArchiveMode archive_mode) {
  const auto text = fmt::format("{}\n{}", configuration, auto_conf);
  const auto mode = value_in(text, "archive_mode");
  const bool somewhere_else =
      value_in(text, "include") || value_in(text, "include_dir") || value_in(text, "include_if_exists");
  constexpr std::array<std::string_view, 5> off = {"off", "false", "no", "0", ""};
  if (mode ? std::ranges::find(off, *mode) != off.end() : !somewhere_else) return "";
  const auto source =
      fmt::format("the source's archive_mode is {}", mode.value_or("set in a file that it includes, if it is"));
  if (archive_mode == ArchiveMode::preserve) {
    return source + ": the restored server archives as the source did, on a new timeline, as soon as it is promoted";
  }
  return source +
         "; in what was restored it is off, so that a copy archives nowhere. For a server that takes its source's "
         "place: ALTER "
         "SYSTEM SET archive_mode = on, and start it anew (or restore with --archive-mode preserve)";
}

}  // namespace backup_engine::restore
