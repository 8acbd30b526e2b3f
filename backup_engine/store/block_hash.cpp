#include "backup_engine/store/block_hash.hpp"

#include <xxhash.h>

#include <cstring>
#include <new>

#include "backup_engine/base/digits.hpp"

namespace backup_engine::store {

namespace {

BlockHash canonical(XXH128_hash_t hash) {
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, hash);
  BlockHash result;
  static_assert(sizeof bytes.digest == std::tuple_size_v<BlockHash>);
  std::memcpy(result.data(), bytes.digest, result.size());
  return result;
}

}  // namespace

BlockHash hash_block(std::span<const std::byte> clear, std::span<const std::byte> secret) {
  if (!secret.empty()) {
    return canonical(XXH3_128bits_withSecret(clear.data(), clear.size(), secret.data(), secret.size()));
  }
  return canonical(XXH3_128bits(clear.data(), clear.size()));
}

struct StreamHash::State {
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> xxh3{XXH3_createState(), &XXH3_freeState};
};

StreamHash::StreamHash() : state_(std::make_unique<State>()) {
  if (!state_->xxh3) throw std::bad_alloc();
  XXH3_128bits_reset(state_->xxh3.get());
}
StreamHash::~StreamHash() = default;

void StreamHash::update(std::span<const std::byte> bytes) {
  XXH3_128bits_update(state_->xxh3.get(), bytes.data(), bytes.size());
}

std::string StreamHash::hex() const {
  return base::to_hex(canonical(XXH3_128bits_digest(state_->xxh3.get())));
}

bool all_zero(std::span<const std::byte> bytes) {
  // The first bytes decide nearly always; the rest equals itself shifted by one when all are the same.
  if (bytes.empty()) return true;
  return bytes[0] == std::byte{0} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

}  // namespace backup_engine::store
