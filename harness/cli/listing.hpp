// What `lifeboat list` and `lifeboat verify` print: text for people, JSON for programs. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "backup_engine/copied_database.hpp"
#include "backup_engine/operations.hpp"
#include "backup_engine/repository.hpp"
#include "backup_engine/verify.hpp"

namespace harness::cli {

// The operations log of each cluster by its name, and the repository's own under "".
using OperationsLogs = std::map<std::string, backup_engine::OperationsLog>;

// The databases that were copied while each backup was taken, by cluster and label.
using CopiesByCluster = std::map<std::string, std::map<std::string, backup_engine::CopiedDatabases>>;

[[nodiscard]] std::string listing_text(const std::vector<backup_engine::ClusterSummary>& clusters,
                                       const CopiesByCluster& copies, backup_engine::base::UtcTime now);
// With the success rates of `logs` up to `now`.
[[nodiscard]] std::string listing_json(const std::vector<backup_engine::ClusterSummary>& clusters,
                                       const CopiesByCluster& copies, const OperationsLogs& logs,
                                       backup_engine::base::UtcTime now);
[[nodiscard]] std::string verify_text(const backup_engine::VerifyResult& result);
[[nodiscard]] std::string verify_json(const backup_engine::VerifyResult& result);

}  // namespace harness::cli
