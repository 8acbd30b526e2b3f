// OpenSSL's libcrypto, loaded when it is first asked for: loading it takes 0.75 ms of CPU, a third of all that a
// prefetched `wal fetch` does, and PostgreSQL starts one of those for every segment (docs/benchmarks.md, "WAL, a
// segment at a time"). Everything that calls OpenSSL calls it through this table.
#pragma once

#define OPENSSL_SUPPRESS_DEPRECATED  // SHA256_*: see sha256.cpp
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/sha.h>

namespace backup_engine::base {

// The functions under OpenSSL's own names.
struct Libcrypto {
  decltype(&::SHA256_Init) SHA256_Init;
  decltype(&::SHA256_Update) SHA256_Update;
  decltype(&::SHA256_Final) SHA256_Final;
  decltype(&::EVP_aes_256_gcm) EVP_aes_256_gcm;
  decltype(&::EVP_CIPHER_CTX_new) EVP_CIPHER_CTX_new;
  decltype(&::EVP_CIPHER_CTX_free) EVP_CIPHER_CTX_free;
  decltype(&::EVP_CIPHER_CTX_ctrl) EVP_CIPHER_CTX_ctrl;
  decltype(&::EVP_CipherInit_ex) EVP_CipherInit_ex;
  decltype(&::EVP_CipherUpdate) EVP_CipherUpdate;
  decltype(&::EVP_CipherFinal_ex) EVP_CipherFinal_ex;
  decltype(&::EVP_KDF_fetch) EVP_KDF_fetch;
  decltype(&::EVP_KDF_free) EVP_KDF_free;
  decltype(&::EVP_KDF_CTX_new) EVP_KDF_CTX_new;
  decltype(&::EVP_KDF_CTX_free) EVP_KDF_CTX_free;
  decltype(&::EVP_KDF_derive) EVP_KDF_derive;
  decltype(&::OSSL_PARAM_construct_octet_string) OSSL_PARAM_construct_octet_string;
  decltype(&::OSSL_PARAM_construct_utf8_string) OSSL_PARAM_construct_utf8_string;
  decltype(&::OSSL_PARAM_construct_end) OSSL_PARAM_construct_end;
};

// Thread-safe; never unloaded. Throws Error(unsupported) when the library of the version that this was compiled with is
// not on the machine.
[[nodiscard]] const Libcrypto& libcrypto();

}  // namespace backup_engine::base
