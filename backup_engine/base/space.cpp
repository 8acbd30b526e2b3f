#include "backup_engine/base/space.hpp"

#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/quantity_text.hpp"

namespace backup_engine::base {

void require_space(std::string_view what, const std::filesystem::path& path, std::uint64_t written_bytes) {
  require_space(what, path, written_bytes, free_space_bytes(path));
}

void require_space(std::string_view what, const std::filesystem::path& path, std::uint64_t written_bytes,
                   std::uint64_t free_bytes) {
  const auto needed_bytes = written_bytes + written_bytes / 2;
  if (free_bytes >= needed_bytes) return;
  throw Error(ErrorKind::no_space,
              fmt::format("not enough space for {}: {} has {} free, {} are needed (1.5 times {})", what, path.string(),
                          bytes_text(free_bytes), bytes_text(needed_bytes), bytes_text(written_bytes)))
      .with_remedy("Free space there, or choose another place.");
}

}  // namespace backup_engine::base
