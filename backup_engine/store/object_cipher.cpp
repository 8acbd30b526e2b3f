#include "backup_engine/store/object_cipher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "backup_engine/base/digits.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/store/little_endian.hpp"

namespace backup_engine::store {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::string_view object_key_label = "lifeboat object 1";

Nonce nonce_at(std::uint64_t offset_bytes) {
  Nonce nonce{};
  put_little_endian(nonce.data(), offset_bytes);
  return nonce;
}

// So that no name can run into what follows it.
std::array<std::byte, 4> length_of(const std::string& text) {
  std::array<std::byte, 4> length{};
  put_little_endian(length.data(), static_cast<std::uint32_t>(text.size()));
  return length;
}

}  // namespace

ObjectCipher::ObjectCipher(std::shared_ptr<const DataKey> key, const ObjectHeader& header, const std::string& object)
    : data_key_(std::move(key)), key_(key_bytes), object_(object) {
  auto copy = header;
  const auto encoded = encode(copy);
  const auto label = std::as_bytes(std::span(object_key_label));
  std::vector<std::byte> info(label.begin(), label.end());
  info.insert(info.end(), encoded.begin(), encoded.end());
  hkdf_sha256(data_key_->key(), header.salt, info, key_.bytes());
}

Tag ObjectCipher::seal(std::uint64_t offset_bytes, std::span<const std::byte> about, std::span<const std::byte> clear,
                       std::span<std::byte> sealed) const {
  return gcm_seal(key_.bytes(), nonce_at(offset_bytes), {length_of(object_), std::as_bytes(std::span(object_)), about},
                  clear, sealed);
}

bool ObjectCipher::open(std::uint64_t offset_bytes, std::span<const std::byte> about, std::span<const std::byte> sealed,
                        std::span<const std::byte> tag, std::span<std::byte> clear) const {
  if (tag.size() != tag_bytes) return false;
  Tag expected;
  std::copy(tag.begin(), tag.end(), expected.begin());
  return gcm_open(key_.bytes(), nonce_at(offset_bytes), {length_of(object_), std::as_bytes(std::span(object_)), about},
                  sealed, expected, clear);
}

void set_cipher(ObjectHeader& header, const DataKey* key) {
  if (key == nullptr) return;
  header.cipher = Cipher::aes_256_gcm;
  header.key_id = key->id();
}

std::shared_ptr<const ObjectCipher> cipher_of(const ObjectHeader& header, const std::string& object,
                                              const Keyring* keys) {
  if (keys == nullptr && header.cipher == Cipher::none) return nullptr;
  if (keys == nullptr) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: encrypted, in a repository that is not", object))
        .with_remedy("it came from another repository");
  }
  if (header.cipher == Cipher::none) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: not encrypted, in a repository that is", object))
        .with_remedy("nobody who has this repository's keys wrote it");
  }
  auto key = keys->find(header.key_id);
  if (!key) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: encrypted with the data key {}, which is not among this "
                                                "repository's keys",
                                                object, base::to_hex(header.key_id)))
        .with_remedy(
            "a key that came later: start again; else it came from another repository, or the objects in keys/ "
            "were put back to an older state");
  }
  return std::make_shared<const ObjectCipher>(std::move(key), header, object);
}

}  // namespace backup_engine::store
