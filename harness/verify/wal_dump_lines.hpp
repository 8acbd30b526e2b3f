// Reads what pg_waldump prints for transaction records. Pure; the line's form is PostgreSQL's
// (src/bin/pg_waldump/pg_waldump.c, src/backend/access/rmgrdesc/xactdesc.c).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "reports/record/evidence.hpp"

namespace harness::verify {

// Commits and aborts in the order of the text, with those of prepared transactions under the prepared one's xid. Times
// must have been printed with TZ=UTC. Lines of other records are passed over; a commit or abort that cannot be read
// throws base::Error(corrupt) with the line.
[[nodiscard]] std::vector<reports::record::CommitRecord> parse_commit_records(std::string_view text,
                                                                              std::uint32_t timeline);

}  // namespace harness::verify
