// Every name in a repository, and nothing else knows them. Defined in docs/formats/repository.md.
//
//   repository.json
//   keys/XXXXXXXX.json                                     the data keys of an encrypted repository, wrapped
//   clusters/CLUSTER/cluster.json
//   clusters/CLUSTER/operations/XXXXXXXX.json              what every verb did; operations/XXXXXXXX.json: without a
//   cluster clusters/CLUSTER/intents/LABEL.json                    of a backup that is being taken
//   clusters/CLUSTER/backups/LABEL/manifest.json           published last: makes the backup visible
//   clusters/CLUSTER/backups/LABEL/{files,blocks.root,blocks.index,blocks.hashes}
//   clusters/CLUSTER/backups/LABEL/packs/XXXXXXXX.pack
//   clusters/CLUSTER/wal/TIMELINE.history
//   clusters/CLUSTER/wal/TIMELINE/XLOGID/SEGMENT{.raw,.lz4,.zst}
//   clusters/CLUSTER/wal/TIMELINE/XLOGID/SEGMENT.part-FROM-TO   bytes [FROM, TO) of the segment, 8 hex digits each
//   clusters/CLUSTER/wal/TIMELINE/XLOGID/{SEGMENT.partial,SEGMENT.OFFSET.backup}
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/wal_segment.hpp"
#include "backup_engine/repository.hpp"

namespace backup_engine::store {

[[nodiscard]] std::string repository_document();
[[nodiscard]] std::string keys_prefix();
[[nodiscard]] std::string wrapped_keys_name(std::uint32_t number);  // 8 hexadecimal digits
[[nodiscard]] std::optional<std::uint32_t> parse_wrapped_keys_name(std::string_view name);
[[nodiscard]] std::string clusters_prefix();  // prefixes end in '/'

// 1 to 63 of a-z A-Z 0-9 . _ - and no dot or hyphen first.
[[nodiscard]] bool is_cluster_name(const std::string& text);
// Throws Error(usage).
void check_cluster_name(const std::string& cluster);
[[nodiscard]] std::string cluster_prefix(const std::string& cluster);
[[nodiscard]] std::string cluster_document(const std::string& cluster);
// Of an empty cluster: the repository's own.
[[nodiscard]] std::string operations_prefix(const std::string& cluster);
[[nodiscard]] std::string operation_name(const std::string& cluster, std::uint32_t number);  // 8 hexadecimal digits
[[nodiscard]] std::optional<std::uint32_t> parse_operation_name(const std::string& cluster, std::string_view name);
[[nodiscard]] std::string intents_prefix(const std::string& cluster);
[[nodiscard]] std::string intent_name(const std::string& cluster, const std::string& label);
// The label; nullopt: no intent of this cluster.
[[nodiscard]] std::optional<std::string> parse_intent_name(const std::string& cluster, std::string_view name);

// "20261120T021500Z-full", -diff, -incr
[[nodiscard]] std::string backup_label(base::UtcTime started_at, BackupType type);
[[nodiscard]] std::optional<BackupType> parse_backup_label(std::string_view label);  // nullopt: not a label
// When the label says that the backup began; nullopt: not a label.
[[nodiscard]] std::optional<base::UtcTime> label_second(std::string_view label);

[[nodiscard]] std::string backups_prefix(const std::string& cluster);
[[nodiscard]] std::string backup_prefix(const std::string& cluster, const std::string& label);
[[nodiscard]] std::string manifest_name(const std::string& cluster, const std::string& label);
[[nodiscard]] std::string file_table_name(const std::string& cluster, const std::string& label);
[[nodiscard]] std::string block_root_name(const std::string& cluster, const std::string& label);
[[nodiscard]] std::string block_index_name(const std::string& cluster, const std::string& label);
[[nodiscard]] std::string block_hashes_name(const std::string& cluster, const std::string& label);
[[nodiscard]] std::string pack_name(const std::string& cluster, const std::string& label, std::uint32_t number);

[[nodiscard]] std::string wal_prefix(const std::string& cluster);
[[nodiscard]] std::string wal_history_name(const std::string& cluster, postgres::TimelineId timeline);
// The folder of one segment: ".../wal/TIMELINE/XLOGID/"
[[nodiscard]] std::string wal_folder(const std::string& cluster, const postgres::WalSegment& segment,
                                     postgres::SegmentSize size);
[[nodiscard]] std::string wal_segment_name(const std::string& cluster, const postgres::WalSegment& segment,
                                           postgres::SegmentSize size, Codec codec);
// Bytes [from, to) of the segment.
[[nodiscard]] std::string wal_part_name(const std::string& cluster, const postgres::WalSegment& segment,
                                        postgres::SegmentSize size, std::uint64_t from_bytes, std::uint64_t to_bytes);
// `file_name` as PostgreSQL names it: "….partial" or "….XXXXXXXX.backup". Throws Error(usage) for anything else.
[[nodiscard]] std::string wal_extra_name(const std::string& cluster, const std::string& file_name,
                                         postgres::SegmentSize size);

enum class WalObjectKind { segment, part, partial, backup_history, history };

struct WalObjectName {
  WalObjectKind kind = WalObjectKind::segment;
  postgres::WalSegment segment;  // history: only its timeline
  std::uint64_t from_bytes = 0;  // within the segment; part only
  std::uint64_t to_bytes = 0;    // part: end; segment: the segment's size
  Codec codec = Codec::none;     // segment only: what its suffix says
};

// `name` is a whole object name; nullopt unless it is exactly one that the functions above make for this cluster.
[[nodiscard]] std::optional<WalObjectName> parse_wal_object(const std::string& cluster, const std::string& name,
                                                            postgres::SegmentSize size);

}  // namespace backup_engine::store
