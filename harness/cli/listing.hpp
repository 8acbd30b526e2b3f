// What `lifeboat list` and `lifeboat verify` print: text for people, JSON for programs. Pure.
#pragma once

#include <string>
#include <vector>

#include "backup_engine/repository.hpp"
#include "backup_engine/verify.hpp"

namespace harness::cli {

[[nodiscard]] std::string listing_text(const std::vector<backup_engine::ClusterSummary>& clusters);
[[nodiscard]] std::string listing_json(const std::vector<backup_engine::ClusterSummary>& clusters);
[[nodiscard]] std::string verify_text(const backup_engine::VerifyResult& result);
[[nodiscard]] std::string verify_json(const backup_engine::VerifyResult& result);

}  // namespace harness::cli
