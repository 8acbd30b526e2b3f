#include "backup_engine/wal/whole_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <memory>

#include "backup_engine/base/file_system.hpp"

namespace backup_engine::wal {

WalFetchOutcome write_whole(
    const std::filesystem::path& to,
    const std::function<WalFetchOutcome(const std::function<void(std::span<const std::byte>)>& write)>& fill) {
  auto& file_system = base::posix_file_system();
  auto temporary = to;
  temporary += fmt::format(".lifeboat-{}", ::getpid());
  std::error_code ignored;
  std::filesystem::remove(temporary, ignored);  // of a process that had this id once
  std::unique_ptr<base::WritableFile> file;
  std::uint64_t written = 0;
  try {
    const auto outcome = fill([&](std::span<const std::byte> bytes) {
      if (!file) file = file_system.create(temporary, 0600);
      file->write_at(written, bytes);
      written += bytes.size();
    });
    if (outcome == WalFetchOutcome::fetched && !file) file = file_system.create(temporary, 0600);  // an empty one
    if (!file) return outcome;
    file->close();
    if (outcome == WalFetchOutcome::fetched) {
      file_system.rename(temporary, to);
    } else {
      std::filesystem::remove(temporary, ignored);
    }
    return outcome;
  } catch (...) {
    std::filesystem::remove(temporary, ignored);
    throw;
  }
}

}  // namespace backup_engine::wal
