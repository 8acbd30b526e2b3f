#include "backup_engine/store/framed_object.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/store/little_endian.hpp"

namespace backup_engine::store {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::size_t frame_header_bytes = 16;
constexpr std::size_t frame_clear_bytes = 1024 * 1024;
constexpr std::size_t crc_bytes = 4;
constexpr std::uint64_t most_bytes_in_memory = std::uint64_t{4} << 30U;

}  // namespace

FramedWriter::FramedWriter(PutStream& put, const std::string& name, ObjectKind kind, Compression compression,
                           const std::shared_ptr<const DataKey>& key, std::uint64_t clear_length)
    : put_(put), header_(new_object_header(kind, compression.codec)), compressor_(compression) {
  header_.clear_length = clear_length;
  set_cipher(header_, key.get());
  put_bytes(encode(header_));
  if (key) cipher_ = std::make_shared<const ObjectCipher>(key, header_, name);
}

void FramedWriter::write(std::span<const std::byte> clear) {
  while (!clear.empty()) {
    if (gathered_.empty() && clear.size() >= frame_clear_bytes) {
      put_frame(clear.first(frame_clear_bytes), false);
      clear = clear.subspan(frame_clear_bytes);
      continue;
    }
    const auto taken = std::min(clear.size(), frame_clear_bytes - gathered_.size());
    gathered_.insert(gathered_.end(), clear.begin(), clear.begin() + static_cast<std::ptrdiff_t>(taken));
    clear = clear.subspan(taken);
    if (gathered_.size() == frame_clear_bytes) {
      put_frame(gathered_, false);
      gathered_.clear();
    }
  }
}

ObjectDigest FramedWriter::finish() {
  if (!gathered_.empty()) put_frame(gathered_, false);
  if (header_.clear_length != unknown_length && header_.clear_length != clear_bytes_) {
    throw Error(ErrorKind::internal,
                fmt::format("{} bytes written to an object that was to hold {}", clear_bytes_, header_.clear_length));
  }
  std::array<std::byte, 8> total{};
  put_little_endian(total.data(), clear_bytes_);
  put_frame(total, true);
  return {put_.size_bytes(), hash_.hex()};
}

void FramedWriter::put_bytes(std::span<const std::byte> bytes) {
  hash_.update(bytes);
  put_.write(bytes);
}

void FramedWriter::put_frame(std::span<const std::byte> clear, bool is_end) {
  const auto compressed = is_end ? CompressedBytes{Codec::none, clear} : compressor_.compress(clear);
  std::array<std::byte, frame_header_bytes> frame{};
  put_little_endian(&frame[0], static_cast<std::uint32_t>(compressed.bytes.size()));
  put_little_endian(&frame[4], static_cast<std::uint32_t>(clear.size()));
  frame[8] = static_cast<std::byte>(compressed.codec);
  frame[9] = static_cast<std::byte>(is_end ? 1 : 0);
  put_little_endian(&frame[12], frame_count_++);
  if (cipher_) {
    sealed_.resize(compressed.bytes.size());
    const auto tag = cipher_->seal(put_.size_bytes(), frame, compressed.bytes, sealed_);
    put_bytes(frame);
    put_bytes(sealed_);
    put_bytes(tag);
  } else {
    std::array<std::byte, crc_bytes> trailer{};
    put_little_endian(trailer.data(), base::crc32c(compressed.bytes, base::crc32c(frame, header_.crc)));
    put_bytes(frame);
    put_bytes(compressed.bytes);
    put_bytes(trailer);
  }
  if (!is_end) clear_bytes_ += clear.size();
}

FramedReader::FramedReader(Storage& storage, const std::string& name, ObjectKind kind)
    : name_(name), object_(storage.open(name)) {
  std::array<std::byte, object_header_bytes> bytes{};
  const auto got = object_->read_at(0, bytes);
  header_ = decode_object_header(std::span(bytes).first(got), kind, name);
  cipher_ = cipher_of(header_, name, storage.keys().get());
}

void FramedReader::fail(const std::string& what) const {
  throw Error(ErrorKind::corrupt, fmt::format("{}: {}", name_, what));
}

