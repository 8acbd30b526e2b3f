// Encrypts and opens the pieces (blocks, frames, leaves) of one object. Its key comes from the repository's data key
// and the object's header with its salt, so it is used for nothing else; a piece's nonce is where it begins in the
// object, which only rises; the object's name is authenticated with every piece. Defined in docs/formats/object.md.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "backup_engine/store/cipher.hpp"
#include "backup_engine/store/keyring.hpp"
#include "backup_engine/store/object_header.hpp"

namespace backup_engine::store {

// Immutable and so thread-safe.
class ObjectCipher {
 public:
  ObjectCipher(std::shared_ptr<const DataKey> key, const ObjectHeader& header, const std::string& object);

  [[nodiscard]] const DataKey& data_key() const { return *data_key_; }
  // A piece that begins at `offset_bytes` of the object. `about` is authenticated and says what the piece is; it has
  // the same shape for all pieces of an object. `sealed` may be `clear` itself.
  [[nodiscard]] Tag seal(std::uint64_t offset_bytes, std::span<const std::byte> about, std::span<const std::byte> clear,
                         std::span<std::byte> sealed) const;
  // False when any of all this is not what was sealed.
  [[nodiscard]] bool open(std::uint64_t offset_bytes, std::span<const std::byte> about,
                          std::span<const std::byte> sealed, std::span<const std::byte> tag,
                          std::span<std::byte> clear) const;

 private:
  std::shared_ptr<const DataKey> data_key_;
  SecretBytes key_;
  std::string object_;
};

// Marks the header of a new object as encrypted with `key`; null: it stays in the clear.
void set_cipher(ObjectHeader& header, const DataKey* key);

// What an object with this header is encrypted with; null in the clear. Throws Error(corrupt), naming the object, when
// it is not as everything in this repository must be (`keys` null: in the clear) or was encrypted with a key that is
// not among `keys`.
[[nodiscard]] std::shared_ptr<const ObjectCipher> cipher_of(const ObjectHeader& header, const std::string& object,
                                                            const Keyring* keys);

}  // namespace backup_engine::store
