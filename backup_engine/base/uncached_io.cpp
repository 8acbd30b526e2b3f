#include "backup_engine/base/uncached_io.hpp"

#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <utility>

namespace backup_engine::base {

namespace {

constexpr int dont_cache = 0x80;  // RWF_DONTCACHE, which the headers of older systems lack

bool is_sound_here() {
  static const bool sound = [] {
    utsname system{};
    return ::uname(&system) == 0 && has_sound_uncached_io(system.release);
  }();
  return sound;
}

// A file system that cannot says so before it does anything.
bool is_not_supported() {
  return errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS;
}

}  // namespace

bool has_sound_uncached_io(std::string_view kernel_release) {
  int major = 0, minor = 0;
  const auto* const end = kernel_release.data() + kernel_release.size();
  const auto after_major = std::from_chars(kernel_release.data(), end, major);
  if (after_major.ec != std::errc() || after_major.ptr == end || *after_major.ptr != '.') return false;
  if (std::from_chars(after_major.ptr + 1, end, minor).ec != std::errc()) return false;
  // It came with 6.14, was switched off in 6.15 for races with others who write the same pages, and came back mended.
  return std::pair(major, minor) >= std::pair(6, 16);
}

ssize_t read_uncached(int fd, std::span<std::byte> buffer, std::uint64_t offset_bytes) {
  const auto at = static_cast<off_t>(offset_bytes);
  if (is_sound_here()) {
    const iovec into{buffer.data(), buffer.size()};
    const auto got = ::preadv2(fd, &into, 1, at, dont_cache);
    if (got >= 0 || !is_not_supported()) return got;
  }
  return ::pread(fd, buffer.data(), buffer.size(), at);
}

ssize_t write_uncached(int fd, std::span<const std::byte> bytes, std::uint64_t offset_bytes) {
  const auto at = static_cast<off_t>(offset_bytes);
  if (is_sound_here()) {
    const iovec from{const_cast<std::byte*>(bytes.data()), bytes.size()};
    const auto put = ::pwritev2(fd, &from, 1, at, dont_cache);
    if (put >= 0 || !is_not_supported()) return put;
  }
  return ::pwrite(fd, bytes.data(), bytes.size(), at);
}

}  // namespace backup_engine::base
