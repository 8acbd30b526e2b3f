#include "backup_engine/store/keyring.hpp"

#include <string_view>

#include "backup_engine/store/cipher.hpp"

namespace backup_engine::store {

namespace {

constexpr std::size_t hash_secret_bytes = 192;  // as long as XXH3's own
constexpr std::string_view hash_secret_label = "lifeboat block hash 1";

}  // namespace

DataKey::DataKey(KeyId id, base::UtcTime created_at, SecretBytes key)
    : id_(id), created_at_(created_at), key_(std::move(key)), hash_secret_(hash_secret_bytes) {
  hkdf_sha256(key_.bytes(), {}, std::as_bytes(std::span(hash_secret_label)), hash_secret_.bytes());
}

std::shared_ptr<const DataKey> new_data_key(base::UtcTime now) {
  KeyId id;
  fill_random(id);
  SecretBytes key(key_bytes);
  fill_random(key.bytes());
  return std::make_shared<const DataKey>(id, now, std::move(key));
}

std::shared_ptr<const DataKey> Keyring::find(const KeyId& id) const {
  for (const auto& key : keys_) {
    if (key->id() == id) return key;
  }
  return nullptr;
}

}  // namespace backup_engine::store
