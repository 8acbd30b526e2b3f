// Where records of the witness WAL start and end, as PostgreSQL's own pg_waldump reads them: for choosing points of the
// WAL. A few records are read for each question, whatever the length of the WAL.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/wal_segment.hpp"
#include "harness/verify/tool_runs.hpp"
#include "reports/record/evidence.hpp"

namespace harness::verify {

class RecordPlaces {
 public:
  // directory: whole segments under their final names. Throws base::Error(not_found) when it has none of the timeline.
  RecordPlaces(ToolOptions options, std::filesystem::path directory, std::uint32_t timeline);

  [[nodiscard]] backup_engine::postgres::SegmentSize segment_size() const { return segment_size_; }
  // The first record that starts at `lsn` or later; nullopt when the WAL ends before. Throws base::Error as running a
  // program does.
  [[nodiscard]] std::optional<reports::record::RecordPlace> first_from(backup_engine::postgres::Lsn lsn) const;
  // The last record that ends at `until` or before, not looked for before `from`.
  [[nodiscard]] std::optional<reports::record::RecordPlace> last_whole(backup_engine::postgres::Lsn from,
                                                                       backup_engine::postgres::Lsn until) const;

 private:
  [[nodiscard]] std::vector<reports::record::RecordPlace> dumped(backup_engine::postgres::Lsn from,
                                                                 const std::string& until_when) const;

  ToolOptions options_;
  std::filesystem::path directory_;
  std::uint32_t timeline_;
  backup_engine::postgres::SegmentSize segment_size_;
};

}  // namespace harness::verify
