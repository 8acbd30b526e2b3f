#include "harness/faults/damage_page.hpp"

#include "harness/faults/page_file.hpp"

namespace harness::faults {

void flip_bit(const std::filesystem::path& relation_file, std::uint32_t block, std::uint32_t byte_in_page,
              Checksum checksum) {
  PageFile file(relation_file, block);
  file.byte_at(byte_in_page) ^= std::byte{1};
  if (checksum == Checksum::recomputed) file.set_checksum();
  file.write();
}

std::uint32_t last_byte_of_first_tuple(const std::filesystem::path& relation_file, std::uint32_t block) {
  const auto item = PageFile(relation_file, block).first_item();
  return item.offset_bytes + item.length_bytes - 1;
}

std::uint32_t last_byte_of_tuple(const std::filesystem::path& relation_file, std::uint32_t block,
                                 std::uint16_t line_pointer) {
  PageFile file(relation_file, block);
  const auto item = file.item(line_pointer);
  return item.offset_bytes + item.length_bytes - 1;
}

}  // namespace harness::faults