std::optional<std::span<const std::byte>> FramedReader::next() {
  if (ended_) return std::nullopt;
  std::array<std::byte, frame_header_bytes> frame{};
  if (object_->read_at(offset_, frame) != frame.size()) fail(fmt::format("cut off after {} bytes", offset_));
  const auto stored_length = get_little_endian<std::uint32_t>(&frame[0]);
  const auto clear_length = get_little_endian<std::uint32_t>(&frame[4]);
  const auto codec = static_cast<unsigned>(frame[8]);
  const bool is_end = frame[9] == std::byte{1};
  // Bounds first: lengths are not to be believed before the checksum has been, and it lies behind them.
  if (stored_length > frame_clear_bytes || clear_length > frame_clear_bytes) {
    fail(fmt::format("the frame at byte {} has an impossible length", offset_));
  }
  stored_.resize(stored_length + (cipher_ ? tag_bytes : crc_bytes));
  if (object_->read_at(offset_ + frame_header_bytes, stored_) != stored_.size()) {
    fail(fmt::format("cut off inside the frame at byte {}", offset_));
  }
  const auto bytes = open_frame(frame);
  if (get_little_endian<std::uint32_t>(&frame[12]) != frame_count_++ || codec > static_cast<unsigned>(Codec::zstd)) {
    fail(fmt::format("the frame at byte {} is out of place", offset_));
  }
  offset_ += frame_header_bytes + stored_.size();
  clear_.resize(clear_length);
  expander_.expand(static_cast<Codec>(codec), bytes, clear_, name_);
  if (is_end) {
    check_end(clear_);
    ended_ = true;
    return std::nullopt;
  }
  clear_bytes_ += clear_length;
  return clear_;
}

std::span<const std::byte> FramedReader::open_frame(std::span<const std::byte> frame) {
  const auto bytes = std::span<const std::byte>(stored_).first(stored_.size() - (cipher_ ? tag_bytes : crc_bytes));
  const auto trailer = std::span<const std::byte>(stored_).subspan(bytes.size());
  if (cipher_) {
    opened_.resize(bytes.size());
    if (!cipher_->open(offset_, frame, bytes, trailer, opened_)) {
      fail(fmt::format("the tag of the frame at byte {} is wrong: damaged, or not what was written here", offset_));
    }
    return opened_;
  }
  if (base::crc32c(bytes, base::crc32c(frame, header_.crc)) != get_little_endian<std::uint32_t>(trailer.data())) {
    fail(fmt::format("the checksum of the frame at byte {} is wrong", offset_));
  }
  return bytes;
}

void FramedReader::check_end(std::span<const std::byte> clear) const {
  if (clear.size() != 8 || get_little_endian<std::uint64_t>(clear.data()) != clear_bytes_ ||
      (header_.clear_length != unknown_length && header_.clear_length != clear_bytes_)) {
    fail("its frames do not add up to its length");
  }
  if (offset_ != object_->size_bytes()) fail(fmt::format("something follows its end at byte {}", offset_));
}

ObjectDigest put_framed(Storage& storage, const std::string& name, ObjectKind kind, Compression compression,
                        std::span<const std::byte> clear, Durability durability, std::shared_ptr<const DataKey> key) {
  if (storage.keys() && !key) key = storage.keys()->newest();
  const auto put = storage.begin_put(name);
  FramedWriter writer(*put, name, kind, compression, key, clear.size());
  writer.write(clear);
  auto digest = writer.finish();
  put->commit(durability);
  return digest;
}

std::vector<std::byte> read_framed(Storage& storage, const std::string& name, ObjectKind kind) {
  FramedReader reader(storage, name, kind);
  std::vector<std::byte> clear;
  const auto require_bounded = [&](std::uint64_t bytes) {
    if (bytes <= most_bytes_in_memory) return;
    throw Error(ErrorKind::corrupt, fmt::format("{}: holds more than anything that was put there can", name));
  };
  if (reader.header().clear_length != unknown_length) require_bounded(reader.header().clear_length);
  while (const auto frame = reader.next()) {
    require_bounded(clear.size() + frame->size());
    clear.insert(clear.end(), frame->begin(), frame->end());
  }
  return clear;
}

}  // namespace backup_engine::store
