#include "backup_engine/store/leaf_seal.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/store/block_index.hpp"
#include "backup_engine/store/little_endian.hpp"

namespace backup_engine::store {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::size_t number_bytes = 12;  // of the trailer: what says which leaf it is
constexpr std::size_t crc_bytes = leaf_trailer_bytes - number_bytes;

}  // namespace

LeafSeal::LeafSeal(std::string name, ObjectKind kind, std::size_t entry_bytes, std::uint32_t block_size,
                   const std::shared_ptr<const DataKey>& key)
    : name_(std::move(name)),
      header_(new_object_header(kind, Codec::none)),
      entries_bytes_(leaf_entries * entry_bytes) {
  header_.hash = HashKind::xxh3_128;
  header_.block_size = block_size;
  set_cipher(header_, key.get());
  static_cast<void>(encode(header_));  // for its CRC
  if (key) cipher_ = std::make_shared<const ObjectCipher>(key, header_, name_);
}

LeafSeal::LeafSeal(std::string name, ObjectKind kind, std::size_t entry_bytes, std::span<const std::byte> header_bytes,
                   const Keyring* keys)
    : name_(std::move(name)),
      header_(decode_object_header(header_bytes, kind, name_)),
      entries_bytes_(leaf_entries * entry_bytes),
      cipher_(cipher_of(header_, name_, keys)) {}

std::array<std::byte, object_header_bytes> LeafSeal::header_bytes() const {
  auto header = header_;
  return encode(header);
}

std::size_t LeafSeal::stored_bytes() const {
  return entries_bytes_ + number_bytes + (cipher_ ? tag_bytes : crc_bytes);
}

std::uint64_t LeafSeal::offset_of(std::uint64_t slot) const {
  return object_header_bytes + slot * stored_bytes();
}

std::vector<std::byte> LeafSeal::seal(std::uint64_t number, std::uint64_t slot,
                                      std::span<const std::byte> entries) const {
  if (entries.size() != entries_bytes_) throw Error(ErrorKind::internal, "a leaf of another size");
  std::vector<std::byte> stored(stored_bytes());
  const auto body = std::span(stored).first(entries_bytes_);
  const auto about = std::span(stored).subspan(entries_bytes_, number_bytes);
  put_little_endian(about.data(), number);
  if (cipher_) {
    const auto tag = cipher_->seal(offset_of(slot), about, entries, body);
    std::copy(tag.begin(), tag.end(), stored.end() - tag_bytes);
    return stored;
  }
  std::copy(entries.begin(), entries.end(), body.begin());
  const auto covered = std::span<const std::byte>(stored).first(stored.size() - crc_bytes);
  put_little_endian(stored.data() + covered.size(), base::crc32c(covered, header_.crc));
  return stored;
}

void LeafSeal::check(std::uint64_t number, std::span<const std::byte> stored) const {
  const auto covered = stored.first(stored.size() - crc_bytes);
  if (get_little_endian<std::uint32_t>(stored.data() + covered.size()) != base::crc32c(covered, header_.crc) ||
      get_little_endian<std::uint64_t>(stored.data() + entries_bytes_) != number) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: the checksum of leaf {} is wrong", name_, number));
  }
}

std::vector<std::byte> LeafSeal::open(std::uint64_t number, std::uint64_t slot,
                                      std::span<const std::byte> stored) const {
  if (!cipher_) throw Error(ErrorKind::internal, name_ + " is in the clear and was opened as if it were encrypted");
  std::vector<std::byte> entries(entries_bytes_);
  const auto about = stored.subspan(entries_bytes_, number_bytes);
  if (!cipher_->open(offset_of(slot), about, stored.first(entries_bytes_),
                     stored.subspan(entries_bytes_ + number_bytes), entries) ||
      get_little_endian<std::uint64_t>(about.data()) != number) {
    throw Error(ErrorKind::corrupt,
                fmt::format("{}: the tag of leaf {} is wrong: damaged, or not what was written here", name_, number));
  }
  return entries;
}

}  // namespace backup_engine::store
