// One page of a relation file, read, changed and written back: what the faults that damage pages share. The layout is
// PostgreSQL's (src/include/storage/bufpage.h, itemid.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "backup_engine/postgres/page.hpp"

namespace harness::faults {

class PageFile {
 public:
  struct Item {
    std::uint32_t offset_bytes = 0, length_bytes = 0;
  };

  // Throws base::Error(not_found | io), or usage when the file has no such block.
  PageFile(std::filesystem::path path, std::uint32_t block);
  // Throws base::Error(usage) outside of the page.
  [[nodiscard]] std::byte& byte_at(std::uint32_t offset_bytes);
  // A line pointer (from 1) that holds a tuple; throws base::Error(usage) otherwise.
  [[nodiscard]] Item item(std::uint16_t line_pointer) const;
  [[nodiscard]] Item first_item() const;        // of those that hold a tuple; throws base::Error(usage) when none does
  void clear_item(std::uint16_t line_pointer);  // the tuple is no longer there, and the space not reclaimed
  void swap_items(std::uint16_t one, std::uint16_t other);
  void set_checksum();
  void write();

 private:
  [[nodiscard]] std::optional<Item> tuple_at(std::uint16_t line_pointer) const;

  std::filesystem::path path_;
  std::uint32_t block_;
  std::array<std::byte, backup_engine::postgres::page_bytes> page_{};
};

}  // namespace harness::faults
