#include "backup_engine/store/secret_bytes.hpp"

#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <cerrno>

#include "backup_engine/base/error.hpp"

namespace backup_engine::store {

SecretBytes::SecretBytes(std::size_t size_bytes) : size_bytes_(size_bytes) {
  auto* const pages = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw base::system_error(errno, "map", "memory for a key");
  data_ = static_cast<std::byte*>(pages);
  // As far as the limits of this user go (RLIMIT_MEMLOCK); a key that may be swapped out is still usable.
  static_cast<void>(::mlock(pages, size_bytes));
  static_cast<void>(::madvise(pages, size_bytes, MADV_DONTDUMP));
}

SecretBytes::~SecretBytes() {
  if (data_ == nullptr) return;
  ::explicit_bzero(data_, size_bytes_);
  ::munmap(data_, size_bytes_);
}

void forbid_core_dumps() noexcept {
  static_cast<void>(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
}

}  // namespace backup_engine::store
