// Whether WAL that is continuous by its names is so by its records: walks them all, on several threads, each with its
// CRC and its link to the one before, and says where they end. Names do not tell two histories of the same server
// apart, nor a segment whose inside is broken; its records do.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backup_engine/wal/record_reader.hpp"

namespace backup_engine::wal {

// With this record a server begins wal_level = minimal: PostgreSQL recovers no backup past it.
struct MinimalWal {
  postgres::Lsn record;
  std::optional<postgres::Lsn> before;  // the record before it; none when the walk began with it
};

struct RecordsEnd {
  enum class Kind {
    reached,    // `until`
    held_ends,  // inside a record, or before the next one begins
    no_more,    // nothing was written behind in the last segment: that of a server that died, pushed by hand
    broken,     // WAL goes on behind, and does not follow: damage, or another history
  };
  Kind kind = Kind::reached;
  postgres::Lsn at;                                  // behind the last whole record
  std::optional<postgres::Lsn> last;                 // where that begins; none when there is none
  std::string why;                                   // empty when reached
  std::vector<TablespaceCreation> tablespaces = {};  // that are created on the way, in order
  std::vector<MinimalWal> minimal = {};              // on the way, in order
  std::vector<DatabaseChange> databases = {};        // on the way, in order
};

// From the record at `start`, or the first one of the segment that starts there, up to `until`, along `path`. All up to
// `until` is held (held_until), and nothing behind it is looked at. Keeps a segment in memory for each of at most
// `jobs` threads, and fewer of large segments. Throws Error: corrupt (an object is damaged), interrupted.
[[nodiscard]] RecordsEnd walk_records(const WalArchive& archive, TimelinePath path, int major, postgres::Lsn start,
                                      postgres::Lsn until, unsigned jobs, const std::stop_token& stop = {});

}  // namespace backup_engine::wal
