#include "backup_engine/backup/block_reader.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <tuple>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/page.hpp"

namespace backup_engine::backup {

namespace {

using postgres::page_bytes;

constexpr int readings_alike = 4;  // so often the same wrong bytes mean that nobody is writing them
constexpr auto patience = std::chrono::milliseconds(200);  // for a page that changes all the time

enum class Outcome { sound, wrong, changing };

// Reads one page again until it is sound, has gone, or shows the same wrong bytes time after time.
Outcome read_again(const ReadAt& read, std::span<std::byte> page, std::uint64_t offset_bytes, std::uint32_t block) {
  auto outcome = Outcome::changing;
  int alike = 1;
  const auto look = [&]() -> std::optional<std::string> {
    std::array<std::byte, page_bytes> fresh{};
    const auto got = read(fresh, offset_bytes);
    const bool same = std::equal(fresh.begin(), fresh.end(), page.begin());
    alike = same ? alike + 1 : 1;
    std::copy(fresh.begin(), fresh.end(), page.begin());
    // Cut off meanwhile: WAL truncates the relation again.
    if (got < page_bytes || !postgres::first_bad_page(page, block)) {
      outcome = Outcome::sound;
      return std::nullopt;
    }
    if (alike < readings_alike) return same ? "the same wrong bytes" : "other wrong bytes";
    outcome = Outcome::wrong;
    return std::nullopt;
  };
  try {
    base::poll_until(base::Deadline::after(patience), "a whole page", look);
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::timed_out) throw;
  }
  return outcome;
}

// Calls visit(i) for each page i of `bytes` that is wrong; its first page is `first_block` of the relation.
void for_each_bad_page(std::span<const std::byte> bytes, std::uint32_t first_block,
                       const std::function<void(std::size_t page)>& visit) {
  const auto whole_pages = bytes.size() / page_bytes;
  for (std::size_t i = 0; i < whole_pages; ++i) {
    const auto rest = bytes.subspan(i * page_bytes, (whole_pages - i) * page_bytes);
    const auto bad = postgres::first_bad_page(rest, first_block + static_cast<std::uint32_t>(i));
    if (!bad) return;
    i += *bad;
    visit(i);
  }
}

}  // namespace

void read_block(const ReadAt& read, std::span<std::byte> buffer, std::uint64_t offset_bytes,
                std::optional<std::uint32_t> first_block, const std::string& file, std::vector<SuspectPage>& suspects) {
  const auto got = read(buffer, offset_bytes);
  std::fill(buffer.begin() + static_cast<std::ptrdiff_t>(got), buffer.end(), std::byte{0});
  if (!first_block) return;
  const auto first_page = static_cast<std::uint32_t>(offset_bytes / page_bytes);
  for_each_bad_page(buffer.first(got), *first_block + first_page, [&](std::size_t i) {
    const auto page = buffer.subspan(i * page_bytes, page_bytes);
    const auto number = first_page + static_cast<std::uint32_t>(i);
    const auto outcome = read_again(read, page, offset_bytes + i * page_bytes, *first_block + number);
    if (outcome == Outcome::sound) return;
    suspects.push_back({file, number, postgres::page_lsn(page.first<page_bytes>()), outcome == Outcome::changing});
  });
}

void inspect_pages(std::span<const std::byte> bytes, std::uint64_t offset_bytes, std::uint32_t first_block,
                   const std::string& file, std::vector<SuspectPage>& suspects) {
  const auto first_page = static_cast<std::uint32_t>(offset_bytes / page_bytes);
  for_each_bad_page(bytes, first_block + first_page, [&](std::size_t i) {
    const auto page = bytes.subspan(i * page_bytes).first<page_bytes>();
    suspects.push_back({file, first_page + static_cast<std::uint32_t>(i), postgres::page_lsn(page), false});
  });
}

std::vector<DamagedPage> damaged_among(const std::vector<SuspectPage>& suspects, postgres::Lsn start,
                                       postgres::Lsn stop) {
  std::vector<DamagedPage> damaged;
  for (const auto& suspect : suspects) {
    const bool repaired_by_wal = suspect.lsn >= start && suspect.lsn <= stop;
    if (!suspect.changing && !repaired_by_wal) damaged.push_back({suspect.file, suspect.page});
  }
  std::sort(damaged.begin(), damaged.end(), [](const DamagedPage& a, const DamagedPage& b) {
    return std::tie(a.file, a.block) < std::tie(b.file, b.block);
  });
  return damaged;
}

}  // namespace backup_engine::backup
