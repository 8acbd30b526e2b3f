#include "harness/faults/page_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <utility>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"

namespace harness::faults {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::page_bytes;

namespace {

constexpr std::size_t checksum_offset = 8, end_of_items_offset = 12, items_offset = 24;
constexpr std::uint32_t item_is_used = 1;  // LP_NORMAL

}  // namespace

PageFile::PageFile(std::filesystem::path path, std::uint32_t block) : path_(std::move(path)), block_(block) {
  const auto file = backup_engine::base::open_for_reading(path_);
  if (backup_engine::base::read_at(file.get(), page_, std::uint64_t{block} * page_bytes, path_) != page_bytes) {
    throw Error(ErrorKind::usage, fmt::format("{} has no block {}", path_.string(), block));
  }
}

std::byte& PageFile::byte_at(std::uint32_t offset_bytes) {
  if (offset_bytes >= page_bytes) throw Error(ErrorKind::usage, fmt::format("byte {} is not in a page", offset_bytes));
  return page_[offset_bytes];
}

// ItemIdData: 15 bits offset, 2 bits flags, 15 bits length.
std::optional<PageFile::Item> PageFile::tuple_at(std::uint16_t line_pointer) const {
  std::uint32_t packed = 0;
  const auto at = items_offset + 4 * (std::size_t{line_pointer} - 1);
  if (line_pointer > 0 && at + 4 <= page_bytes) std::memcpy(&packed, page_.data() + at, sizeof packed);
  const Item item{packed & 0x7fff, packed >> 17};
  if (((packed >> 15) & 3) != item_is_used || item.length_bytes == 0 ||
      item.offset_bytes + item.length_bytes > page_bytes) {
    return std::nullopt;
  }
  return item;
}

PageFile::Item PageFile::item(std::uint16_t line_pointer) const {
  const auto found = tuple_at(line_pointer);
  if (found) return *found;
  throw Error(ErrorKind::usage, fmt::format("{} has no tuple ({},{})", path_.string(), block_, line_pointer));
}

PageFile::Item PageFile::first_item() const {
  std::uint16_t end_of_items = 0;  // pd_lower
  std::memcpy(&end_of_items, page_.data() + end_of_items_offset, sizeof end_of_items);
  for (std::uint16_t i = 1; items_offset + 4 * std::size_t{i} <= end_of_items; ++i) {
    if (const auto found = tuple_at(i)) return *found;
  }
  throw Error(ErrorKind::usage, fmt::format("{} has no tuple in block {}", path_.string(), block_));
}

void PageFile::clear_item(std::uint16_t line_pointer) {
  (void)item(line_pointer);
  std::memset(page_.data() + items_offset + 4 * (std::size_t{line_pointer} - 1), 0, 4);
}

void PageFile::swap_items(std::uint16_t one, std::uint16_t other) {
  (void)item(one);
  (void)item(other);
  const auto place = [&](std::uint16_t line_pointer) {
    return page_.begin() + items_offset + 4 * (std::ptrdiff_t{line_pointer} - 1);
  };
  std::swap_ranges(place(one), place(one) + 4, place(other));
}

void PageFile::set_checksum() {
  const auto sum = backup_engine::postgres::compute_checksum(page_, block_);
  std::memcpy(page_.data() + checksum_offset, &sum, sizeof sum);
}

void PageFile::write() {
  std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(std::uint64_t{block_} * page_bytes));
  file.write(reinterpret_cast<const char*>(page_.data()), page_bytes);
  file.close();
  if (!file) throw Error(ErrorKind::io, fmt::format("cannot write {}", path_.string()));
}

}  // namespace harness::faults
