// Objects written and read from one end to the other: file tables, index roots, WAL. Defined in docs/formats/object.md.
//
//   object header | frame... | end frame
//   frame:  u32 stored length, u32 clear length, u8 codec, u8 is_end, u16 0, u32 number (from 0), stored bytes,
//           u32 CRC-32C of all that, continued from the header's CRC; encrypted: 16 bytes of tag in its place
//   the end frame stores the u64 clear length of the whole object; nothing follows it
//
// So a lost, swapped, foreign or cut frame is found, and so is every flipped bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backup_engine/store/block_hash.hpp"
#include "backup_engine/store/codec.hpp"
#include "backup_engine/store/object_cipher.hpp"
#include "backup_engine/store/object_header.hpp"
#include "backup_engine/store/storage.hpp"

namespace backup_engine::store {

class FramedWriter {
 public:
  // Writes the header of the object `name` to `put`, which outlives this. `key`: null in the clear.
  FramedWriter(PutStream& put, const std::string& name, ObjectKind kind, Compression compression,
               const std::shared_ptr<const DataKey>& key, std::uint64_t clear_length = unknown_length);
  void write(std::span<const std::byte> clear);  // gathered into frames of 1 MiB
  ObjectDigest finish();                         // writes the end frame; the caller commits the put

 private:
  void put_frame(std::span<const std::byte> clear, bool is_end);
  void put_bytes(std::span<const std::byte> bytes);

  PutStream& put_;
  StreamHash hash_;
  ObjectHeader header_;
  std::shared_ptr<const ObjectCipher> cipher_;
  Compressor compressor_;
  std::vector<std::byte> gathered_, sealed_;
  std::uint64_t clear_bytes_ = 0;
  std::uint32_t frame_count_ = 0;
};

class FramedReader {
 public:
  // Reads the header. Error(not_found), and corrupt and unsupported as decode_object_header and cipher_of.
  FramedReader(Storage& storage, const std::string& name, ObjectKind kind);
  // The clear bytes of the next frame, valid until the next call; nullopt after the end frame. Error(corrupt) naming
  // the object.
  [[nodiscard]] std::optional<std::span<const std::byte>> next();
  [[nodiscard]] const ObjectHeader& header() const { return header_; }
  [[nodiscard]] std::uint64_t stored_bytes() const { return object_->size_bytes(); }

 private:
  [[noreturn]] void fail(const std::string& what) const;
  // The stored bytes of the frame that begins at offset_, checked; decrypted where they are encrypted.
  [[nodiscard]] std::span<const std::byte> open_frame(std::span<const std::byte> frame);
  void check_end(std::span<const std::byte> clear) const;

  std::string name_;
  std::unique_ptr<StoredObject> object_;
  ObjectHeader header_;
  std::shared_ptr<const ObjectCipher> cipher_;
  Expander expander_;
  std::vector<std::byte> stored_, opened_, clear_;
  std::uint64_t offset_ = object_header_bytes;
  std::uint64_t clear_bytes_ = 0;
  std::uint32_t frame_count_ = 0;
  bool ended_ = false;
};

// Returns size and XXH3-128 of the object as stored. Encrypted with `key`, with the newest one when it is null; in the
// clear where the storage has no keys.
ObjectDigest put_framed(Storage& storage, const std::string& name, ObjectKind kind, Compression compression,
                        std::span<const std::byte> clear, Durability durability,
                        std::shared_ptr<const DataKey> key = nullptr);
// Error(corrupt) also when it holds more than 4 GiB: a file table of twenty million files.
[[nodiscard]] std::vector<std::byte> read_framed(Storage& storage, const std::string& name, ObjectKind kind);

}  // namespace backup_engine::store
