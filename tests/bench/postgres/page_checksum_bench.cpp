// How fast pages are checked while a backup reads them: bytes per second of one core.
#include <benchmark/benchmark.h>

#include <cstring>
#include <random>
#include <vector>

#include "backup_engine/postgres/page.hpp"

namespace backup_engine::postgres {
namespace {

std::vector<std::byte> sound_pages(std::size_t count) {
  std::vector<std::byte> bytes(count * page_bytes);
  std::mt19937_64 random(42);
  for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
    const auto value = random();
    std::memcpy(bytes.data() + i, &value, sizeof value);
  }
  for (std::size_t i = 0; i < count; ++i) {
    const PageView page(bytes.data() + i * page_bytes, page_bytes);
    const auto checksum = compute_checksum(page, static_cast<std::uint32_t>(i));
    std::memcpy(bytes.data() + i * page_bytes + 8, &checksum, sizeof checksum);
  }
  return bytes;
}

void check_pages(benchmark::State& state) {
  const auto bytes = sound_pages(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(first_bad_page(bytes, 0));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK(check_pages)->Arg(1)->Arg(32)->Arg(1024)->Arg(16384);  // a page, a block, 8 MB, 128 MB

}  // namespace
}  // namespace backup_engine::postgres
