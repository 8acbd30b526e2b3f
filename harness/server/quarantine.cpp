#include "harness/server/quarantine.hpp"

namespace harness::server {

const std::vector<QuarantineOverride>& quarantine_overrides() {
  static const std::vector<QuarantineOverride> overrides = {
      {"archive_mode", "off", "a restored clone must never archive into the production repository"},
      {"max_logical_replication_workers", "0", "its subscriptions would consume from the production publisher"},
      {"shared_preload_libraries", "", "schedulers and agents loaded here would run production's jobs"},
      {"session_preload_libraries", "", "as shared_preload_libraries, for each session"},
      {"local_preload_libraries", "", "as shared_preload_libraries, for each session"},
      {"event_triggers", "off", "they fire on a login or a change of ours, and may call whom they like", 17},
      {"bonjour", "off", "it would announce the clone on the network"},
      {"recovery_end_command", "", "a command of the source's operations, written for the source's host"},
      {"archive_cleanup_command", "", "it would delete from the source's archive"},
      {"primary_conninfo", "", "it must recover from the repository, not follow a living primary"},
      {"primary_slot_name", "", "it must not take part in a slot of the primary"},
      {"sync_replication_slots", "off", "it would ask the primary for its slots", 17},
      {"promote_trigger_file", "", "a file of the source's host would promote it", 15, 15},
      {"synchronous_standby_names", "", "the standbys are not here: every commit would wait for them"},
      {"ssl", "off", "there is no TCP; the key files lie on the source's host"},
      {"logging_collector", "off", "its log goes to the drill directory, not into the source's log_directory"},
      {"log_destination", "stderr", "as logging_collector; syslog would reach outside"},
      {"log_directory", "log", "as logging_collector; an absolute one lies outside the data directory"},
      {"cluster_name", "lifeboat-quarantine", "whoever sees the process knows what it is"},
  };
  return overrides;
}

std::map<std::string, std::string> quarantine_settings(int major) {
  std::map<std::string, std::string> settings;
  for (const auto& item : quarantine_overrides()) {
    if (major >= item.since_major && major <= item.until_major) settings.emplace(item.name, item.value);
  }
  return settings;
}

std::string options_of_sessions(const std::map<std::string, std::string>& settings) {
  std::string options;
  for (const auto* const name : {"event_triggers", "local_preload_libraries", "session_preload_libraries"}) {
    const auto found = settings.find(name);
    if (found == settings.end()) continue;
    options += std::string(options.empty() ? "-c " : " -c ") + name + "=";
    for (const char c : found->second) {
      if (c == ' ' || c == '\\') options += '\\';
      options += c;
    }
  }
  return options;
}

}  // namespace harness::server
