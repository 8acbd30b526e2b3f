#include "harness/restore/surroundings.hpp"

namespace harness::restore {

namespace fs = std::filesystem;

Surroundings surroundings() {
  return server::why_not_isolated().empty() ? Surroundings::isolated : Surroundings::shared;
}

std::optional<server::Isolation> isolation_of(const RestoreOrder& order, const fs::path& access_rules) {
  if (surroundings() == Surroundings::shared) return std::nullopt;
  server::Isolation isolation;
  isolation.visible.push_back(order.lifeboat);
  // restore_command prefers this one where it lies beside the other.
  const auto faster = order.lifeboat.parent_path() / "lifeboat-wal-fetch";
  if (fs::exists(faster)) isolation.visible.push_back(faster);
  if (!order.wal_socket.empty()) {
    isolation.visible.push_back(order.wal_socket.parent_path());
  } else {
    isolation.visible.push_back(order.repository);
    if (!order.key_file.empty()) isolation.visible.push_back(order.key_file);
  }
  if (!access_rules.empty()) isolation.visible.push_back(access_rules);
  return isolation;
}

}  // namespace harness::restore
