// What ransomware does: each file is there, of the same size and under the same name, and holds ciphertext whose key
// nobody has.
#pragma once

#include <cstdint>

#include "harness/faults/expendable_directory.hpp"

namespace harness::faults {

struct Encrypted {
  std::uint64_t files = 0, bytes = 0;
};

// Every regular file below the directory that is not empty, without following links, in place (AES-256-GCM, a key of
// this call's own that is forgotten). No server may work in it. Throws base::Error (io, permission).
[[nodiscard]] Encrypted encrypt_files(const ExpendableDirectory& directory);

}  // namespace harness::faults
