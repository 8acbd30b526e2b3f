#include "harness/drill/restore_account.hpp"

#include <fmt/format.h>

#include "backup_engine/base/refusal.hpp"
#include "harness/drill/outcome.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace record = reports::record;

namespace {

// What an error says of the restore itself: refused, when the engine says why it will not do it, or nothing in the
// repository leads to what was asked for; failed, when PostgreSQL did not recover, or would not take what was put into
// it. Empty when the drill broke.
std::string outcome_of(const base::Error& error, bool into_source) {
  using base::ErrorKind;
  if (!base::reason_of(error).empty()) return "refused";
  const auto kind = error.kind();
  if (kind == ErrorKind::corrupt || kind == ErrorKind::process) return "failed";
  if (into_source && (kind == ErrorKind::server || kind == ErrorKind::permission)) return "failed";
  const bool refused = kind == ErrorKind::not_found || kind == ErrorKind::usage || kind == ErrorKind::mismatch ||
                       kind == ErrorKind::unsupported;
  return refused ? "refused" : "";
}

}  // namespace

record::RestoreRecord restore_asked_for(const plan::Plan& plan, const ResolvedTarget& target) {
  record::RestoreRecord restore;
  restore.kind = to_string(plan.scenario.restore.kind);
  restore.target = target.record;
  restore.expected = expected_outcome(plan.scenario.restore);
  if (plan.scenario.source.stored) restore.backup_label = plan.scenario.source.stored->label;
  return restore;
}

bool restore_or_tell(const Context& context, const ResolvedTarget& target, record::Report& report,
                     const std::function<void()>& restore) {
  try {
    restore();
    return true;
  } catch (const base::Error& error) {
    const auto outcome = outcome_of(error, restores_into_source(context.plan.scenario.restore));
    if (outcome.empty()) throw;
    auto& told = report.restores.emplace_back(restore_asked_for(context.plan, target));
    told.outcome = outcome;
    told.reason = base::reason_of(error);
    told.reached = reached_in_vain(context);
    if (outcome != "refused" || told.expected.outcome != "refused") throw;
    told.notes.push_back(error.remedy().empty() ? error.what()
                                                : fmt::format("{}; what to do: {}", error.what(), error.remedy()));
    context.journal.append("restore.refused", {{"reason", told.reason}, {"why", error.what()}});
    return false;
  }
}

void judge_refusal(const Context& context, record::Report& report, const Judged& judged) {
  record::write_evidence(context.directory.path(), judged.evidence);
  context.step("judge", "judge the refusal");
  judge(report, judged);
}

void note_restore(record::Report& report, record::RestoreRecord restore, const Course& course,
                  std::optional<std::uint64_t> database_bytes) {
  restore.backup_label = course.backup_label;
  restore.outcome = "recovered";
  restore.rto.phases = course.phases;
  restore.notes = course.notes;
  restore.size.database_bytes = database_bytes;
  if (auto cost = cost_of_going_back(report.backups, restore); !cost.empty()) restore.notes.push_back(std::move(cost));
  restore.volume = course.volume;
  restore.repeat = course.repeat;
  report.restores.push_back(std::move(restore));
  if (course.struck) report.disasters.push_back(*course.struck);
  report.environment.settings["recovery_init_sync_method"] = "syncfs";
  auto& cache = report.environment.settings["repository_cache"];
  if (cache != "warm") cache = course.repository_was_cold ? "cold" : "warm";  // of several, the worst
}

void note_verified(record::Report& report, const Course& course) {
  const auto now = base::utc_now();
  auto& rto = report.restores.back().rto;
  const std::chrono::duration<double> took = now - course.writable;
  rto.phases.push_back({"verified", base::to_rfc3339(course.writable), took.count(), {}});
  rto.verified_seconds = std::chrono::duration<double>(now - course.clock_started).count();
}

std::optional<std::uint64_t> restored_bytes(const Context& context, const server::Server& server) {
  const auto& database = context.plan.scenario.restore.partial.database;
  const auto bytes = server.connect().query(
      "SELECT sum(pg_database_size(oid)) FROM pg_database WHERE $1::text = '' OR datname = $1::text", {database});
  return bytes[0][0] ? std::optional(std::stoull(*bytes[0][0])) : std::nullopt;
}

}  // namespace harness::drill
