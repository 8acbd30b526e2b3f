// A standby that archives too (archive_mode = always) hands over every segment that it has fetched from an archive or
// received, also one that its primary was still writing then: filled with zeros behind what there was. Put as a whole
// segment it would stand in the way of what the primary writes there.
#pragma once

#include <filesystem>

#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/wal/byte_source.hpp"
#include "backup_engine/wal/segment_header.hpp"

namespace backup_engine::wal {

// `file`: the segment where a server has it, in pg_wal. Throws Error(mismatch) when the server there is in recovery and
// the last page was not written yet, nor a switch of segments behind which it stays empty. The last segment of a
// timeline that the server has left stays like that, and may be taken; `find_history` tells.
void require_finished(ByteSource& bytes, const postgres::WalSegment& segment, const store::ClusterIdentity& cluster,
                      const FindHistory& find_history, const std::filesystem::path& file);

}  // namespace backup_engine::wal
