// File descriptors with one owner, and whole reads and writes through them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace backup_engine::base {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) noexcept;

 private:
  int fd_ = -1;
};

// All throw Error (not_found, permission, io …) naming the path. O_CLOEXEC is always set.
[[nodiscard]] UniqueFd open_for_reading(const std::filesystem::path& path);
[[nodiscard]] std::string read_file(const std::filesystem::path& path);

enum class PageCache {
  keep,     // what is read stays in memory
  pass_by,  // it does not, unless it was there before (uncached_io.hpp)
};

// Reads until `buffer` is full or the file ends; returns the bytes read.
[[nodiscard]] std::size_t read_at(int fd, std::span<std::byte> buffer, std::uint64_t offset_bytes,
                                  const std::filesystem::path& path, PageCache cache = PageCache::keep);
void write_all(int fd, std::span<const std::byte> bytes, const std::filesystem::path& path);

void sync_file(int fd, const std::filesystem::path& path);
void sync_directory(const std::filesystem::path& path);

// Writes `path` whole or not at all: a temporary file beside it, synced, renamed over it, directory synced.
void write_file_atomically(const std::filesystem::path& path, std::string_view text, unsigned mode = 0644);

// Free bytes that this user may use on the file system that holds `path` (or its nearest existing parent).
[[nodiscard]] std::uint64_t free_space_bytes(const std::filesystem::path& path);

}  // namespace backup_engine::base
