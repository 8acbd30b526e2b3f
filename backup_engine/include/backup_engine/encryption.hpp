// The keys of an encrypted repository: key files, and changing what they open. docs/encryption.md says what is
// protected against whom, and what is not.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "backup_engine/repository.hpp"

namespace backup_engine {

// Makes `path` a key file with a new random key, mode 0600, durable. Throws Error(already_exists): nothing is ever
// written over a key.
void make_key_file(const std::filesystem::path& path);

// Throws Error as every verb that opens a repository with it: not_found, permission (it cannot be read), usage (others
// than its owner can use it, no key file).
void require_key_file(const std::filesystem::path& path);

struct RekeyRequest {
  RepositoryLocation repository;       // with the key file that opens it now
  std::filesystem::path new_key_file;  // the one that opens it from now on; empty: the same
  bool new_data_key = false;           // new chains and new WAL get a data key of their own
};

struct RekeyResult {
  std::string keys_object;  // that counts from now on
  std::size_t data_keys = 0;
};

// Puts the data keys wrapped anew, makes sure that they open, and removes what was wrapped before. What was backed up
// stays as it is and readable. Interrupted anywhere, the repository opens with the old key file or with the new one.
// Throws Error: usage (nothing asked for, a repository in the clear), mismatch (the wrong key file), already_exists
// (another rekey came between).
RekeyResult rekey_repository(const RekeyRequest& request);

}  // namespace backup_engine
