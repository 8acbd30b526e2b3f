#include "harness/scenario/setting_rules.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace harness::scenario {
namespace {

struct FixedSetting {
  std::string_view name, wanted, reason;
};

// Only the wanted value may be given: any other makes the drill measure something that no production server is.
constexpr std::array fixed_settings{
    FixedSetting{"fsync", "on", "a server that does not sync loses what it acknowledged, and its timings are not real"},
    FixedSetting{"full_page_writes", "on", "a backup taken without full page writes cannot be recovered safely"},
    FixedSetting{"ignore_checksum_failure", "off", "damaged pages would be read as if they were whole"},
    FixedSetting{"ignore_invalid_pages", "off", "recovery would pass over damage"},
    FixedSetting{"zero_damaged_pages", "off", "damage would be replaced by empty pages"},
    FixedSetting{"autovacuum", "on", "no production server runs without it, and backups must stand it"},
    FixedSetting{"track_commit_timestamp", "on", "the judging needs the commits' times"},
};

constexpr std::array own_settings{"archive_cleanup_command",
                                  "archive_command",
                                  "archive_library",
                                  "archive_mode",
                                  "config_file",
                                  "data_directory",
                                  "external_pid_file",
                                  "hba_file",
                                  "hot_standby",
                                  "ident_file",
                                  "include",
                                  "include_dir",
                                  "include_if_exists",
                                  "listen_addresses",
                                  "log_destination",
                                  "log_directory",
                                  "log_filename",
                                  "logging_collector",
                                  "port",
                                  "primary_conninfo",
                                  "primary_slot_name",
                                  "restore_command",
                                  "recovery_end_command",
                                  "ssl_passphrase_command",
                                  "synchronous_standby_names",
                                  "unix_socket_directories",
                                  "unix_socket_group",
                                  "unix_socket_permissions"};

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return result;
}

// A truth value as people write it; PostgreSQL's further abbreviations are not needed and are refused.
std::string truth_word(const std::string& value) {
  if (value == "on" || value == "true" || value == "yes" || value == "1") return "on";
  if (value == "off" || value == "false" || value == "no" || value == "0") return "off";
  return value;
}

std::optional<std::string> refusal_of_synchronous_commit(const std::string& value, const WalPolicy& wal) {
  if (value == "on" || value == "remote_write") return std::nullopt;
  if (value == "local") {
    if (!wal.synchronous) return std::nullopt;
    return "with wal.synchronous a commit must wait for the receiver, or nothing is promised";
  }
  if (value == "remote_apply") {
    if (!wal.synchronous) return std::nullopt;
    return "a WAL receiver that is no server never applies, so every commit would wait for ever";
  }
  return "an acknowledgement that is not on disk proves nothing: write on, remote_write or local";
}

}  // namespace

std::optional<std::string> refusal_of_setting(std::string_view name, std::string_view value, const WalPolicy& wal) {
  const auto word = truth_word(lower(value));
  for (const auto& fixed : fixed_settings) {
    if (fixed.name == name && fixed.wanted != word) return std::string(fixed.reason);
  }
  if (name == "synchronous_commit") return refusal_of_synchronous_commit(word, wal);
  if (name == "wal_level" && word != "replica" && word != "logical") return "backups need replica or logical";
  if (name.starts_with("recovery_target") ||
      std::find(own_settings.begin(), own_settings.end(), name) != own_settings.end()) {
    return "Lifeboat sets this one itself, so that the server touches nothing outside the drill";
  }
  return std::nullopt;
}

bool is_setting_name(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  if (name.empty() || name.size() > 63 || !is_letter(name.front()) || name.back() == '.') return false;
  return std::count(name.begin(), name.end(), '.') <= 1 && std::all_of(name.begin(), name.end(), [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || c == '.';
         });
}

}  // namespace harness::scenario
