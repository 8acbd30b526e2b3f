#include "harness/verify/transaction_probe.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

namespace harness::verify {

using reports::record::CommitRecord;
using reports::record::TransactionStatus;

namespace {

// WAL has ids without epoch: the one nearest to the newest transaction is meant, up to 2^31 on either side. One that
// lies ahead has not begun, or is the newest and still open: PostgreSQL cannot be asked about it, and it is not there.
constexpr const char* statuses_sql =
    "WITH newest AS (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::numeric AS id), "
    "asked AS (SELECT place, xid, newest.id AS newest, newest.id + mod(xid - mod(newest.id, 4294967296) + 6442450944, "
    "4294967296) - 2147483648 AS id FROM unnest($1::numeric[]) WITH ORDINALITY AS x(xid, place), newest) "
    "SELECT xid, CASE WHEN id >= newest THEN 'ahead' WHEN id >= 3 THEN pg_xact_status(id::text::xid8) END FROM asked "
    "ORDER BY place";

}  // namespace

std::vector<TransactionStatus> probe_transactions(const Cluster& cluster, const std::vector<CommitRecord>& records) {
  constexpr std::size_t at_a_time = 50'000;
  auto connection = open_session(cluster, scoped_database(cluster));
  std::vector<TransactionStatus> statuses;
  std::vector<std::uint32_t> xids;
  for (const auto& record : records) {
    xids.push_back(record.xid);
    xids.insert(xids.end(), record.subtransactions.begin(), record.subtransactions.end());
  }
  statuses.reserve(xids.size());
  for (std::size_t from = 0; from < xids.size(); from += at_a_time) {
    const auto some = std::span(xids).subspan(from, std::min(at_a_time, xids.size() - from));
    for (const auto& row : connection.query(statuses_sql, {fmt::format("{{{}}}", fmt::join(some, ","))})) {
      statuses.push_back({static_cast<std::uint32_t>(to_count(row[0])), to_text(row[1])});
    }
  }
  return statuses;
}

}  // namespace harness::verify
