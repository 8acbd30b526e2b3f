// Key material in memory: on pages of its own that stay out of swap and core dumps and are overwritten when they go.
// What is done against leaks, and what is not, stands in docs/encryption.md.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

namespace backup_engine::store {

class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::size_t size_bytes);  // zeros. Throws Error(io) when there is no memory.
  SecretBytes(SecretBytes&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_bytes_(std::exchange(other.size_bytes_, 0)) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_bytes_, other.size_bytes_);
    return *this;
  }
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  [[nodiscard]] std::span<std::byte> bytes() { return {data_, size_bytes_}; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_bytes_}; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_bytes_ = 0;
};

// From here on this process leaves no core dump and only root can look into it: OpenSSL keeps expanded keys in ordinary
// memory. Programs that it starts are not affected. Called when a key file is opened.
void forbid_core_dumps() noexcept;

}  // namespace backup_engine::store
