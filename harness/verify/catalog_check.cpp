// The catalog and the settings against the mark's.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "harness/verify/checks.hpp"
#include "harness/verify/comparison.hpp"

namespace harness::verify {

using reports::record::Check;

namespace {

// Where a cluster lies and how it is reached may differ, what recovery itself is told, and what a session's transaction
// is; a prefix ends in '*'. What quarantine gives is known by its own names.
constexpr std::array<std::string_view, 24> free_to_differ = {"data_directory",
                                                             "config_file",
                                                             "hba_file",
                                                             "ident_file",
                                                             "external_pid_file",
                                                             "listen_addresses",
                                                             "port",
                                                             "unix_socket_*",
                                                             "cluster_name",
                                                             "recovery_*",
                                                             "restore_command",
                                                             "archive_mode",
                                                             "archive_cleanup_command",
                                                             "primary_conninfo",
                                                             "primary_slot_name",
                                                             "log_directory",
                                                             "log_filename",
                                                             "logging_collector",
                                                             "in_hot_standby",
                                                             "promote_trigger_file",
                                                             "application_name",
                                                             "transaction_deferrable",
                                                             "transaction_isolation",
                                                             "transaction_read_only"};

bool may_differ(const std::string& name) {
  return std::any_of(free_to_differ.begin(), free_to_differ.end(), [&](std::string_view pattern) {
    return pattern.back() == '*' ? name.rfind(pattern.substr(0, pattern.size() - 1), 0) == 0 : name == pattern;
  });
}

// Where one database of several was restored, recovery must pass over the pages of the others, which are not there.
// Anywhere else the setting would hide damage.
bool belongs_to_restoring_one_database(const std::string& name, const Records& records) {
  return name == "ignore_invalid_pages" && records.evidence.selected.has_value();
}

Check without_mark() {
  Check check;
  check.summary = "not examined: no mark was taken to compare with";
  return check;
}

}  // namespace

void add_machine_findings(const reports::record::CatalogEvidence& now, Check& check) {
  for (const auto& mismatch : now.collation_mismatches) {
    check.findings.push_back({"collation " + mismatch.substr(0, mismatch.find(':')), "", "", "", "",
                              "this machine sorts by another version: " + mismatch});
  }
  for (const auto& library : now.missing_libraries) {
    check.findings.push_back(
        {"library " + library, "", "", "", "", "not on this machine: functions that need it fail"});
  }
}

Check check_catalog(const Records& records) {
  const auto* mark = reference_mark(records);
  if (mark == nullptr) return without_mark();
  const auto& evidence = records.evidence;
  Check check;
  check.witness = "mark";
  if (evidence.selected && !mark->selected) {
    check.summary = fmt::format("not examined: the mark '{}' does not say what the tables asked for were", mark->name);
    return check;
  }
  const auto& then = evidence.selected ? mark->selected->objects : mark->catalog;
  const auto& now = evidence.selected ? evidence.selected->objects : evidence.catalog->objects;
  compare_objects(then, now, "the mark", check);
  if (evidence.catalog) add_machine_findings(*evidence.catalog, check);
  check.expected = fmt::format("{} objects as at mark {}", then.size(), mark->name);
  check.actual = fmt::format("{} objects, {} differences", now.size(), check.findings.size());
  conclude(check, then.size(), "objects");
  return check;
}

Check check_settings(const Records& records) {
  const auto* mark = reference_mark(records);
  if (mark == nullptr) return without_mark();
  const auto& now = *records.evidence.catalog;
  Check check;
  check.witness = "mark";
  std::string by_design;
  const auto differs = [&](const std::string& name, const std::string& text) {
    if (now.quarantined.contains(name) || may_differ(name) || belongs_to_restoring_one_database(name, records)) {
      by_design += (by_design.empty() ? "" : ", ") + name;
    } else {
      check.findings.push_back({name, "", "", "", "", text});
    }
  };
  for (const auto& [name, value] : mark->settings) {
    const auto found = now.settings.find(name);
    if (found == now.settings.end()) {
      differs(name, fmt::format("is not set any more; it was '{}' at the mark", value));
    } else if (found->second != value) {
      differs(name, fmt::format("is '{}'; it was '{}' at the mark", found->second, value));
    }
  }
  for (const auto& [name, value] : now.settings) {
    if (!mark->settings.contains(name)) differs(name, fmt::format("is '{}'; it was not set at the mark", value));
  }
  check.expected = fmt::format("{} settings as at mark {}", mark->settings.size(), mark->name);
  check.actual = fmt::format("{} differ; by design: {}", check.findings.size(), by_design.empty() ? "none" : by_design);
  conclude(check, mark->settings.size(), "settings");
  return check;
}

}  // namespace harness::verify
