#include "backup_engine/store/backup_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <mutex>
#include <unordered_map>

#include "backup_engine/base/error.hpp"
#include "backup_engine/store/block_hash.hpp"
#include "backup_engine/store/framed_object.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/store/stored_block.hpp"

namespace backup_engine::store {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::size_t most_open_packs = 64;
constexpr std::size_t most_bytes_a_read = 4 * 1024 * 1024;

// The bundles that this thread expanded last: blocks of one often alternate with newer ones that lie elsewhere.
class OpenedBundles {
 public:
  struct Key {
    std::uint64_t reader = 0;  // 0: none
    std::uint32_t pack_row = 0, offset_bytes = 0;
    bool operator==(const Key&) const = default;
  };
  // Empty when it is not there.
  [[nodiscard]] std::span<const std::byte> find(const Key& key) const {
    for (const auto& each : bundles_) {
      if (each.key == key) return std::span(each.bytes).first(each.clear_bytes);
    }
    return {};
  }
  // To be filled in the place of the oldest; it is there once keep() said how long it is.
  std::span<std::byte> room_for(const Key& key, std::size_t bytes) {
    next_ = (next_ + 1) % bundles_.size();
    bundles_[next_].key = {};
    bundles_[next_].bytes.resize(bytes);
    coming_ = key;
    return bundles_[next_].bytes;
  }
  void keep(std::size_t clear_bytes) {
    bundles_[next_].key = coming_;
    bundles_[next_].clear_bytes = clear_bytes;
  }

 private:
  struct Bundle {
    Key key;
    std::vector<std::byte> bytes;
    std::size_t clear_bytes = 0;
  };
  std::array<Bundle, 8> bundles_;
  std::size_t next_ = 0;
  Key coming_;
};

thread_local OpenedBundles opened_bundles;
std::atomic<std::uint64_t> last_reader = 0;

}  // namespace

struct BackupReader::OpenPack {
  std::unique_ptr<StoredObject> object;
  PackSeal seal;
};

// The packs opened last; shared by all reading threads.
struct BackupReader::Packs {
  std::mutex mutex;
  std::unordered_map<std::uint32_t, std::shared_ptr<const OpenPack>> open;
  std::deque<std::uint32_t> order;

  std::shared_ptr<const OpenPack> get(std::uint32_t row, Storage& storage, const BackupReader& reader) {
    {
      const std::lock_guard lock(mutex);
      if (const auto found = open.find(row); found != open.end()) return found->second;
    }
    auto pack = std::make_shared<OpenPack>();
    auto name = reader.pack_object_name(row);
    pack->object = storage.open(name);
    std::array<std::byte, object_header_bytes> bytes{};
    const auto got = pack->object->read_at(0, bytes);
    pack->seal = PackSeal(std::move(name), std::span(bytes).first(got), storage.keys().get());
    const std::lock_guard lock(mutex);
    if (open.size() >= most_open_packs) {
      open.erase(order.front());
      order.pop_front();
    }
    if (open.emplace(row, pack).second) order.push_back(row);
    return pack;
  }
};

BackupReader::BackupReader(Storage& storage, const std::string& cluster, const std::string& label)
    : id_(++last_reader),
      storage_(storage),
      cluster_(cluster),
      manifest_(read_manifest(storage, cluster, label)),
      packs_(std::make_unique<Packs>()) {
  const auto table = file_table_name(cluster, label);
  files_ = std::make_unique<FileTable>(read_framed(storage, table, ObjectKind::file_table), table);
  files_->check_blocks(manifest_.block_size_bytes, manifest_.block_count, table);
  index_ = std::make_unique<BlockIndex>(storage, cluster, manifest_);
}

BackupReader::~BackupReader() = default;

std::string BackupReader::pack_object_name(std::uint32_t row) const {
  if (row >= manifest_.packs.size() || manifest_.packs[row].is_unused()) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: has no pack {} that the block index names",
                                                manifest_name(cluster_, manifest_.summary.label), row));
  }
  return pack_name(cluster_, manifest_.packs[row].backup_label, manifest_.packs[row].number);
}

std::uint64_t BackupReader::block_count(const FileEntry& file) const {
  return (file.size_bytes + manifest_.block_size_bytes - 1) / manifest_.block_size_bytes;
}

std::size_t BackupReader::block_bytes(const FileEntry& file, std::uint64_t number) const {
  const auto offset = number * manifest_.block_size_bytes;
  if (offset >= file.size_bytes) {
    throw Error(ErrorKind::internal, fmt::format("{} has no block {}", file.path, number));
  }
  return static_cast<std::size_t>(std::min<std::uint64_t>(manifest_.block_size_bytes, file.size_bytes - offset));
}

std::uint64_t BackupReader::block_id(const FileEntry& file, std::uint64_t number) const {
  for (const auto& extent : file.extents) {
    if (number < extent.block_count) return extent.first_block + number;
    number -= extent.block_count;
  }
  throw Error(ErrorKind::corrupt, fmt::format("{}: the extents of {} are shorter than the file",
                                              file_table_name(cluster_, manifest_.summary.label), file.path));
}

