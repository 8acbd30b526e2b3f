// A disk that is full: somebody's file has grown until nothing fits any more. Only of a volume, which is small and
// nobody else's: the machine's own disk is never filled.
#pragma once

#include <cstdint>

#include "harness/process/volume.hpp"

namespace harness::faults {

// Lets a file at the volume's top grow until the kernel has not a byte left to give (ENOSPC); called again, it takes
// what was freed meanwhile. Returns that file's size in bytes. Throws base::Error where it cannot be written for
// another reason.
std::uint64_t fill_volume(const process::Volume& volume);

}  // namespace harness::faults
