// Exactness: the commits present are exactly those that the target asks for in WAL order (docs/glossary.md). Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "harness/measure/stop_position.hpp"
#include "reports/record/evidence.hpp"
#include "reports/record/ledger.hpp"
#include "reports/record/report.hpp"

namespace harness::measure {

// Every commit that starts before it is expected: the stop, or for the end of WAL as far as recovery came, and at least
// behind every commit that was whole when the WAL receiver acknowledged it. Not for an unknown stop.
[[nodiscard]] backup_engine::postgres::Lsn end_of_expected(const reports::record::CommitOrderEvidence& order,
                                                           const StopPosition& stop);

// Does the timeline on which recovery ended lead through that place on the way that it had to go? The same position on
// another timeline is another place.
[[nodiscard]] bool ended_on_the_line(const reports::record::CommitOrderEvidence& order,
                                     backup_engine::postgres::Lsn place);

// Xids of the transactions that the target asks for and that are not there, and of those that are there and that it
// does not ask for; ascending. Nobody's for an unknown stop.
struct Deviation {
  std::vector<std::uint64_t> missing, extra;
};
[[nodiscard]] Deviation find_deviation(const reports::record::CommitOrderEvidence& order,
                                       const std::vector<reports::record::LedgerTransaction>& ledger,
                                       const StopPosition& stop);

// expected: the ledger's transactions whose commit record starts before `stop`; recovery must have ended right there,
// neither short of it nor past it, on the line of timelines, and is not met otherwise. The end of WAL asks for what
// recovery reached, and at least for every commit that lies whole before what the WAL receiver had acknowledged: WAL
// that the engine called durable and did not give back is missing. Commits of others than the load (vacuum, DDL) leave
// no ledger row and are not counted. All but the witness stays empty when the stop is unknown; `met` is empty when the
// witness holds no commit of the load at all. Throws base::Error(corrupt) for an LSN that is none.
[[nodiscard]] reports::record::Exactness measure_exactness(
    const reports::record::CommitOrderEvidence& order, const std::vector<reports::record::LedgerTransaction>& ledger,
    const StopPosition& stop);

}  // namespace harness::measure
