#include "backup_engine/store/key_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <string_view>

#include "backup_engine/base/digits.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/refusal.hpp"
#include "backup_engine/encryption.hpp"
#include "backup_engine/refusal.hpp"
#include "backup_engine/store/cipher.hpp"

namespace backup_engine {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;

namespace store {
namespace {

constexpr std::string_view key_line_start = "lifeboat-key-1 ";
constexpr std::size_t key_digits = 2 * key_bytes;
constexpr std::size_t key_line_bytes = key_line_start.size() + key_digits + 1;
constexpr std::string_view key_id_label = "lifeboat key file id 1";

void require_private(int fd, const fs::path& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw base::system_error(errno, "look at", path.string());
  if (!S_ISREG(status.st_mode))
    throw Error(ErrorKind::usage, fmt::format("the key file {} is no regular file", path.string()))
        .with_remedy("name the file itself that holds the key; a pipe or a device holds none");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) == 0) return;
  throw Error(ErrorKind::usage, fmt::format("others than its owner can use the key file {} (mode {:04o})",
                                            path.string(), static_cast<unsigned>(status.st_mode & 07777U)))
      .with_remedy(fmt::format("chmod 600 {}; whoever could read it has the key: consider repo rekey", path.string()));
}

// Digits of a byte, into memory that is a secret's.
void put_hex(std::span<const std::byte> bytes, std::span<std::byte> digits) {
  constexpr std::string_view alphabet = "0123456789abcdef";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    digits[2 * i] = static_cast<std::byte>(alphabet[std::to_integer<unsigned>(bytes[i]) >> 4U]);
    digits[2 * i + 1] = static_cast<std::byte>(alphabet[std::to_integer<unsigned>(bytes[i]) & 15U]);
  }
}

// Errors name paths, and logs keep errors: a key that was given in place of its file's path must not get there.
void refuse_key_as_path(const fs::path& path) {
  const auto text = path.string();
  std::size_t digits = 0, longest = 0;
  for (const auto letter : text) {
    digits = std::isxdigit(static_cast<unsigned char>(letter)) != 0 ? digits + 1 : 0;
    longest = std::max(longest, digits);
  }
  if (text.find(key_line_start) == std::string::npos && longest < key_digits) return;
  throw Error(ErrorKind::usage, "what was given as the path of a key file looks like a key; it is not shown here")
      .with_remedy(
          "--key-file, key_file and LIFEBOAT_KEY_FILE name a file that holds the key. Take the key out of command "
          "lines and environments, where others may read it, and consider repo rekey");
}

// Nobody may ever write into a pipe.
base::UniqueFd open_key_file(const fs::path& path) {
  base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (fd.valid()) return fd;
  auto error = base::system_error(errno, "open", path.string());
  if (error.kind() != ErrorKind::not_found) throw error;
  throw base::Refusal(
      refusal::key_missing,
      error.with_remedy("name the key file that the repository was made with; a new repository's is made with: "
                        "lifeboat repo new-key FILE"));
}

}  // namespace

SecretBytes read_key_file(const fs::path& path) {
  forbid_core_dumps();
  refuse_key_as_path(path);
  const auto fd = open_key_file(path);
  require_private(fd.get(), path);
  SecretBytes line(key_line_bytes + 1);  // one more, to see that the file ends
  const auto got = base::read_at(fd.get(), line.bytes(), 0, path);
  const std::string_view text(reinterpret_cast<const char*>(line.bytes().data()), got);
  SecretBytes key(key_bytes);
  if (got == key_line_bytes && text.starts_with(key_line_start) && text.back() == '\n' &&
      base::from_hex(text.substr(key_line_start.size(), key_digits), key.bytes())) {
    return key;
  }
  throw Error(ErrorKind::usage, fmt::format("{} is no key file of Lifeboat", path.string()))
      .with_remedy("make one with: lifeboat repo new-key FILE");
}

std::string key_file_id(const SecretBytes& key) {
  std::array<std::byte, 16> id{};
  hkdf_sha256(key.bytes(), {}, std::as_bytes(std::span(key_id_label)), id);
  return base::to_hex(id);
}

}  // namespace store

void require_key_file(const fs::path& path) {
  static_cast<void>(store::read_key_file(path));
}

void make_key_file(const fs::path& path) {
  using namespace store;
  forbid_core_dumps();
  refuse_key_as_path(path);
  SecretBytes key(key_bytes), line(key_line_bytes);
  fill_random(key.bytes());
  const auto start = std::as_bytes(std::span(key_line_start));
  std::copy(start.begin(), start.end(), line.bytes().begin());
  put_hex(key.bytes(), line.bytes().subspan(start.size()));
  line.bytes().back() = static_cast<std::byte>('\n');
  const base::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid() && errno == EEXIST) {
    throw Error(ErrorKind::already_exists, fmt::format("{} exists; it stays as it was", path.string()))
        .with_remedy("name a file that does not exist: a key that is overwritten is lost");
  }
  if (!fd.valid()) throw base::system_error(errno, "make", path.string());
  base::write_all(fd.get(), line.bytes(), path);
  base::sync_file(fd.get(), path);
  const auto folder = path.parent_path();
  base::sync_directory(folder.empty() ? fs::path(".") : folder);
}

}  // namespace backup_engine
