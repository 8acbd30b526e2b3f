#include "harness/cli/operations_listing.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace harness::cli {

namespace base = backup_engine::base;

std::string rates_text(const backup_engine::OperationsLog& log, base::UtcTime now) {
  std::string text;
  for (const auto& rate : backup_engine::success_rates(log.operations, now)) {
    const auto recent =
        rate.recent == 0
            ? std::string("none in 30 days")
            : fmt::format("{} of {} succeeded in 30 days ({:.1f} %)", rate.recent_succeeded, rate.recent,
                          100.0 * static_cast<double>(rate.recent_succeeded) / static_cast<double>(rate.recent));
    text += fmt::format("  {:<18} {}, {} of {} ever\n", rate.verb, recent, rate.all_succeeded, rate.all);
  }
  return text;
}

std::string tampered_text(const backup_engine::OperationsLog& log) {
  std::string text;
  for (const auto& entry : log.tampered) text += fmt::format("  operations log, TAMPERED WITH: {}\n", entry);
  return text;
}

std::string operations_jsonl(const backup_engine::OperationsLog& log) {
  using Json = nlohmann::ordered_json;
  std::string text;
  for (const auto& operation : log.operations) {
    text += Json{{"cluster", operation.cluster},
                 {"verb", operation.verb},
                 {"reason", operation.reason},
                 {"user", operation.user},
                 {"host", operation.host},
                 {"pid", operation.pid},
                 {"started_at", base::to_rfc3339(operation.started_at)},
                 {"finished_at", base::to_rfc3339(operation.finished_at)},
                 {"exit_code", operation.exit_code},
                 {"outcome", operation.outcome}}
                .dump() +
            "\n";
  }
  return text;
}

}  // namespace harness::cli
