#include "backup_engine/store/codec.hpp"

#include <fmt/format.h>
#include <lz4.h>
#include <zstd.h>

#include <charconv>
#include <cstring>

#include "backup_engine/base/error.hpp"

namespace backup_engine {

using base::Error;
using base::ErrorKind;

std::string to_string(BackupType type) {
  switch (type) {
    case BackupType::full:
      return "full";
    case BackupType::differential:
      return "differential";
    case BackupType::incremental:
      return "incremental";
  }
  throw Error(ErrorKind::internal, "no such backup type");
}

BackupType parse_backup_type(const std::string& text) {
  for (const auto type : {BackupType::full, BackupType::differential, BackupType::incremental}) {
    if (text == to_string(type)) return type;
  }
  throw Error(ErrorKind::usage, fmt::format("unknown type of backup: '{}'", text))
      .with_remedy("use full, differential or incremental");
}

Compression parse_compression(const std::string& text) {
  if (text == "none") return {Codec::none, 0};
  if (text == "lz4") return {Codec::lz4, 0};
  if (text == "zstd") return {Codec::zstd, 1};
  constexpr std::string_view zstd_level = "zstd:";
  if (text.starts_with(zstd_level)) {
    int level = 0;
    const auto* const end = text.data() + text.size();
    const auto result = std::from_chars(text.data() + zstd_level.size(), end, level);
    if (result.ec == std::errc() && result.ptr == end && level >= 1 && level <= 19) return {Codec::zstd, level};
  }
  throw Error(ErrorKind::usage, fmt::format("unknown compression: '{}'", text))
      .with_remedy("use none, lz4, zstd or zstd:LEVEL with a level from 1 to 19");
}

}  // namespace backup_engine

namespace backup_engine::store {

using base::Error;
using base::ErrorKind;

std::string to_string(Codec codec) {
  switch (codec) {
    case Codec::none:
      return "none";
    case Codec::lz4:
      return "lz4";
    case Codec::zstd:
      return "zstd";
  }
  throw Error(ErrorKind::internal, "no such codec");
}

struct Compressor::State {
  Compression compression;
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> zstd{nullptr, &ZSTD_freeCCtx};
  std::vector<char> lz4_state;
  std::vector<std::byte> output;
};

Compressor::Compressor(Compression compression) : state_(std::make_unique<State>()) {
  state_->compression = compression;
  if (compression.codec == Codec::zstd) {
    state_->zstd.reset(ZSTD_createCCtx());
    if (!state_->zstd) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(state_->zstd.get(), ZSTD_c_compressionLevel, compression.level);
    // Length and checksum are kept beside each block already.
    ZSTD_CCtx_setParameter(state_->zstd.get(), ZSTD_c_contentSizeFlag, 0);
    ZSTD_CCtx_setParameter(state_->zstd.get(), ZSTD_c_checksumFlag, 0);
  } else if (compression.codec == Codec::lz4) {
    state_->lz4_state.resize(static_cast<std::size_t>(LZ4_sizeofState()));
  }
}

Compressor::~Compressor() = default;
Compressor::Compressor(Compressor&&) noexcept = default;
Compressor& Compressor::operator=(Compressor&&) noexcept = default;

CompressedBytes Compressor::compress(std::span<const std::byte> clear) {
  auto& state = *state_;
  const CompressedBytes as_it_is{Codec::none, clear};
  // The output is only as large as what would still help: a codec that runs out of room gives up early.
  if (state.compression.codec == Codec::none || clear.size() < 2) return as_it_is;
  const auto room = clear.size() - 1;
  if (state.output.size() < room) state.output.resize(room);
  std::size_t length = 0;
  if (state.compression.codec == Codec::lz4) {
    const auto put = LZ4_compress_fast_extState(state.lz4_state.data(), reinterpret_cast<const char*>(clear.data()),
                                                reinterpret_cast<char*>(state.output.data()),
                                                static_cast<int>(clear.size()), static_cast<int>(room), 1);
    if (put <= 0) return as_it_is;
    length = static_cast<std::size_t>(put);
  } else {
    length = ZSTD_compress2(state.zstd.get(), state.output.data(), room, clear.data(), clear.size());
    if (ZSTD_isError(length) != 0) return as_it_is;
  }
  return {state.compression.codec, std::span(state.output).first(length)};
}

struct Expander::State {
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> zstd{ZSTD_createDCtx(), &ZSTD_freeDCtx};
};

Expander::Expander() : state_(std::make_unique<State>()) {
  if (!state_->zstd) throw std::bad_alloc();
}
Expander::~Expander() = default;
Expander::Expander(Expander&&) noexcept = default;
Expander& Expander::operator=(Expander&&) noexcept = default;

void Expander::expand(Codec codec, std::span<const std::byte> stored, std::span<std::byte> clear,
                      const std::string& object) {
  if (expand_within(codec, stored, clear) == clear.size()) return;
  throw Error(ErrorKind::corrupt, fmt::format("{}: {} bytes of {} do not expand to {} bytes", object, stored.size(),
                                              to_string(codec), clear.size()));
}

std::optional<std::size_t> Expander::expand_within(Codec codec, std::span<const std::byte> stored,
                                                   std::span<std::byte> room) {
  switch (codec) {
    case Codec::none:
      if (stored.size() > room.size()) return std::nullopt;
      if (!stored.empty()) std::memcpy(room.data(), stored.data(), stored.size());
      return stored.size();
    case Codec::lz4: {
      const auto length =
          LZ4_decompress_safe(reinterpret_cast<const char*>(stored.data()), reinterpret_cast<char*>(room.data()),
                              static_cast<int>(stored.size()), static_cast<int>(room.size()));
      if (length < 0) return std::nullopt;
      return static_cast<std::size_t>(length);
    }
    case Codec::zstd: {
      const auto length =
          ZSTD_decompressDCtx(state_->zstd.get(), room.data(), room.size(), stored.data(), stored.size());
      if (ZSTD_isError(length) != 0) return std::nullopt;
      return length;
    }
  }
  return std::nullopt;
}

}  // namespace backup_engine::store
