#include <algorithm>
#include <utility>

#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/wal/check_server.hpp"
#include "backup_engine/wal/gather_facts.hpp"
#include "backup_engine/wal/wal_archive.hpp"
#include "backup_engine/wal_check.hpp"

namespace backup_engine {

bool WalCheckResult::sound() const {
  return std::ranges::none_of(findings, [](const auto& each) { return each.severity == WalSeverity::problem; });
}

WalCheckResult check_wal(const WalCheckRequest& request) {
  const auto storage = store::open_repository(request.repository);
  const auto identity = store::read_cluster(*storage, request.cluster);
  const wal::WalArchive archive(*storage, request.cluster, identity.wal_segment_size, Compression{});
  WalCheckResult result;
  result.cluster = request.cluster;
  const auto facts = wal::gather_facts(*storage, request.cluster, archive);
  wal::describe_reach(facts, result);
  if (!request.conninfo.empty()) {
    result.server = wal::ask_server(request.conninfo, request.cluster, identity, [&] { return archive.ranges(); });
    for (auto& finding : wal::judge_server(*result.server)) result.findings.push_back(std::move(finding));
  }
  std::ranges::stable_sort(result.findings, {}, &WalFinding::severity);
  return result;
}

std::vector<WalFinding> check_server_wal(const std::string& conninfo) {
  auto findings = wal::judge_server(wal::ask_server(conninfo));
  std::ranges::stable_sort(findings, {}, &WalFinding::severity);
  return findings;
}

}  // namespace backup_engine
