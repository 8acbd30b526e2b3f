#include "harness/measure/ledger_index.hpp"

#include <fmt/format.h>

#include "backup_engine/base/error.hpp"

namespace harness::measure {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::Lsn;

Lsn position_of(const std::string& lsn, const char* what) {
  const auto position = backup_engine::postgres::parse_lsn(lsn);
  if (!position) throw Error(ErrorKind::corrupt, fmt::format("{} is no LSN: '{}'", what, lsn));
  return *position;
}

CommitPositions::CommitPositions(const std::vector<reports::record::CommitRecord>& records) {
  ends_.reserve(records.size());
  for (const auto& record : records) {
    ends_.emplace(record.xid, End{position_of(record.lsn, "a commit record's position"), &record});
  }
}

std::optional<Lsn> CommitPositions::of(std::uint64_t xid) const {
  const auto found = ends_.find(static_cast<std::uint32_t>(xid));
  if (found == ends_.end() || !found->second.record->committed) return std::nullopt;
  return found->second.position;
}

const reports::record::CommitRecord* CommitPositions::record_of(std::uint64_t xid) const {
  const auto found = ends_.find(static_cast<std::uint32_t>(xid));
  return found == ends_.end() ? nullptr : found->second.record;
}

}  // namespace harness::measure
