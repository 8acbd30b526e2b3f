#include "backup_engine/base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/uncached_io.hpp"

namespace backup_engine::base {

namespace fs = std::filesystem;

void UniqueFd::reset(int fd) noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

UniqueFd open_for_reading(const fs::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) throw system_error(errno, "open", path.string());
  return fd;
}

std::string read_file(const fs::path& path) {
  const auto fd = open_for_reading(path);
  std::string text;
  for (;;) {
    const auto old_size = text.size();
    constexpr std::size_t chunk_bytes = 64 * 1024;
    text.resize(old_size + chunk_bytes);
    const auto got = ::read(fd.get(), text.data() + old_size, chunk_bytes);
    if (got < 0 && errno == EINTR) {
      text.resize(old_size);
      continue;
    }
    if (got < 0) throw system_error(errno, "read", path.string());
    text.resize(old_size + static_cast<std::size_t>(got));
    if (got == 0) return text;
  }
}

std::size_t read_at(int fd, std::span<std::byte> buffer, std::uint64_t offset_bytes, const fs::path& path,
                    PageCache cache) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const auto rest = buffer.subspan(done);
    const auto got = cache == PageCache::pass_by
                         ? read_uncached(fd, rest, offset_bytes + done)
                         : ::pread(fd, rest.data(), rest.size(), static_cast<off_t>(offset_bytes + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw system_error(errno, "read", path.string());
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

void write_all(int fd, std::span<const std::byte> bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const auto put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw system_error(errno, "write", path.string());
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

void sync_file(int fd, const fs::path& path) {
  if (::fsync(fd) != 0) throw system_error(errno, "sync", path.string());
}

void sync_directory(const fs::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) throw system_error(errno, "open the directory", path.string());
  sync_file(fd.get(), path);
}

void write_file_atomically(const fs::path& path, std::string_view text, unsigned mode) {
  auto temporary = path;
  temporary += ".new";
  {
    const UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (!fd.valid()) throw system_error(errno, "create", temporary.string());
    write_all(fd.get(), std::as_bytes(std::span(text)), temporary);
    sync_file(fd.get(), temporary);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) throw system_error(errno, "rename into place", path.string());
  sync_directory(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

std::uint64_t free_space_bytes(const fs::path& path) {
  auto existing = fs::absolute(path);
  while (!fs::exists(existing) && existing.has_relative_path()) existing = existing.parent_path();
  struct statvfs info {};
  if (::statvfs(existing.c_str(), &info) != 0) throw system_error(errno, "ask for free space on", existing.string());
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

}  // namespace backup_engine::base
