// Forks and executes one command. Boost.Process v2 is wrapped here and nowhere else.
#pragma once

#include <sys/types.h>

#include "harness/process/subprocess.hpp"

namespace harness::process {

// The child's parent-death signal is bound to the calling thread. Throws base::Error(process) naming program, step and
// reason once the child that failed is reaped. The caller reaps the child that did not.
[[nodiscard]] pid_t launch(const Command& command);

// launch() on the one thread that lives as long as Lifeboat. Safe from any thread; blocks until the program runs.
[[nodiscard]] pid_t launch_on_spawning_thread(const Command& command);

}  // namespace harness::process
