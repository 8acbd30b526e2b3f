#include "backup_engine/verify/pack_check.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/store/block_index.hpp"
#include "backup_engine/store/stored_block.hpp"

namespace backup_engine::verify {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::size_t bytes_at_once = 512 * 1024;  // what was read is still in the core's cache when it is hashed
constexpr std::size_t most_named_blocks = 5;

// A pack read once, front to back, hashed on the way; hands out the bytes of blocks in rising order.
class PackStream {
 public:
  PackStream(store::Storage& storage, const std::string& name) : object_(storage.open(name)) {}

  [[nodiscard]] std::uint64_t size_bytes() const { return object_->size_bytes(); }

  // Bytes [offset, offset + length), or as many as there are; offset never falls. Valid until the next call.
  std::span<const std::byte> read(std::uint64_t offset, std::size_t length) {
    while (start_ + window_bytes_ < offset + length && read_to_ < object_->size_bytes()) {
      const auto passed = static_cast<std::size_t>(std::min<std::uint64_t>(offset - start_, window_bytes_));
      const auto kept = std::span(window_).subspan(passed, window_bytes_ - passed);
      std::copy(kept.begin(), kept.end(), window_.begin());
      start_ += passed;
      window_bytes_ -= passed;
      const auto wanted = std::min<std::uint64_t>(bytes_at_once, object_->size_bytes() - read_to_);
      if (window_.size() < window_bytes_ + wanted) window_.resize(window_bytes_ + wanted);
      const auto place = std::span(window_).subspan(window_bytes_, wanted);
      const auto got = object_->read_at(read_to_, place);
      hash_.update(place.first(got));
      window_bytes_ += got;
      read_to_ += got;
      if (got == 0) break;
    }
    if (offset >= start_ + window_bytes_) return {};
    const auto at = static_cast<std::size_t>(offset - start_);
    return std::span<const std::byte>(window_).subspan(at, std::min(length, window_bytes_ - at));
  }

  [[nodiscard]] std::string hash_of_all() {
    while (read_to_ < object_->size_bytes() && !read(read_to_, 1).empty()) {
    }
    return hash_.hex();
  }

 private:
  std::unique_ptr<store::StoredObject> object_;
  std::vector<std::byte> window_;  // begins with the bytes [start_, read_to_), window_bytes_ in number
  std::size_t window_bytes_ = 0;
  std::uint64_t start_ = 0, read_to_ = 0;
  store::StreamHash hash_;
};

void check_bundle(PackStream& pack, const store::BackupReader& backup, const PlacedBlocks& placed,
                  const store::PackSeal& seal) {
  const auto file = backup.files().entry(placed.file);
  store::WantedBlock block{
      {file.path, placed.number}, backup.block_bytes(file, placed.number), backup.index().entry(placed.block)};
  const auto length = block.entry.stored_bytes + seal.trailer_bytes();
  const auto stored = pack.read(placed.offset_bytes, length);
  if (stored.size() != length) {
    throw Error(ErrorKind::corrupt, fmt::format("block {} of {}: the pack ends before it", placed.number, file.path));
  }
  thread_local std::vector<std::byte> room;
  room.resize(store::bundle_room(seal));
  const auto bundle = store::open_bundle(seal, block, stored, room, "");
  for (std::uint32_t i = 0; i < placed.count; ++i) {
    block = {{file.path, placed.number + i},
             backup.block_bytes(file, placed.number + i),
             backup.index().entry(placed.block + i)};
    static_cast<void>(store::block_in_bundle(seal, block, backup.index().hash(placed.block + i), bundle, ""));
  }
}

// What is wrong with the first that is damaged; empty when all are sound.
std::string check_blocks(PackStream& pack, const store::BackupReader& backup, const std::vector<PlacedBlocks>& blocks,
                         const store::PackSeal& seal, Findings& findings) {
  std::size_t damaged = 0;
  std::string first;
  for (const auto& placed : blocks) {
    if (findings.stop().stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
    try {
      check_bundle(pack, backup, placed, seal);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::corrupt && error.kind() != ErrorKind::unsupported) throw;
      if (damaged < most_named_blocks) findings.add_damage(seal.name(), error.what());
      if (first.empty()) first = error.what();
      damaged += placed.count;
    }
    findings.count_blocks(placed.count);
  }
  if (damaged > most_named_blocks) findings.add_damage(seal.name(), fmt::format("{} damaged blocks in all", damaged));
  return first;
}

}  // namespace

PackVerdict check_pack(store::Storage& storage, const std::string& name, const store::ObjectDigest& expected,
                       const store::BackupReader* backup, std::vector<PlacedBlocks>& blocks, Findings& findings) {
  std::sort(blocks.begin(), blocks.end(), [](const auto& a, const auto& b) { return a.offset_bytes < b.offset_bytes; });
  PackVerdict verdict;
  bool blocks_are_known = false;
  std::string text;
  const auto told = [&](const auto& check) {
    try {
      check();
    } catch (const Error& error) {
      text = text_about(name, error);
      throw;
    }
  };
  const bool is_whole = findings.examine(name, [&] {
    told([&] {
      PackStream pack(storage, name);
      const bool has_header = findings.examine(name, [&] {
        told([&] {
          const store::PackSeal seal(name, pack.read(0, store::object_header_bytes), storage.keys().get());
          if (backup != nullptr) verdict.damage = check_blocks(pack, *backup, blocks, seal, findings);
          blocks_are_known = backup != nullptr;
        });
      });
      if (!has_header) verdict.damage = text;
      findings.count_object(pack.size_bytes());
      if (pack.size_bytes() != expected.size_bytes) {
        throw Error(ErrorKind::corrupt,
                    fmt::format("has {} bytes where the manifest says {}", pack.size_bytes(), expected.size_bytes));
      }
      if (pack.hash_of_all() != expected.xxh3_128) {
        throw Error(ErrorKind::corrupt, "its hash is not the one in the manifest");
      }
    });
  });
  verdict.is_sound = is_whole && verdict.damage.empty();
  if (!is_whole && !blocks_are_known && verdict.damage.empty()) verdict.damage = text;
  return verdict;
}

}  // namespace backup_engine::verify
