// XXH3-128, the hash of blocks in the clear and of whole objects. Not cryptographic: against accidents, not against
// malice. In an encrypted repository blocks are hashed with a secret, and the tags of AES-GCM stand against malice
// (docs/adr/0004-block-hashes-with-a-secret.md).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace backup_engine::store {

using BlockHash = std::array<std::byte, 16>;  // canonical (big-endian) form

// `secret`: of the data key (DataKey::hash_secret), at least 136 bytes; empty in the clear.
[[nodiscard]] BlockHash hash_block(std::span<const std::byte> clear, std::span<const std::byte> secret = {});

// The same over a stream of pieces.
class StreamHash {
 public:
  StreamHash();
  ~StreamHash();
  void update(std::span<const std::byte> bytes);
  [[nodiscard]] std::string hex() const;  // 32 digits, of all so far

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A whole object as stored: its size and the XXH3-128 of all its bytes, 32 hexadecimal digits.
struct ObjectDigest {
  std::uint64_t size_bytes = 0;
  std::string xxh3_128;
  bool operator==(const ObjectDigest&) const = default;
};

// True when every byte is zero, and for no bytes.
[[nodiscard]] bool all_zero(std::span<const std::byte> bytes);

}  // namespace backup_engine::store
