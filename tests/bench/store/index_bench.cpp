// What a backup keeps beside its blocks: the block index, built and read, and the manifest. One core; items are blocks,
// or packs. A million blocks of 8 KiB are 8 GB.
#include <benchmark/benchmark.h>

#include <cstring>
#include <random>
#include <string>

#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/store/backup_reader.hpp"
#include "backup_engine/store/backup_writer.hpp"
#include "backup_engine/store/block_hash.hpp"
#include "backup_engine/store/block_index.hpp"
#include "backup_engine/store/framed_object.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/store/posix_storage.hpp"

namespace base = backup_engine::base;
namespace store = backup_engine::store;
using backup_engine::Codec;

namespace {

constexpr std::uint64_t block_count = 1'000'000;
const std::string cluster = "main", full = "20261121T000000Z-full", incremental = "20261121T000001Z-incr";

store::BlockEntry entry_of(std::uint64_t block) {
  store::BlockEntry entry;
  entry.is_zero = false;
  entry.offset_bytes = static_cast<std::uint32_t>(96 + block * 2000);
  entry.stored_bytes = 1990;
  entry.codec = Codec::zstd;
  return entry;
}

store::BlockHash hash_of(std::uint64_t block) {
  return store::hash_block(std::as_bytes(std::span(&block, 1)));
}

// A repository's folder, without anything else in it.
struct Place {
  base::TemporaryDirectory directory{"/var/tmp", "lifeboat-bench"};
  store::PosixStorage storage{directory.path(), base::posix_file_system()};

  static std::vector<std::uint16_t> used_by_leaf() {
    std::vector<std::uint16_t> used(block_count / store::leaf_entries, store::leaf_entries);
    if (block_count % store::leaf_entries > 0) used.push_back(block_count % store::leaf_entries);
    return used;
  }

  // Every block is set when there is no parent; otherwise one in a hundred, and the others are kept.
  store::Manifest write(const std::string& label, const store::BlockIndex* parent) {
    store::ParentIndex chain;
    if (parent != nullptr) chain = {parent, {full}, used_by_leaf()};
    store::BlockIndexWriter writer(storage, cluster, label, store::default_block_bytes, nullptr, chain);
    for (std::uint64_t block = 0; block < block_count; ++block) {
      if (parent == nullptr || block % 100 == 0) {
        writer.set(block, entry_of(block), hash_of(block));
      } else {
        writer.keep(block);
      }
    }
    const auto root = writer.finish(block_count);
    storage.sync();
    store::put_framed(storage, store::block_root_name(cluster, label), store::ObjectKind::block_root, {Codec::zstd, 1},
                      root, store::Durability::now);
    store::Manifest manifest;
    manifest.summary.label = label;
    manifest.block_count = block_count;
    manifest.index_backups = writer.index_backups();
    return manifest;
  }

