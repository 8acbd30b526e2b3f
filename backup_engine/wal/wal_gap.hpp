// WAL that the server no longer had when the receiver asked for it. Recorded for good as an object of its own:
//
//   clusters/CLUSTER/wal/TIMELINE.gap-FROM-TO     FROM and TO: LSNs, 16 hexadecimal digits each
//
// whose text says when and why. A restore across it is refused by name. Defined in docs/formats/wal.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/timeline.hpp"

namespace backup_engine::wal {

struct WalGap {
  postgres::TimelineId timeline;
  postgres::Lsn from, to;  // to: the first position held again
  bool operator==(const WalGap&) const = default;
};

[[nodiscard]] std::string gap_object_name(const std::string& cluster, const WalGap& gap);
// `name` is a whole object name; nullopt when it is none of a gap.
[[nodiscard]] std::optional<WalGap> parse_gap_object(const std::string& cluster, std::string_view name);

}  // namespace backup_engine::wal
