// Bytes that are put into the archive, wherever they lie: in memory, or in a file that is read piece by piece, so that
// a segment of 16 MB takes 1 MiB of memory, which stays in the core's cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "backup_engine/base/file.hpp"

namespace backup_engine::wal {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  [[nodiscard]] virtual std::uint64_t size_bytes() const = 0;
  // Any part of them, as often as is wanted; valid until the next call.
  [[nodiscard]] virtual std::span<const std::byte> piece(std::uint64_t offset_bytes, std::size_t size_bytes) = 0;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::byte> bytes) : bytes_(bytes) {}  // they outlive this
  [[nodiscard]] std::uint64_t size_bytes() const override { return bytes_.size(); }
  [[nodiscard]] std::span<const std::byte> piece(std::uint64_t offset_bytes, std::size_t size_bytes) override {
    return bytes_.subspan(offset_bytes, size_bytes);
  }

 private:
  std::span<const std::byte> bytes_;
};

// A file that nobody changes meanwhile. Throws Error as open_for_reading and read_at, and corrupt when it was cut off.
class FileSource final : public ByteSource {
 public:
  explicit FileSource(std::filesystem::path path);
  [[nodiscard]] std::uint64_t size_bytes() const override { return size_bytes_; }
  [[nodiscard]] std::span<const std::byte> piece(std::uint64_t offset_bytes, std::size_t size_bytes) override;

 private:
  std::filesystem::path path_;
  base::UniqueFd fd_;
  std::uint64_t size_bytes_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace backup_engine::wal
