#include "harness/faults/encrypt_files.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/libcrypto.hpp"

namespace harness::faults {

namespace fs = std::filesystem;
namespace base = backup_engine::base;

namespace {

// One stream over all files: the order in which they are met is part of what nobody knows.
class Cipher {
 public:
  Cipher() : context_(crypto_.EVP_CIPHER_CTX_new(), crypto_.EVP_CIPHER_CTX_free) {
    std::array<unsigned char, 32> key{};
    std::array<unsigned char, 12> nonce{};
    std::random_device random;
    std::generate(key.begin(), key.end(), [&] { return static_cast<unsigned char>(random()); });
    std::generate(nonce.begin(), nonce.end(), [&] { return static_cast<unsigned char>(random()); });
    const bool ready = context_ && crypto_.EVP_CipherInit_ex(context_.get(), crypto_.EVP_aes_256_gcm(), nullptr,
                                                             key.data(), nonce.data(), 1) == 1;
    if (!ready) throw base::Error(base::ErrorKind::internal, "cannot begin to encrypt");
  }

  void encrypt(std::vector<unsigned char>& bytes) const {
    int written = 0;
    const auto size = static_cast<int>(bytes.size());
    if (crypto_.EVP_CipherUpdate(context_.get(), bytes.data(), &written, bytes.data(), size) == 1 && written == size) {
      return;
    }
    throw base::Error(base::ErrorKind::internal, "cannot encrypt");
  }

 private:
  const base::Libcrypto& crypto_ = base::libcrypto();
  std::unique_ptr<EVP_CIPHER_CTX, decltype(&::EVP_CIPHER_CTX_free)> context_;
};

std::uint64_t encrypt_file(const fs::path& path, const Cipher& cipher) {
  constexpr std::size_t most_at_once = std::size_t{1} << 20U;
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  const auto size = fs::file_size(path);
  for (std::uint64_t at = 0; at < size && file;) {
    std::vector<unsigned char> bytes(static_cast<std::size_t>(std::min<std::uint64_t>(most_at_once, size - at)));
    const auto count = static_cast<std::streamsize>(bytes.size());
    file.seekg(static_cast<std::streamoff>(at));
    file.read(reinterpret_cast<char*>(bytes.data()), count);
    cipher.encrypt(bytes);
    file.seekp(static_cast<std::streamoff>(at));
    file.write(reinterpret_cast<const char*>(bytes.data()), count);
    at += bytes.size();
  }
  file.close();
  if (!file) throw base::Error(base::ErrorKind::io, "cannot encrypt " + path.string());
  return size;
}

}  // namespace

Encrypted encrypt_files(const ExpendableDirectory& directory) {
  const Cipher cipher;
  Encrypted done;
  for (const auto& entry : fs::recursive_directory_iterator(directory.path())) {
    if (entry.is_symlink() || !entry.is_regular_file() || entry.file_size() == 0) continue;
    done.bytes += encrypt_file(entry.path(), cipher);
    ++done.files;
  }
  return done;
}

}  // namespace harness::faults
