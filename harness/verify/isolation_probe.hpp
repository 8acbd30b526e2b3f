// Whether a restored server is by itself: which namespaces its processes live in, what of the outside they see, and
// whether a listener that was put there for them can be reached from among them (docs/checks.md, `isolation`).
#pragma once

#include <filesystem>

#include "harness/server/server.hpp"
#include "reports/record/evidence.hpp"

namespace harness::verify {

// wal_socket: the one socket of the outside that it is meant to see; may be empty. Takes milliseconds. Throws
// base::Error, also where the server runs in namespaces and the caller may not enter them.
[[nodiscard]] reports::record::IsolationEvidence probe_isolation(const server::Server& server,
                                                                 const std::filesystem::path& wal_socket);

}  // namespace harness::verify
