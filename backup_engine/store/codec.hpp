// Compressing and expanding one block or frame. Contexts are kept between calls: one Compressor or Expander a thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backup_engine/repository.hpp"

namespace backup_engine::store {

struct CompressedBytes {
  Codec codec = Codec::none;         // none: stored as it is, because that is not longer
  std::span<const std::byte> bytes;  // valid until the next call, or as long as the input when codec is none
};

class Compressor {
 public:
  explicit Compressor(Compression compression);
  ~Compressor();
  Compressor(Compressor&&) noexcept;
  Compressor& operator=(Compressor&&) noexcept;
  [[nodiscard]] CompressedBytes compress(std::span<const std::byte> clear);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class Expander {
 public:
  Expander();
  ~Expander();
  Expander(Expander&&) noexcept;
  Expander& operator=(Expander&&) noexcept;
  // Fills `clear` exactly; throws Error(corrupt) naming `object` when the bytes do not expand to that length.
  void expand(Codec codec, std::span<const std::byte> stored, std::span<std::byte> clear, const std::string& object);
  // Fills as much of `room` as the bytes expand to, and returns how much that is; null when they are damaged or need
  // more.
  [[nodiscard]] std::optional<std::size_t> expand_within(Codec codec, std::span<const std::byte> stored,
                                                         std::span<std::byte> room);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] std::string to_string(Codec codec);  // "none", "lz4", "zstd"

}  // namespace backup_engine::store
