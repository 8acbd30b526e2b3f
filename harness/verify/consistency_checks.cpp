// Catalog and settings of a cluster of which no mark was taken: against themselves and this machine.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "harness/verify/checks.hpp"

namespace harness::verify {

using reports::record::CatalogEvidence;
using reports::record::Check;
using reports::record::ConsistencyEvidence;

namespace {

reports::record::Finding finding(const std::string& line, const std::string& text) {
  const auto colon = line.rfind(": ");
  return {line.substr(0, colon), "", "", "", "", text};
}

}  // namespace

Check check_catalog_consistency(const ConsistencyEvidence& consistency, const Records& records) {
  Check check;
  check.witness = "postgres";
  for (const auto& reference : consistency.broken_references) {
    check.findings.push_back({reference.from, "", "", "", "",
                              fmt::format("{} row{} to rows of {} that are not there", reference.rows,
                                          reference.rows == 1 ? " refers" : "s refer", reference.to)});
  }
  for (const auto& file : consistency.missing_files) {
    check.findings.push_back(finding(file, "its file is not there: " + file.substr(file.rfind(": ") + 2)));
  }
  if (records.evidence.catalog) add_machine_findings(*records.evidence.catalog, check);
  check.expected = "every reference between catalogs leads to a row, every relation to a file; no mark says more";
  check.actual = fmt::format("{} kinds of reference, {} relations, {} findings", consistency.references_examined,
                             consistency.files_examined, check.findings.size());
  conclude(check, consistency.references_examined + consistency.files_examined,
           "kinds of reference between catalogs and files of relations");
  return check;
}

namespace {

struct Recorded {
  std::string_view label, setting;
};
// What pg_control keeps of a server's settings (src/bin/pg_controldata/pg_controldata.c).
constexpr std::array recorded_settings = {Recorded{"wal_level setting:", "wal_level"},
                                          Recorded{"wal_log_hints setting:", "wal_log_hints"},
                                          Recorded{"max_connections setting:", "max_connections"},
                                          Recorded{"max_worker_processes setting:", "max_worker_processes"},
                                          Recorded{"max_wal_senders setting:", "max_wal_senders"},
                                          Recorded{"max_prepared_xacts setting:", "max_prepared_transactions"},
                                          Recorded{"max_locks_per_xact setting:", "max_locks_per_transaction"},
                                          Recorded{"track_commit_timestamp setting:", "track_commit_timestamp"}};

std::optional<std::string> value_behind(std::string_view output, std::string_view label) {
  const auto at = output.find(label);
  if (at == std::string_view::npos) return std::nullopt;
  auto value = output.substr(at + label.size());
  value = value.substr(0, value.find('\n'));
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  return std::string(value);
}

}  // namespace

Check check_settings_of_control_data(const reports::record::ToolRun& control_data, const CatalogEvidence& now) {
  Check check;
  check.witness = "postgres";
  std::uint64_t examined = 0;
  for (const auto& [label, setting] : recorded_settings) {
    const auto then = value_behind(control_data.output, label);
    const auto found = now.settings.find(std::string(setting));
    if (!then || found == now.settings.end() || now.quarantined.contains(std::string(setting))) continue;
    ++examined;
    if (found->second == *then) continue;
    check.findings.push_back(
        {std::string(setting), "", "", "", "",
         fmt::format("is '{}' by the restored configuration files; the source ran with '{}'", found->second, *then)});
  }
  check.expected = "the settings that the source ran with when it was backed up, as far as its pg_control keeps them";
  check.actual = fmt::format("{} settings, {} differ", examined, check.findings.size());
  conclude(check, examined, "settings that pg_control keeps");
  return check;
}

}  // namespace harness::verify
