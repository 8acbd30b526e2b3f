#include "harness/provision/wal_volume.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/quantity_text.hpp"

namespace harness::provision {

namespace base = backup_engine::base;
namespace fs = std::filesystem;

namespace {

// Owner and mode too, without which PostgreSQL would not start.
void copy_entry(const fs::directory_entry& from, const fs::path& to, const std::optional<process::OsUser>& owner) {
  if (from.is_directory()) {
    fs::create_directory(to, from.path());
  } else {
    fs::copy_file(from.path(), to);
  }
  fs::permissions(to, from.status().permissions());
  if (owner && ::chown(to.c_str(), owner->uid, owner->gid) != 0) {
    throw base::system_error(errno, "change the owner of", to.string());
  }
}

// Room is left for the WAL that is to come. A server that archives has kept everything since it was made.
void require_room(const std::vector<fs::directory_entry>& entries, std::uint64_t size_bytes) {
  std::uint64_t held = 0;
  for (const auto& entry : entries) held += entry.is_directory() ? 0 : entry.file_size();
  if (held <= size_bytes / 4 * 3) return;
  throw base::Error(base::ErrorKind::no_space,
                    fmt::format("the source's WAL holds {} already, and the file system that fill_disk is to fill {}",
                                base::bytes_text(held), base::bytes_text(size_bytes)))
      .with_remedy("choose a smaller scale; or \"wal: { by: stream }\", which keeps no WAL of the dataset");
}

}  // namespace

std::shared_ptr<const process::Volume> put_wal_on_volume(const fs::path& data_directory, std::uint64_t size_bytes,
                                                         const std::optional<process::OsUser>& owner) {
  const auto pg_wal = data_directory / "pg_wal";
  const std::vector<fs::directory_entry> entries(fs::recursive_directory_iterator(pg_wal), {});
  require_room(entries, size_bytes);
  auto volume = std::make_shared<const process::Volume>(pg_wal, size_bytes, owner);
  for (const auto& entry : entries) copy_entry(entry, volume->path() / entry.path().lexically_relative(pg_wal), owner);
  for (const auto& entry : entries) {
    if (!entry.is_directory()) fs::remove(entry.path());
  }
  return volume;
}

}  // namespace harness::provision
