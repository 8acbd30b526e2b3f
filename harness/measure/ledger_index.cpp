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
  positions_.reserve(records.size());
  for (const auto& record : records) {
    if (record.committed) positions_.emplace(record.xid, position_of(record.lsn, "a commit record's position"));
  }
}

std::optional<Lsn> CommitPositions::of(std::uint64_t xid) const {
  const auto found = positions_.find(static_cast<std::uint32_t>(xid));
  if (found == positions_.end()) return std::nullopt;
  return found->second;
}

}  // namespace harness::measure
