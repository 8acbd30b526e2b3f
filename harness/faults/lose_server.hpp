// The worst day: the server dies between two instructions, and its data directory is gone. Two functions, because
// between the two the harness takes what a witness needs (pg_wal) from the disk that is about to be lost.
#pragma once

#include "harness/faults/expendable_directory.hpp"
#include "harness/server/server.hpp"

namespace harness::faults {

// SIGKILL to the postmaster and all its children; returns when none is left. Nothing is flushed or removed.
void kill_server(server::Server& server);

// Removes the data directory and all in it, without following links (so tablespaces elsewhere stay). Throws
// base::Error(usage) while a server works in it, Error(io | permission) naming what could not be removed.
void lose_data_directory(const ExpendableDirectory& data_directory);

}  // namespace harness::faults
