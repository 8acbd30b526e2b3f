// Removing what the rules no longer keep: backups, the packs and WAL that only they needed, and what killed backups
// left. The rules are defined in docs/retention.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/repository.hpp"

namespace backup_engine {

// A backup stays when any rule keeps it. 0: the rule is not given.
struct RetentionRules {
  unsigned keep_full = 0;  // the newest chains, whole
  unsigned keep_hourly = 0, keep_daily = 0, keep_weekly = 0, keep_monthly = 0, keep_yearly = 0;
  std::optional<std::chrono::seconds> pitr_window;
};

// A number and s, min, h, d or w: "30d". Throws Error(usage).
[[nodiscard]] std::chrono::seconds parse_duration(const std::string& text);

struct ExpireRequest {
  RepositoryLocation repository;
  std::optional<std::string> cluster;  // none: every cluster
  RetentionRules rules;
  bool dry_run = false;
  base::UtcTime now = base::utc_now();
  // How old what an interrupted put left must be before it is taken for debris, where no intent tells.
  std::chrono::seconds debris_age = std::chrono::hours(24);
  // Called before the first backup goes, once for each cluster that loses one; may be empty. What it throws ends the
  // work.
  std::function<void()> before_removal{};
};

struct KeptBackup {
  std::string label;
  std::vector<std::string> reasons;  // never empty
  bool point_in_time = false;        // else only its own consistent point can be restored
};

struct ExpiredObject {
  std::string name;
  std::uint64_t size_bytes = 0;
  std::string reason;
};

struct ExpireResult {
  std::string cluster;
  std::vector<KeptBackup> kept;         // oldest first
  std::vector<std::string> expired;     // labels
  std::vector<ExpiredObject> removed;   // in order; of a dry run: what would go
  std::vector<ExpiredObject> retained;  // of backups that are not there (any more), and why they stay
  std::vector<std::string> held;        // who holds what since when
};

// Manifests go first and durably, then packs and indexes, then WAL, oldest first, then debris; interrupted anywhere,
// the next run goes on. Throws Error: usage (no rule; the last restorable backup would go), corrupt (a manifest or an
// intent cannot be read: what it needs is not known), and what the repository throws.
std::vector<ExpireResult> expire_backups(const ExpireRequest& request);

// Takes the backup's word away from it, for one that died: it is not published if it wakes. Error(not_found).
void revoke_backup(const RepositoryLocation& repository, const std::string& cluster, const std::string& label);

}  // namespace backup_engine
