// The data keys as they lie in the repository, wrapped by a key file's key: objects keys/NNNNNNNN.json, of which the
// one with the highest number counts. Defined in docs/formats/repository.md, "Keys".
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "backup_engine/store/keyring.hpp"
#include "backup_engine/store/storage.hpp"

namespace backup_engine::store {

// Names of all of them, the one that counts last.
[[nodiscard]] std::vector<std::string> list_wrapped_keys(Storage& storage);

// Puts `keys` under the next number after `newest` (0: the first), durable; returns its name. Throws
// Error(already_exists) when that is taken.
std::string put_wrapped_keys(Storage& storage, const std::string& repository_id, std::uint32_t newest,
                             const Keyring& keys, const SecretBytes& key);

struct OpenedKeys {
  std::uint32_t number = 0;
  std::string object;
  std::shared_ptr<const Keyring> keys;
};
// Throws Error: corrupt, naming the object; mismatch when another key file's key wrapped them; what read_key_file
// throws.
[[nodiscard]] OpenedKeys open_wrapped_keys(Storage& storage, const std::string& repository_id,
                                           const std::filesystem::path& key_file);

}  // namespace backup_engine::store
