// The three primitives of encryption, by OpenSSL: HKDF-SHA256 (RFC 5869), AES-256-GCM (NIST SP 800-38D), random bytes.
// How they are put together stands in docs/formats/object.md, "Encrypted objects".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

namespace backup_engine::store {

inline constexpr std::size_t key_bytes = 32, nonce_bytes = 12, tag_bytes = 16;

using Nonce = std::array<std::byte, nonce_bytes>;
using Tag = std::array<std::byte, tag_bytes>;

// Fills `output`, at most 255 × 32 bytes.
void hkdf_sha256(std::span<const std::byte> key, std::span<const std::byte> salt, std::span<const std::byte> info,
                 std::span<std::byte> output);

// What is authenticated beside the text: the pieces count as one, one after the other.
using AssociatedData = std::initializer_list<std::span<const std::byte>>;

// `sealed` is as long as `clear` and may be the same bytes. A nonce is used once with a key. Thread-safe.
[[nodiscard]] Tag gcm_seal(std::span<const std::byte> key, const Nonce& nonce, AssociatedData associated,
                           std::span<const std::byte> clear, std::span<std::byte> sealed);
// False when the tag does not fit: then `clear` holds nothing to be used.
[[nodiscard]] bool gcm_open(std::span<const std::byte> key, const Nonce& nonce, AssociatedData associated,
                            std::span<const std::byte> sealed, const Tag& tag, std::span<std::byte> clear);

void fill_random(std::span<std::byte> bytes);  // from the kernel

}  // namespace backup_engine::store
