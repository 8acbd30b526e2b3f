#include "backup_engine/store/state_digest.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "backup_engine/base/digits.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/sha256.hpp"
#include "backup_engine/store/manifest.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/store/wrapped_keys.hpp"

namespace backup_engine::store {

namespace {

// nullopt: it went meanwhile. What cannot be read is for a verification to name, not for a digest to fail on.
std::optional<base::Sha256::Digest> digest_of(Storage& storage, const std::string& name) {
  try {
    base::Sha256 hash;
    hash.update(storage.read(name));
    return hash.finish();
  } catch (const base::Error& error) {
    if (error.kind() == base::ErrorKind::not_found) return std::nullopt;
    return base::Sha256::Digest{};
  }
}

}  // namespace

std::string state_digest(Storage& storage) {
  auto names = list_wrapped_keys(storage);
  if (storage.size(repository_document())) names.push_back(repository_document());
  for (const auto& cluster : list_clusters(storage)) {
    names.push_back(cluster_document(cluster));
    for (const auto& label : list_backup_labels(storage, cluster)) names.push_back(manifest_name(cluster, label));
  }
  std::sort(names.begin(), names.end());
  base::Sha256 all;
  for (const auto& name : names) {
    const auto digest = digest_of(storage, name);
    if (!digest) continue;
    constexpr std::array end_of_name{std::byte{0}};
    all.update(std::as_bytes(std::span(name)));
    all.update(end_of_name);
    all.update(*digest);
  }
  return base::to_hex(all.finish());
}

}  // namespace backup_engine::store
