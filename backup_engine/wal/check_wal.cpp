#include <algorithm>
#include <utility>

#include "backup_engine/base/error.hpp"
#include "backup_engine/store/manifest.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/store/wal_objects.hpp"
#include "backup_engine/wal/check_server.hpp"
#include "backup_engine/wal/reach.hpp"
#include "backup_engine/wal/wal_archive.hpp"
#include "backup_engine/wal_check.hpp"

namespace backup_engine {

using base::Error;
using base::ErrorKind;

namespace wal {
namespace {

// What cannot be read is told, and does not hide the rest.
template <typename Read>
void read_or_tell(RepositoryFacts& facts, const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt && error.kind() != ErrorKind::unsupported) throw;
    facts.unreadable.emplace_back(error.what());
  }
}

RepositoryFacts gather(store::Storage& storage, const std::string& cluster, const WalArchive& archive) {
  RepositoryFacts facts;
  facts.ranges = archive.ranges();
  for (const auto& gap : archive.gaps()) {
    std::string text;  // that it is there tells more than what it says
    read_or_tell(facts, [&] { text = archive.read_gap(gap); });
    facts.gaps.emplace_back(gap, text);
  }
  for (const auto& object : store::list_wal(storage, cluster, archive.segment_size())) {
    if (object.parsed.kind != store::WalObjectKind::history) continue;
    const auto timeline = object.parsed.segment.timeline;
    read_or_tell(facts, [&] { facts.histories[timeline] = postgres::parse_history(*archive.read_history(timeline)); });
  }
  for (const auto& label : store::list_backup_labels(storage, cluster)) {
    read_or_tell(facts, [&] { facts.backups.push_back(store::read_manifest(storage, cluster, label).summary); });
  }
  return facts;
}

}  // namespace
}  // namespace wal

bool WalCheckResult::sound() const {
  return std::ranges::none_of(findings, [](const auto& each) { return each.severity == WalSeverity::problem; });
}

WalCheckResult check_wal(const WalCheckRequest& request) {
  const auto storage = store::open_repository(request.repository);
  const auto identity = store::read_cluster(*storage, request.cluster);
  const wal::WalArchive archive(*storage, request.cluster, identity.wal_segment_size, Compression{});
  WalCheckResult result;
  result.cluster = request.cluster;
  const auto facts = wal::gather(*storage, request.cluster, archive);
  wal::describe_reach(facts, result);
  if (!request.conninfo.empty()) {
    result.server = wal::ask_server(request.conninfo, request.cluster, identity, facts.ranges);
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
