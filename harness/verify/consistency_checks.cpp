// Catalog and settings of a cluster of which no mark was taken: against themselves and this machine.
#include <fmt/format.h>

#include "harness/verify/checks.hpp"

namespace harness::verify {

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

Check check_settings_in_force(const ConsistencyEvidence& consistency) {
  Check check;
  check.witness = "postgres";
  for (const auto& setting : consistency.unheeded_settings) {
    const auto colon = setting.find(": ");
    check.findings.push_back({setting.substr(0, colon), "", "", "", "", setting.substr(colon + 2)});
  }
  check.expected = "every line of the restored configuration files is in force, but what quarantine overrides";
  check.actual = fmt::format("{} lines, {} not in force", consistency.settings_examined, check.findings.size());
  conclude(check, consistency.settings_examined, "lines of the restored configuration files");
  return check;
}

}  // namespace harness::verify
