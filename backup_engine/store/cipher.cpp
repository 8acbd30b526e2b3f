#include "backup_engine/store/cipher.hpp"

#include <sys/random.h>

#include <cerrno>
#include <limits>
#include <memory>
#include <new>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/libcrypto.hpp"

namespace backup_engine::store {

using base::Error;
using base::ErrorKind;
using base::libcrypto;

namespace {

const unsigned char* raw(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* raw(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

void require(bool good, const char* what) {
  if (!good) throw Error(ErrorKind::internal, std::string("OpenSSL failed: ") + what);
}

int length_of(std::span<const std::byte> bytes) {
  require(bytes.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()), "too many bytes at once");
  return static_cast<int>(bytes.size());
}

enum class Direction { open = 0, seal = 1 };

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

Context new_context() {
  Context context{libcrypto().EVP_CIPHER_CTX_new(), libcrypto().EVP_CIPHER_CTX_free};
  if (!context) throw std::bad_alloc();
  require(
      libcrypto().EVP_CipherInit_ex(context.get(), libcrypto().EVP_aes_256_gcm(), nullptr, nullptr, nullptr, 1) == 1,
      "no AES-256-GCM");
  return context;
}

// A context a thread, kept between calls. It is freed, and what it holds of the key overwritten, when the thread ends.
EVP_CIPHER_CTX* begin(Direction direction, std::span<const std::byte> key, const Nonce& nonce,
                      AssociatedData associated) {
  thread_local const auto context = new_context();
  require(key.size() == key_bytes, "a key of another length");
  // Without naming the cipher again, which would make OpenSSL look it up and allocate for every block.
  require(libcrypto().EVP_CipherInit_ex(context.get(), nullptr, nullptr, raw(key), raw(std::span(nonce)),
                                        static_cast<int>(direction)) == 1,
          "AES-256-GCM");
  int done = 0;
  for (const auto piece : associated) {
    if (piece.empty()) continue;
    require(libcrypto().EVP_CipherUpdate(context.get(), nullptr, &done, raw(piece), length_of(piece)) == 1,
            "associated data");
  }
  return context.get();
}

void transform(EVP_CIPHER_CTX* context, std::span<const std::byte> from, std::span<std::byte> to) {
  require(from.size() == to.size(), "lengths that differ");
  int done = 0;
  if (!from.empty()) {
    require(libcrypto().EVP_CipherUpdate(context, raw(to), &done, raw(from), length_of(from)) == 1,
            "AES-256-GCM over bytes");
  }
}

}  // namespace

void hkdf_sha256(std::span<const std::byte> key, std::span<const std::byte> salt, std::span<const std::byte> info,
                 std::span<std::byte> output) {
  const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf{libcrypto().EVP_KDF_fetch(nullptr, "HKDF", nullptr),
                                                              libcrypto().EVP_KDF_free};
  require(kdf != nullptr, "no HKDF");
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context{libcrypto().EVP_KDF_CTX_new(kdf.get()),
                                                                          libcrypto().EVP_KDF_CTX_free};
  require(context != nullptr, "no HKDF context");
  // RFC 5869, 2.2: no salt is one of zeros, which OpenSSL 3.0 does not know.
  constexpr std::array<std::byte, 32> no_salt{};
  if (salt.empty()) salt = no_salt;
  // OpenSSL's parameters are not const, but it only reads them.
  const auto octets = [](const char* name, std::span<const std::byte> bytes) {
    return libcrypto().OSSL_PARAM_construct_octet_string(name, const_cast<std::byte*>(bytes.data()), bytes.size());
  };
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {libcrypto().OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                                   octets(OSSL_KDF_PARAM_KEY, key), octets(OSSL_KDF_PARAM_SALT, salt),
                                   octets(OSSL_KDF_PARAM_INFO, info), libcrypto().OSSL_PARAM_construct_end()};
  require(libcrypto().EVP_KDF_derive(context.get(), raw(output), output.size(), parameters) == 1, "HKDF-SHA256");
}

Tag gcm_seal(std::span<const std::byte> key, const Nonce& nonce, AssociatedData associated,
             std::span<const std::byte> clear, std::span<std::byte> sealed) {
  auto* const context = begin(Direction::seal, key, nonce, associated);
  transform(context, clear, sealed);
  Tag tag;
  int done = 0;
  unsigned char nothing = 0;
  require(libcrypto().EVP_CipherFinal_ex(context, &nothing, &done) == 1 &&
              libcrypto().EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, tag_bytes, tag.data()) == 1,
          "the tag of AES-256-GCM");
  return tag;
}

bool gcm_open(std::span<const std::byte> key, const Nonce& nonce, AssociatedData associated,
              std::span<const std::byte> sealed, const Tag& tag, std::span<std::byte> clear) {
  auto* const context = begin(Direction::open, key, nonce, associated);
  transform(context, sealed, clear);
  auto expected = tag;
  require(libcrypto().EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, tag_bytes, expected.data()) == 1, "the tag");
  int done = 0;
  unsigned char nothing = 0;
  return libcrypto().EVP_CipherFinal_ex(context, &nothing, &done) == 1;
}

void fill_random(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const auto got = ::getrandom(bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw base::system_error(errno, "read", "random numbers");
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace backup_engine::store
