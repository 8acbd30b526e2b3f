// Reads what pg_waldump prints. Pure; the line's form is PostgreSQL's (src/bin/pg_waldump/pg_waldump.c,
// src/backend/access/rmgrdesc/xactdesc.c and xlogdesc.c).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/wal_segment.hpp"
#include "reports/record/evidence.hpp"

namespace harness::verify {

// What the text does not say of itself.
struct DumpedWal {
  std::uint32_t timeline = 1;
  backup_engine::postgres::SegmentSize segment_size;
};

struct DumpedRecords {
  std::vector<reports::record::CommitRecord> commits;  // and aborts
  std::vector<reports::record::PreparedRecord> prepared;
  std::vector<reports::record::RestorePointRecord> restore_points;
};

// Each in the order of the text, commits and aborts of prepared transactions under the prepared one's xid. Times must
// have been printed with TZ=UTC. Lines of other records are passed over; a commit, abort, PREPARE or restore point that
// cannot be read throws base::Error(corrupt) with the line.
[[nodiscard]] DumpedRecords parse_dumped_records(std::string_view text, const DumpedWal& wal);

// Where each record of the text starts and ends, whatever it is.
[[nodiscard]] std::vector<reports::record::RecordPlace> parse_places(std::string_view text, const DumpedWal& wal);

// Where PostgreSQL says that a record ends which starts there and is that long: page headers on the way are skipped,
// the result is aligned to 8 bytes.
[[nodiscard]] backup_engine::postgres::Lsn end_of_record(backup_engine::postgres::Lsn start, std::uint64_t length_bytes,
                                                         backup_engine::postgres::SegmentSize segment_size);

}  // namespace harness::verify
