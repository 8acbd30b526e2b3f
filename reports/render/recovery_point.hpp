// Private to reports/render: where a restore was to end and where it ended, in words, the same in every form of a
// report.
#pragma once

#include <string>

#include "reports/record/report.hpp"

namespace reports::render {

// "mark before-drop", "LSN 0/2B4A7D18, exclusive", "the end of the WAL"; empty when no target was chosen.
[[nodiscard]] std::string target_text(const record::RestoreTarget& target);

// "0/2B4A7D18; last commit 2026-11-20 02:15:14.803 UTC, xid 61877", of which only what is known; empty when nothing is.
[[nodiscard]] std::string reached_text(const record::RestoreRecord::Reached& reached);

// "yes: all 61,310 commits, none extra (witness pg_receivewal)", "no: 3 missing, 0 extra …", "not established".
[[nodiscard]] std::string exactness_text(const record::Exactness& exact);

// "1,204 transactions, 3.25 s of work", "nothing", "not measured".
[[nodiscard]] std::string discarded_text(const record::Rpo& rpo);

// A restore that stops before the end of the WAL, or that brings back a part: what is asked of it has to be said.
[[nodiscard]] bool has_own_target(const record::RestoreRecord& restore);

// What the RTO of such a restore ends with.
[[nodiscard]] std::string end_of_rto(const record::RestoreRecord& restore);

}  // namespace reports::render
