// Where records of the witness WAL start and end, as PostgreSQL's own pg_waldump reads them: for choosing points of the
// WAL. A few records are read for each question, whatever the length of the WAL, and across the forks of its timelines.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/wal_segment.hpp"
#include "harness/verify/tool_runs.hpp"
#include "reports/record/evidence.hpp"

namespace harness::verify {

class RecordPlaces {
 public:
  // directory: whole segments under their final names. line: the way to the timeline that is read, oldest first and
  // with it. Throws base::Error(not_found) when the directory has no segment of the line.
  RecordPlaces(ToolOptions options, const std::filesystem::path& directory,
               const std::vector<reports::record::TimelineStretch>& line);

  [[nodiscard]] backup_engine::postgres::SegmentSize segment_size() const { return segment_size_; }
  // The first record that starts at `lsn` or later; nullopt when the WAL ends before. Throws base::Error as running a
  // program does.
  [[nodiscard]] std::optional<reports::record::RecordPlace> first_from(backup_engine::postgres::Lsn lsn) const;
  // The last record that ends at `until` or before, not looked for before `from`.
  [[nodiscard]] std::optional<reports::record::RecordPlace> last_whole(backup_engine::postgres::Lsn from,
                                                                       backup_engine::postgres::Lsn until) const;

 private:
  [[nodiscard]] std::vector<reports::record::RecordPlace> dumped(backup_engine::postgres::Lsn from,
                                                                 backup_engine::postgres::Lsn until,
                                                                 const std::vector<std::string>& more = {}) const;

  ToolOptions options_;
  std::uint32_t timeline_;
  backup_engine::base::TemporaryDirectory links_;
  backup_engine::postgres::SegmentSize segment_size_;
  backup_engine::postgres::Lsn end_{};  // of the last segment
};

}  // namespace harness::verify
