#include "backup_engine/base/sha256.hpp"

#include "backup_engine/base/digits.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/libcrypto.hpp"

namespace backup_engine::base {

namespace {

void require(int result) {
  if (result != 1) throw Error(ErrorKind::internal, "OpenSSL's SHA-256 failed");
}

}  // namespace

// OpenSSL's functions for this one algorithm. What it recommends in their place looks the algorithm up among those of
// its configuration, which takes 0.95 ms when it is done once, to check a document of 300 bytes.
struct Sha256::State {
  SHA256_CTX context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  require(libcrypto().SHA256_Init(&state_->context));
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes) {
  require(libcrypto().SHA256_Update(&state_->context, bytes.data(), bytes.size()));
}

Sha256::Digest Sha256::finish() {
  Digest digest;
  require(libcrypto().SHA256_Final(reinterpret_cast<unsigned char*>(digest.data()), &state_->context));
  return digest;
}

std::string sha256_hex(std::string_view text) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(text)));
  return to_hex(hash.finish());
}

}  // namespace backup_engine::base
