#include "harness/drill/outcome.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "backup_engine/base/quantity_text.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "harness/scenario/disaster_kinds.hpp"

namespace harness::drill {

namespace record = reports::record;
namespace backend = backup_engine::postgres;

namespace {

constexpr auto refused = "refused";

std::string text_of(const std::string& outcome, const std::string& reason) {
  if (outcome.empty()) return "not ended";
  return reason.empty() ? outcome : fmt::format("{} ({})", outcome, reason);
}

}  // namespace

record::RestoreRecord::Expected expected_outcome(const scenario::Restore& restore) {
  if (restore.expected_refusal.empty()) return {};
  return {refused, restore.expected_refusal};
}

std::optional<record::Check> judge_outcome(const record::RestoreRecord& restore) {
  if (restore.expected.outcome != refused) return std::nullopt;
  record::Check check;
  check.name = "outcome";
  check.witness = "scenario";
  check.expected = text_of(restore.expected.outcome, restore.expected.reason);
  check.actual = text_of(restore.outcome, restore.reason);
  const bool as_expected = restore.outcome == refused && restore.reason == restore.expected.reason;
  check.verdict = as_expected ? record::Verdict::pass : record::Verdict::fail;
  check.summary = as_expected ? fmt::format("The restore was {}, as it must be.", check.actual)
                              : fmt::format("The restore must be {} and was {}.", check.expected, check.actual);
  if (restore.outcome != "recovered" && !restore.notes.empty()) check.summary += " " + restore.notes.back();
  return check;
}

const record::DisasterRecord* harm_of(const std::vector<record::DisasterRecord>& disasters) {
  using scenario::Effect;
  for (const auto& disaster : disasters) {
    const auto effect = scenario::effect_of(disaster.kind);
    if (effect == Effect::ends_server || effect == Effect::changes_data) return &disaster;
  }
  return nullptr;
}

std::string cost_of_going_back(const std::vector<record::BackupRecord>& backups, const record::RestoreRecord& restore) {
  if (restore.target.type != "end_of_wal" || backups.empty()) return {};
  const auto taken = std::find_if(backups.begin(), backups.end(),
                                  [&](const auto& backup) { return backup.label == restore.backup_label; });
  if (taken == backups.end() || std::next(taken) == backups.end()) return {};
  std::vector<std::string> newer;
  for (auto each = std::next(taken); each != backups.end(); ++each) newer.push_back(each->label);
  const auto from = backend::parse_lsn(taken->stop_lsn), to = backend::parse_lsn(backups.back().stop_lsn);
  const auto bytes = from && to && *to > *from ? *to - *from : 0;
  return fmt::format(
      "recovery went back to backup {}, for {} taken after it could not be used: {}. What that cost is the replay of "
      "{} "
      "more of WAL, from {} to {}; whether anything was lost, the RPO says",
      taken->label, newer.size() == 1 ? "the one" : fmt::format("the {}", newer.size()), fmt::join(newer, ", "),
      backup_engine::base::bytes_text(bytes), taken->stop_lsn, backups.back().stop_lsn);
}

}  // namespace harness::drill
