#include <fmt/format.h>

#include "backup_engine/base/quantity_text.hpp"
#include "harness/cli/verbs.hpp"

namespace harness::cli {

namespace base = backup_engine::base;

namespace {

void print_result(const backup_engine::ExpireResult& result, bool dry_run) {
  fmt::print("{}\n", result.cluster);
  for (const auto& backup : result.kept) {
    fmt::print("  keep    {}  {}{}\n", backup.label, fmt::join(backup.reasons, "; "),
               backup.point_in_time ? "" : "  (not point-in-time: only its own end)");
  }
  for (const auto& label : result.expired) fmt::print("  expire  {}\n", label);
  for (const auto& holder : result.held) fmt::print("  held    {}\n", holder);
  if (!result.held.empty()) {
    fmt::print("          (when one of these runs no more: lifeboat expire --cluster {} --revoke LABEL)\n",
               result.cluster);
  }
  std::uint64_t bytes = 0;
  for (const auto& object : result.removed) bytes += object.size_bytes;
  if (dry_run) {
    for (const auto& object : result.removed) fmt::print("  would remove  {}  {}\n", object.name, object.reason);
    for (const auto& object : result.retained) fmt::print("  would stay    {}  {}\n", object.name, object.reason);
  }
  fmt::print("  {} {} objects, {}\n", dry_run ? "would remove" : "removed", result.removed.size(),
             base::bytes_text(bytes));
}

bool has_a_rule(const backup_engine::RetentionRules& rules) {
  return rules.keep_full + rules.keep_hourly + rules.keep_daily + rules.keep_weekly + rules.keep_monthly +
                 rules.keep_yearly >
             0 ||
         rules.pitr_window.has_value();
}

}  // namespace

ExitCode execute(const ExpireVerb& verb) {
  if (!verb.revoke.empty()) {
    backup_engine::revoke_backup(verb.request.repository, *verb.request.cluster, verb.revoke);
    fmt::print("revoked {}: it is not published if it still runs\n", verb.revoke);
    if (!has_a_rule(verb.request.rules)) return ExitCode::pass;
  }
  for (const auto& result : backup_engine::expire_backups(verb.request)) print_result(result, verb.request.dry_run);
  return ExitCode::pass;
}

}  // namespace harness::cli
