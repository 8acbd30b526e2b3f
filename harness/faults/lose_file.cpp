#include "harness/faults/lose_file.hpp"

#include <fmt/format.h>

#include <system_error>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/page.hpp"

namespace harness::faults {

namespace fs = std::filesystem;
namespace base = backup_engine::base;

void lose_file(const fs::path& file) {
  std::error_code failed;
  if (fs::remove(file, failed)) return;
  throw base::system_error(failed ? failed.value() : ENOENT, "remove the file", file.string());
}

std::uint64_t truncate_file(const fs::path& file) {
  constexpr std::uint64_t page = backup_engine::postgres::page_bytes;
  std::error_code failed;
  const auto size = fs::file_size(file, failed);
  if (failed) throw base::system_error(failed.value(), "look at the file", file.string());
  if (size < page) throw base::Error(base::ErrorKind::usage, fmt::format("{} holds no page to lose", file.string()));
  const auto half = size / page / 2 * page;
  fs::resize_file(file, half, failed);
  if (failed) throw base::system_error(failed.value(), "cut the file", file.string());
  return half;
}

}  // namespace harness::faults
