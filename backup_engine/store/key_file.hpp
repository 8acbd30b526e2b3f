// The file with the key that opens a repository's keys: one line of text, readable by its owner alone. Its name may
// stand anywhere, what is in it stands nowhere else. Defined in docs/encryption.md.
//
//   lifeboat-key-1 XXXX…        64 lower-case hexadecimal digits: 256 random bits
#pragma once

#include <filesystem>
#include <string>

#include "backup_engine/store/secret_bytes.hpp"

namespace backup_engine::store {

// Throws Error: not_found, permission (it cannot be read), usage (others than its owner can read it; no key file).
[[nodiscard]] SecretBytes read_key_file(const std::filesystem::path& path);

// What tells one key from another without telling anything about it: 32 hexadecimal digits.
[[nodiscard]] std::string key_file_id(const SecretBytes& key);

}  // namespace backup_engine::store
