#include "harness/measure/prepared_transactions.hpp"

#include <fmt/format.h>

#include <unordered_map>
#include <unordered_set>

#include "harness/measure/ledger_index.hpp"

namespace harness::measure {

using backup_engine::postgres::Lsn;
using reports::record::CommitOrderEvidence;
using reports::record::CommitRecord;
using reports::record::Finding;
using reports::record::PreparedRecord;

namespace {

Finding finding(std::uint32_t xid, const std::string& lsn, const std::string& time, std::string text) {
  return {fmt::format("transaction {}", xid), "", lsn, std::to_string(xid), time, std::move(text)};
}

}  // namespace

std::vector<Finding> find_wrong_prepared(const CommitOrderEvidence& order, Lsn end) {
  std::vector<Finding> findings;
  if (!order.prepared_present) return findings;
  const std::unordered_set<std::uint32_t> present(order.prepared_present->begin(), order.prepared_present->end());
  std::unordered_map<std::uint32_t, const CommitRecord*> decided;
  for (const auto& record : order.records) {
    if (position_of(record.lsn, "a commit record's position") < end) decided.emplace(record.xid, &record);
  }
  std::unordered_map<std::uint32_t, const PreparedRecord*> behind;
  for (const auto& prepared : order.prepared) {
    if (position_of(prepared.lsn, "a PREPARE's position") >= end) {
      behind.emplace(prepared.xid, &prepared);
    } else if (!decided.contains(prepared.xid) && !present.contains(prepared.xid)) {
      findings.push_back(
          finding(prepared.xid, prepared.lsn, prepared.time,
                  "missing: prepared and not decided before recovery had to end, and it is not prepared"));
    }
  }
  for (const auto xid : present) {
    if (const auto known = decided.find(xid); known != decided.end()) {
      const auto& record = *known->second;
      findings.push_back(finding(xid, record.lsn, record.time,
                                 fmt::format("extra: still prepared, and its {} lies before where recovery had to end",
                                             record.committed ? "commit" : "rollback")));
    } else if (const auto late = behind.find(xid); late != behind.end()) {
      findings.push_back(finding(xid, late->second->lsn, late->second->time,
                                 "extra: prepared, and its PREPARE lies behind where recovery had to end"));
    }
  }
  return findings;
}

}  // namespace harness::measure
