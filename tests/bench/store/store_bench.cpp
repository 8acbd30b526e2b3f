// The block pipeline on one core, and the tables of a backup with a million files. Rates are of bytes in the clear.
#include <benchmark/benchmark.h>

#include <random>
#include <string>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/store/backup_reader.hpp"
#include "backup_engine/store/backup_writer.hpp"
#include "backup_engine/store/block_hash.hpp"
#include "backup_engine/store/codec.hpp"
#include "backup_engine/store/framed_object.hpp"
#include "backup_engine/store/posix_storage.hpp"
#include "backup_engine/store/stored_block.hpp"

namespace base = backup_engine::base;
namespace store = backup_engine::store;
using backup_engine::Codec;
using Bytes = std::vector<std::byte>;

namespace {

// What is compressed and sealed at once: a whole bundle.
constexpr std::size_t block_bytes = store::default_block_bytes * store::blocks_a_bundle(store::default_block_bytes);

// Heap pages filled from the end with order rows, as PostgreSQL lays them out: pointers, a hole, rows.
Bytes table_pages(std::size_t count) {
  std::mt19937_64 random(1);
  Bytes bytes(count);
  std::uint64_t id = 1'000'000;
  for (std::size_t page = 0; page + 8192 <= count; page += 8192) {
    std::size_t free_end = page + 8192;
    for (std::size_t pointer = page + 24; pointer + 4 < free_end; pointer += 4) {
      auto row = std::string(24, '\0') + "customer " + std::to_string(random() % 100'000) + " paid " +
                 std::to_string(random() % 1'000'000) + " by card on 2026-11-" + std::to_string(10 + random() % 20);
      for (std::size_t i = 0; i < 8; ++i) row[i] = static_cast<char>((id >> (8 * i)) & 0xFFU);
      ++id;
      if (free_end - row.size() < pointer + 4) break;
      free_end -= row.size();
      std::copy_n(std::as_bytes(std::span(row)).begin(), row.size(),
                  bytes.begin() + static_cast<std::ptrdiff_t>(free_end));
      bytes[pointer] = static_cast<std::byte>(free_end & 0xFFU);
      bytes[pointer + 1] = static_cast<std::byte>((free_end >> 8U) & 0xFFU);
    }
  }
  return bytes;
}

Bytes random_bytes(std::size_t count) {
  std::mt19937_64 random(2);
  Bytes bytes(count);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

const Bytes& input(bool rows) {
  static const auto pages = table_pages(8 * 1024 * 1024), noise = random_bytes(8 * 1024 * 1024);
  return rows ? pages : noise;
}

void count_bytes(benchmark::State& state, std::size_t bytes_each) {
  state.SetBytesProcessed(static_cast<std::int64_t>(static_cast<std::size_t>(state.iterations()) * bytes_each));
}

// What a backup does to each block: CRC of the file, zero test, hash, compression, CRC of the stored bytes.
void block_pipeline(benchmark::State& state, backup_engine::Compression compression, bool rows) {
  const auto& bytes = input(rows);
  store::Compressor compressor(compression);
  std::size_t stored = 0;
  for (auto _ : state) {
    stored = 0;
    for (std::size_t at = 0; at < bytes.size(); at += block_bytes) {
      const auto block = std::span(bytes).subspan(at, block_bytes);
      benchmark::DoNotOptimize(base::crc32c(block));
      if (store::all_zero(block)) continue;
      benchmark::DoNotOptimize(store::hash_block(block));
      const auto compressed = compressor.compress(block);
      benchmark::DoNotOptimize(base::crc32c(compressed.bytes));
      stored += compressed.bytes.size();
    }
  }
  count_bytes(state, bytes.size());
  state.counters["stored_part"] = static_cast<double>(stored) / static_cast<double>(bytes.size());
}

enum class Protection { crc, encryption };

std::shared_ptr<const store::DataKey> key_for(Protection protection) {
  if (protection == Protection::crc) return nullptr;
  return store::new_data_key(base::utc_now());
}

// The way there as a backup goes it: hash, compression, then CRC or encryption.
void seal_pipeline(benchmark::State& state, backup_engine::Compression compression, Protection protection) {
  const auto& bytes = input(true);
  store::BlockSealer sealer(compression);
  const store::PackSeal pack("a.pack", compression, store::default_block_bytes, key_for(protection));
  for (auto _ : state) {
    for (std::size_t at = 0; at < bytes.size(); at += block_bytes) {
      const auto block = std::span(bytes).subspan(at, block_bytes);
      benchmark::DoNotOptimize(store::hash_block(block, pack.hash_secret()));
      benchmark::DoNotOptimize(sealer.seal(pack, at, {"base/16384/16385", at / store::default_block_bytes}, block));
    }
  }
  count_bytes(state, bytes.size());
}

// The way back: CRC or tag, expansion, hash of each block.
void restore_pipeline(benchmark::State& state, backup_engine::Compression compression, bool rows,
                      Protection protection = Protection::crc) {
  const auto& bytes = input(rows);
  store::BlockSealer sealer(compression);
  const store::PackSeal pack("a.pack", compression, store::default_block_bytes, key_for(protection));
  struct Stored {
    store::WantedBlock block;
    Bytes bytes;
    std::vector<store::BlockHash> hashes;
  };
  std::vector<Stored> bundles;
  for (std::size_t at = 0; at < bytes.size(); at += block_bytes) {
    const auto clear = std::span(bytes).subspan(at, block_bytes);
    const auto sealed = sealer.seal(pack, 0, {"a", 0}, clear);
    Stored stored{{{"a", 0}, store::default_block_bytes, {}}, Bytes(sealed.stored.begin(), sealed.stored.end()), {}};
    stored.block.entry.codec = sealed.codec;
    stored.bytes.insert(stored.bytes.end(), sealed.trailer.begin(), sealed.trailer.end());
    for (std::size_t in = 0; in < block_bytes; in += store::default_block_bytes) {
      stored.hashes.push_back(store::hash_block(clear.subspan(in, store::default_block_bytes), pack.hash_secret()));
    }
    bundles.push_back(std::move(stored));
  }
  Bytes room(store::bundle_room(pack));
  for (auto _ : state) {
    for (const auto& stored : bundles) {
      auto block = stored.block;
      const auto bundle = store::open_bundle(pack, block, stored.bytes, room, "");
      for (const auto& hash : stored.hashes) {
        benchmark::DoNotOptimize(store::block_in_bundle(pack, block, hash, bundle, ""));
        ++block.entry.place;
      }
    }
  }
  count_bytes(state, bytes.size());
}

void crc(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(base::crc32c(std::span(input(true)).first(block_bytes)));
  count_bytes(state, block_bytes);
}

void hash(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(store::hash_block(std::span(input(true)).first(block_bytes)));
  count_bytes(state, block_bytes);
}

void hash_with_secret(benchmark::State& state) {
  const auto key = store::new_data_key(base::utc_now());
  for (auto _ : state) {
    benchmark::DoNotOptimize(store::hash_block(std::span(input(true)).first(block_bytes), key->hash_secret()));
  }
  count_bytes(state, block_bytes);
}

std::vector<store::FileEntry> many_entries(std::size_t count) {
  std::vector<store::FileEntry> entries(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto& entry = entries[i];
    entry.path = "base/" + std::to_string(16384 + i % 100) + "/" + std::to_string(20000 + i / 100);
    entry.size_bytes = 8192 * (i % 50);
    entry.mode = 0600;
    if (entry.size_bytes > 0) entry.extents = {{i * 50, i % 50}};
  }
  return entries;
}

void write_table_of_a_million_files(benchmark::State& state) {
  const base::TemporaryDirectory directory("/var/tmp", "lifeboat-bench");
  store::PosixStorage storage(directory.path(), base::posix_file_system());
  const auto entries = many_entries(1'000'000);
  for (auto _ : state) {
    auto copy = entries;
    const auto digest = store::put_framed(storage, "files", store::ObjectKind::file_table, {Codec::zstd, 1},
                                          store::encode_file_table(copy), store::Durability::now);
    state.counters["stored_bytes"] = static_cast<double>(digest.size_bytes);
    storage.remove("files");
  }
}

void read_table_of_a_million_files(benchmark::State& state) {
  const base::TemporaryDirectory directory("/var/tmp", "lifeboat-bench");
  store::PosixStorage storage(directory.path(), base::posix_file_system());
  auto entries = many_entries(1'000'000);
  store::put_framed(storage, "files", store::ObjectKind::file_table, {Codec::zstd, 1},
                    store::encode_file_table(entries), store::Durability::now);
  for (auto _ : state) {
    const store::FileTable table(store::read_framed(storage, "files", store::ObjectKind::file_table), "files");
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < table.size(); ++i) bytes += table.entry(i).size_bytes;
    benchmark::DoNotOptimize(bytes);
  }
}

}  // namespace

BENCHMARK(crc);
BENCHMARK(hash);
BENCHMARK_CAPTURE(block_pipeline, none_rows, {Codec::none, 0}, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(block_pipeline, lz4_rows, {Codec::lz4, 0}, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(block_pipeline, zstd_rows, {Codec::zstd, 1}, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(block_pipeline, zstd3_rows, {Codec::zstd, 3}, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(block_pipeline, none_random, {Codec::none, 0}, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(block_pipeline, lz4_random, {Codec::lz4, 0}, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(block_pipeline, zstd_random, {Codec::zstd, 1}, false)->Unit(benchmark::kMillisecond);
BENCHMARK(hash_with_secret);
BENCHMARK_CAPTURE(seal_pipeline, none, {Codec::none, 0}, Protection::crc)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(seal_pipeline, none_encrypted, {Codec::none, 0}, Protection::encryption)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(seal_pipeline, zstd, {Codec::zstd, 1}, Protection::crc)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(seal_pipeline, zstd_encrypted, {Codec::zstd, 1}, Protection::encryption)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(restore_pipeline, none_rows_encrypted, {Codec::none, 0}, true, Protection::encryption)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(restore_pipeline, zstd_rows_encrypted, {Codec::zstd, 1}, true, Protection::encryption)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(restore_pipeline, none_rows, {Codec::none, 0}, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(restore_pipeline, lz4_rows, {Codec::lz4, 0}, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(restore_pipeline, zstd_rows, {Codec::zstd, 1}, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(restore_pipeline, zstd_random, {Codec::zstd, 1}, false)->Unit(benchmark::kMillisecond);
BENCHMARK(write_table_of_a_million_files)->Unit(benchmark::kMillisecond);
BENCHMARK(read_table_of_a_million_files)->Unit(benchmark::kMillisecond);
