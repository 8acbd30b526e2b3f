#include "backup_engine/base/libcrypto.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <openssl/opensslv.h>

#include "backup_engine/base/error.hpp"

namespace backup_engine::base {

namespace {

[[noreturn]] void fail_to_load(const std::string& library) {
  const char* const why = ::dlerror();
  throw Error(ErrorKind::unsupported,
              fmt::format("{} cannot be loaded: {}", library, why != nullptr ? why : "no reason given"))
      .with_remedy("install OpenSSL's library again: apt-get install --reinstall openssl");
}

Libcrypto load() {
  const auto library = fmt::format("libcrypto.so.{}", OPENSSL_SHLIB_VERSION);
  void* const handle = ::dlopen(library.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (handle == nullptr) fail_to_load(library);
  const auto find = [&]<typename Function>(Function*& function, const char* name) {
    function = reinterpret_cast<Function*>(::dlsym(handle, name));
    if (function == nullptr) fail_to_load(library);
  };
  Libcrypto table{};
  find(table.SHA256_Init, "SHA256_Init");
  find(table.SHA256_Update, "SHA256_Update");
  find(table.SHA256_Final, "SHA256_Final");
  find(table.EVP_aes_256_gcm, "EVP_aes_256_gcm");
  find(table.EVP_CIPHER_CTX_new, "EVP_CIPHER_CTX_new");
  find(table.EVP_CIPHER_CTX_free, "EVP_CIPHER_CTX_free");
  find(table.EVP_CIPHER_CTX_ctrl, "EVP_CIPHER_CTX_ctrl");
  find(table.EVP_CipherInit_ex, "EVP_CipherInit_ex");
  find(table.EVP_CipherUpdate, "EVP_CipherUpdate");
  find(table.EVP_CipherFinal_ex, "EVP_CipherFinal_ex");
  find(table.EVP_KDF_fetch, "EVP_KDF_fetch");
  find(table.EVP_KDF_free, "EVP_KDF_free");
  find(table.EVP_KDF_CTX_new, "EVP_KDF_CTX_new");
  find(table.EVP_KDF_CTX_free, "EVP_KDF_CTX_free");
  find(table.EVP_KDF_derive, "EVP_KDF_derive");
  find(table.OSSL_PARAM_construct_octet_string, "OSSL_PARAM_construct_octet_string");
  find(table.OSSL_PARAM_construct_utf8_string, "OSSL_PARAM_construct_utf8_string");
  find(table.OSSL_PARAM_construct_end, "OSSL_PARAM_construct_end");
  return table;
}

}  // namespace

const Libcrypto& libcrypto() {
  static const Libcrypto the_one = load();
  return the_one;
}

}  // namespace backup_engine::base