bool BackupReader::is_zero_block(const FileEntry& file, std::uint64_t number) const {
  return index_->entry(block_id(file, number)).is_zero;
}

bool BackupReader::holds(const FileEntry& file, std::uint64_t number, std::span<const std::byte> clear) const {
  const auto id = block_id(file, number);
  const auto entry = index_->entry(id);
  if (entry.is_zero) return all_zero(clear);
  // The pack says with which secret its blocks were hashed.
  const auto pack = packs_->get(entry.pack_row, storage_, *this);
  return hash_block(clear, pack->seal.hash_secret()) == index_->hash(id);
}

void BackupReader::read_block(const FileEntry& file, std::uint64_t number, std::span<std::byte> clear) const {
  read_blocks(file, number, 1, clear);
}

void BackupReader::read_blocks(const FileEntry& file, std::uint64_t first, std::uint64_t count,
                               std::span<std::byte> clear) const {
  const auto last = first + count;
  while (first < last) {
    const auto entry = index_->entry(block_id(file, first));
    const auto length = block_bytes(file, first);
    if (entry.is_zero) {
      std::fill_n(clear.begin(), length, std::byte{0});
      clear = clear.subspan(length);
      ++first;
      continue;
    }
    if (const auto bundle = opened_bundles.find({id_, entry.pack_row, entry.offset_bytes}); !bundle.empty()) {
      const auto pack = packs_->get(entry.pack_row, storage_, *this);
      copy_block(*pack, file, first, bundle, clear);
      clear = clear.subspan(length);
      ++first;
      continue;
    }
    // How far the following blocks lie in the same bundle, or in bundles side by side with it.
    const auto trailer_bytes = packs_->get(entry.pack_row, storage_, *this)->seal.trailer_bytes();
    std::size_t stored = entry.stored_bytes + trailer_bytes, clear_length = length;
    auto offset_bytes = entry.offset_bytes;
    auto end = first + 1;
    for (; end < last; ++end) {
      const auto next = index_->entry(block_id(file, end));
      if (next.is_zero || next.pack_row != entry.pack_row) break;
      if (next.offset_bytes != offset_bytes) {
        const bool side_by_side = next.offset_bytes == entry.offset_bytes + stored;
        if (!side_by_side || stored + next.stored_bytes > most_bytes_a_read) break;
        offset_bytes = next.offset_bytes;
        stored += next.stored_bytes + trailer_bytes;
      }
      clear_length += block_bytes(file, end);
    }
    read_run(file, {first, end}, entry, stored, clear.first(clear_length));
    clear = clear.subspan(clear_length);
    first = end;
  }
}

void BackupReader::read_run(const FileEntry& file, BlockRange range, const BlockEntry& first_entry,
                            std::size_t stored_bytes, std::span<std::byte> clear) const {
  thread_local std::vector<std::byte> buffer;
  const auto pack = packs_->get(first_entry.pack_row, storage_, *this);
  buffer.resize(stored_bytes);
  if (pack->object->read_at(first_entry.offset_bytes, buffer) != stored_bytes) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: ends before a block of {}", pack->seal.name(), file.path));
  }
  std::span<const std::byte> stored = buffer;
  const auto room = bundle_room(pack->seal);
  for (auto number = range.first; number < range.end;) {
    const auto entry = index_->entry(block_id(file, number));
    auto end = number + 1;
    while (end < range.end && index_->entry(block_id(file, end)).offset_bytes == entry.offset_bytes) ++end;
    // A bundle of which all that it can hold is wanted is expanded where it is wanted.
    const bool in_place =
        entry.place == 0 && (end - number) * manifest_.block_size_bytes == room && room <= clear.size();
    const auto into =
        in_place ? clear.first(room) : opened_bundles.room_for({id_, entry.pack_row, entry.offset_bytes}, room);
    const auto stored_and_trailer = stored.first(entry.stored_bytes + pack->seal.trailer_bytes());
    const WantedBlock block{{file.path, number}, block_bytes(file, number), entry};
    const auto bundle = open_bundle(pack->seal, block, stored_and_trailer, into, pack->seal.name());
    if (!in_place) opened_bundles.keep(bundle.size());
    for (; number < end; ++number) {
      const auto length = block_bytes(file, number);
      copy_block(*pack, file, number, bundle, clear.first(length));
      clear = clear.subspan(length);
    }
    stored = stored.subspan(stored_and_trailer.size());
  }
}

void BackupReader::copy_block(const OpenPack& pack, const FileEntry& file, std::uint64_t number,
                              std::span<const std::byte> bundle, std::span<std::byte> clear) const {
  const auto id = block_id(file, number);
  const WantedBlock block{{file.path, number}, block_bytes(file, number), index_->entry(id)};
  const auto bytes = block_in_bundle(pack.seal, block, index_->hash(id), bundle, pack.seal.name());
  if (bytes.data() != clear.data()) std::copy(bytes.begin(), bytes.end(), clear.begin());
}

}  // namespace backup_engine::store
