#include "harness/faults/erase_row.hpp"

#include "harness/faults/page_file.hpp"

namespace harness::faults {

void erase_row(const std::filesystem::path& relation_file, std::uint32_t block, std::uint16_t line_pointer) {
  PageFile file(relation_file, block);
  file.clear_item(line_pointer);
  file.set_checksum();
  file.write();
}

}  // namespace harness::faults
