#include "harness/restore/foreign_cluster.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/server/quarantine.hpp"

namespace harness::restore {

namespace base = backup_engine::base;
namespace fs = std::filesystem;

void give_to(const std::optional<process::OsUser>& user, const fs::path& top) {
  if (!user || ::geteuid() != 0) return;
  const auto give = [&](const fs::path& path) {
    if (::lchown(path.c_str(), user->uid, user->gid) != 0) {
      throw base::system_error(errno, fmt::format("give to {}", user->name), path.string());
    }
  };
  give(top);
  if (!fs::is_directory(top)) return;
  for (const auto& entry : fs::recursive_directory_iterator(top)) give(entry.path());
}

fs::path write_access_rules(fs::path rules, const std::optional<process::OsUser>& user) {
  base::write_file_atomically(rules, "local all all trust\n", 0600);
  give_to(user, rules);
  return rules;
}

std::map<std::string, std::string> settings_of_foreign_cluster(int major, const fs::path& access_rules) {
  auto settings = server::quarantine_settings(major);
  settings["recovery_init_sync_method"] = "syncfs";  // the restore has synced every file: docs/adr/0003
  settings["hba_file"] = access_rules.string();
  settings["shared_buffers"] = "128MB";
  settings["huge_pages"] = "off";
  settings["autovacuum"] = "off";
  settings["default_transaction_isolation"] = "read committed";  // a standby refuses serializable
  settings["default_transaction_read_only"] = "off";
  settings["statement_timeout"] = "0";
  settings["lock_timeout"] = "0";
  settings["log_line_prefix"] = "%m [%p] ";
  settings["log_timezone"] = "UTC";
  settings["log_min_messages"] = "warning";
  settings["lc_messages"] = "C";
  return settings;
}

}  // namespace harness::restore