  void remove(const std::string& label) {
    for (const auto& name : {store::block_index_name(cluster, label), store::block_hashes_name(cluster, label),
                             store::block_root_name(cluster, label)}) {
      storage.remove(name);
    }
  }
};

void count_items(benchmark::State& state, std::uint64_t items_each) {
  state.SetItemsProcessed(static_cast<std::int64_t>(static_cast<std::uint64_t>(state.iterations()) * items_each));
}

void build_index_of_a_full(benchmark::State& state) {
  Place place;
  for (auto _ : state) {
    benchmark::DoNotOptimize(place.write(full, nullptr));
    place.remove(full);
  }
  count_items(state, block_count);
}

void build_index_of_an_incremental(benchmark::State& state) {
  Place place;
  const store::BlockIndex parent(place.storage, cluster, place.write(full, nullptr));
  for (auto _ : state) {
    benchmark::DoNotOptimize(place.write(incremental, &parent));
    place.remove(incremental);
  }
  count_items(state, block_count);
}

void look_blocks_up_in_order(benchmark::State& state) {
  Place place;
  const store::BlockIndex index(place.storage, cluster, place.write(full, nullptr));
  for (auto _ : state) {
    for (std::uint64_t block = 0; block < block_count; ++block) {
      benchmark::DoNotOptimize(index.entry(block));
      benchmark::DoNotOptimize(index.hash(block));
    }
  }
  count_items(state, block_count);
}

void look_blocks_up_at_random(benchmark::State& state) {
  Place place;
  const store::BlockIndex index(place.storage, cluster, place.write(full, nullptr));
  std::mt19937_64 random(1);
  for (auto _ : state) {
    for (int i = 0; i < 100'000; ++i) benchmark::DoNotOptimize(index.entry(random() % block_count));
  }
  count_items(state, 100'000);
}

// As of a backup of 4 TB.
store::Manifest manifest_of_many_packs() {
  store::Manifest manifest;
  manifest.summary.cluster = cluster;
  manifest.summary.label = full;
  manifest.summary.timeline = backup_engine::postgres::TimelineId(1);
  manifest.block_size_bytes = store::default_block_bytes;
  manifest.index_backups = {full};
  for (std::uint32_t i = 0; i < 4096; ++i) {
    manifest.packs.push_back({full, i, {256 << 20U, "00112233445566778899aabbccddeeff"}});
  }
  return manifest;
}

void encode_manifest_of_many_packs(benchmark::State& state) {
  const auto manifest = manifest_of_many_packs();
  for (auto _ : state) benchmark::DoNotOptimize(store::encode_manifest(manifest));
  count_items(state, manifest.packs.size());
}

void decode_manifest_of_many_packs(benchmark::State& state) {
  const auto text = store::encode_manifest(manifest_of_many_packs());
  for (auto _ : state) benchmark::DoNotOptimize(store::decode_manifest(text, "a manifest"));
  count_items(state, 4096);
}

// A backup's own way from the clear bytes to the files of the repository, with all that it books: blocks of pages that
// do not compress, so that the books show. Argument: bytes of a block.
void put_blocks(benchmark::State& state) {
  const auto block_bytes = static_cast<std::uint32_t>(state.range(0));
  constexpr std::uint64_t file_bytes = 64 << 20U;
  std::mt19937_64 random(3);
  std::vector<std::byte> bytes(file_bytes);
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    const auto value = random();
    std::memcpy(&bytes[at], &value, 8);
  }
  Place place;
  for (auto _ : state) {
    store::BackupWriter writer(place.storage, cluster, full, {{Codec::none, 0}, block_bytes});
    const auto blocks = writer.make_block_writer();
    store::FileEntry entry;
    entry.path = "base/16384/16385";
    entry.size_bytes = file_bytes;
    const auto file = writer.add_file(entry);
    for (std::uint64_t at = 0; at < file_bytes; at += 1 << 20U) {
      blocks->put(file, at / block_bytes, std::span(bytes).subspan(at, 1 << 20U));
    }
    writer.finish_file(file, 0);
    blocks->finish();
    benchmark::DoNotOptimize(writer.finish());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(file_bytes));
  count_items(state, file_bytes / block_bytes);
}

}  // namespace

BENCHMARK(build_index_of_a_full)->Unit(benchmark::kMillisecond);
BENCHMARK(build_index_of_an_incremental)->Unit(benchmark::kMillisecond);
BENCHMARK(look_blocks_up_in_order)->Unit(benchmark::kMillisecond);
BENCHMARK(look_blocks_up_at_random)->Unit(benchmark::kMillisecond);
BENCHMARK(encode_manifest_of_many_packs)->Unit(benchmark::kMillisecond);
BENCHMARK(decode_manifest_of_many_packs)->Unit(benchmark::kMillisecond);
BENCHMARK(put_blocks)->Arg(8 << 10)->Arg(16 << 10)->Arg(32 << 10)->Arg(64 << 10)->Unit(benchmark::kMillisecond);
