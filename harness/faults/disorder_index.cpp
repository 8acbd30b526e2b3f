#include "harness/faults/disorder_index.hpp"

#include "harness/faults/page_file.hpp"

namespace harness::faults {

void disorder_index(const std::filesystem::path& relation_file, std::uint32_t block) {
  PageFile file(relation_file, block);
  file.swap_items(1, 2);
  file.set_checksum();
  file.write();
}

}  // namespace harness::faults
