// The data keys of an encrypted repository, opened: one is the newest, with which new chains and new WAL are written;
// the others keep what is older readable. Defined in docs/formats/repository.md, "Keys".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/store/secret_bytes.hpp"

namespace backup_engine::store {

using KeyId = std::array<std::byte, 16>;  // random; not secret

class DataKey {
 public:
  DataKey(KeyId id, base::UtcTime created_at, SecretBytes key);

  [[nodiscard]] const KeyId& id() const { return id_; }
  [[nodiscard]] base::UtcTime created_at() const { return created_at_; }
  [[nodiscard]] std::span<const std::byte> key() const { return key_.bytes(); }
  // Keys the hash of blocks, so that nobody without the key can tell or forge what a block hashes to.
  [[nodiscard]] std::span<const std::byte> hash_secret() const { return hash_secret_.bytes(); }

 private:
  KeyId id_;
  base::UtcTime created_at_;
  SecretBytes key_, hash_secret_;
};

// A random key with a random id.
[[nodiscard]] std::shared_ptr<const DataKey> new_data_key(base::UtcTime now);

// Immutable and so thread-safe.
class Keyring {
 public:
  // At least one; the last one is the newest.
  explicit Keyring(std::vector<std::shared_ptr<const DataKey>> keys) : keys_(std::move(keys)) {}

  [[nodiscard]] const std::vector<std::shared_ptr<const DataKey>>& all() const { return keys_; }
  [[nodiscard]] const std::shared_ptr<const DataKey>& newest() const { return keys_.back(); }
  [[nodiscard]] std::shared_ptr<const DataKey> find(const KeyId& id) const;  // null: none of these

 private:
  std::vector<std::shared_ptr<const DataKey>> keys_;
};

}  // namespace backup_engine::store
