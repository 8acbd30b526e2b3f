#include "backup_engine/wal/spool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file_system.hpp"
#include "backup_engine/base/remove_tree.hpp"
#include "backup_engine/store/block_hash.hpp"

namespace backup_engine::wal {

namespace fs = std::filesystem;
using base::Error;

namespace {

constexpr auto directory_name = ".lifeboat-fetch";
constexpr auto record_suffix = ".record", part_suffix = ".part";
constexpr mode_t directory_mode = 0700, file_mode = 0600;

base::UniqueFd open_own(const fs::path& path, struct stat& status) {
  base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid() || ::fstat(fd.get(), &status) != 0) throw base::system_error(errno, "open", path.string());
  return fd;
}

std::string hash_of(const base::UniqueFd& fd, const fs::path& path) {
  constexpr std::size_t piece_bytes = 256 * 1024;
  store::StreamHash hash;
  std::vector<std::byte> piece(piece_bytes);
  for (std::uint64_t at = 0;;) {
    const auto got = base::read_at(fd.get(), piece, at, path);
    if (got == 0) return hash.hex();
    hash.update(std::span(piece).first(got));
    at += got;
  }
}

// Changes with every write to the file, every change of its name, and every start of the machine.
std::string stamp_of(const struct stat& status) {
  auto boot = base::read_file("/proc/sys/kernel/random/boot_id");
  while (boot.ends_with('\n')) boot.pop_back();
  return fmt::format("stamp {} {}.{} {}.{:09}\n", boot, status.st_dev, status.st_ino, status.st_ctim.tv_sec,
                     status.st_ctim.tv_nsec);
}

std::string hash_line(const std::string& hash) {
  return fmt::format("xxh3-128 {}\n", hash);
}

void remove_quietly(const fs::path& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
}

}  // namespace

Spool::Spool(const fs::path& beside, const std::string& repository, const std::string& cluster)
    : directory_(beside / directory_name),
      origin_(fmt::format("lifeboat-spool 1\nrepository {}\ncluster {}\n", repository, cluster)) {}

std::string Spool::head_of_record(const std::string& name, std::uint64_t size_bytes) const {
  return fmt::format("{}segment {}\nbytes {}\n", origin_, name, size_bytes);
}

bool Spool::holds(const std::string& name) const {
  std::error_code ignored;
  return fs::exists(directory_ / (name + record_suffix), ignored);
}

bool Spool::is_sound(const std::string& name, std::uint64_t& size_bytes) const {
  struct stat status {};
  const auto path = directory_ / name;
  const auto fd = open_own(path, status);
  size_bytes = static_cast<std::uint64_t>(status.st_size);
  const auto head = head_of_record(name, size_bytes);
  const auto record = base::read_file(path.string() + record_suffix);
  if (!S_ISREG(status.st_mode) || !record.starts_with(head)) return false;
  // Untouched since it was left whole: a hash would say the same, at the cost of reading it all.
  const auto rest = std::string_view(record).substr(head.size());
  return rest.ends_with(stamp_of(status)) || rest.starts_with(hash_line(hash_of(fd, path)));
}

std::optional<postgres::SegmentSize> Spool::take(const std::string& name, const fs::path& to) const {
  if (!holds(name)) return std::nullopt;
  std::optional<postgres::SegmentSize> size;
  try {
    std::uint64_t size_bytes = 0;
    if (is_sound(name, size_bytes)) size = postgres::SegmentSize::of_bytes(size_bytes);
  } catch (const Error&) {
    size.reset();  // a file is missing, or of no segment's size
  }
  const auto path = directory_ / name;
  if (size && ::rename(path.c_str(), to.c_str()) != 0) {
    throw base::system_error(errno, "rename to " + to.string(), path.string());
  }
  drop(name);
  return size;
}

void Spool::drop(const std::string& name) const {
  remove_quietly(directory_ / name);
  remove_quietly(directory_ / (name + record_suffix));
}

bool Spool::make() const {
  if (::mkdir(directory_.c_str(), directory_mode) != 0 && errno != EEXIST) return false;
  struct stat status {};
  if (::lstat(directory_.c_str(), &status) != 0) return false;
  return S_ISDIR(status.st_mode) && status.st_uid == ::geteuid() && (status.st_mode & 0777U) == directory_mode;
}

std::optional<base::UniqueFd> Spool::lock() const {
  base::UniqueFd fd(::open((directory_ / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, file_mode));
  if (!fd.valid() || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;
  return fd;
}

void Spool::put(const std::string& name, const std::function<void(const Write&)>& fill) const {
  auto& file_system = base::posix_file_system();
  const auto path = directory_ / name, part = directory_ / (name + part_suffix);
  drop(name);
  remove_quietly(part);
  const auto file = file_system.create(part, file_mode);
  std::uint64_t written = 0;
  store::StreamHash hash;
  fill([&](std::span<const std::byte> bytes) {
    file->write_at(written, bytes);
    hash.update(bytes);
    written += bytes.size();
  });
  file->close();
  file_system.rename(part, path);
  struct stat status {};
  (void)open_own(path, status);
  write_new(name + record_suffix, head_of_record(name, written) + hash_line(hash.hex()) + stamp_of(status));
}

void Spool::write_new(const std::string& name, std::string_view text) const {
  auto& file_system = base::posix_file_system();
  const auto part = directory_ / (name + part_suffix);
  remove_quietly(part);
  const auto file = file_system.create(part, file_mode);
  file->write_at(0, std::as_bytes(std::span(text)));
  file->close();
  file_system.rename(part, directory_ / name);
}

void Spool::keep_near(const postgres::WalSegment& wanted, postgres::SegmentSize size, unsigned ahead) const {
  std::error_code error;
  for (fs::directory_iterator entry(directory_, error), end; !error && entry != end; entry.increment(error)) {
    const auto name = entry->path().filename().string();
    const auto segment = postgres::parse_segment_name(name, size);
    if (!segment || (segment->number >= wanted.number && segment->number - wanted.number <= 2ULL * ahead)) continue;
    drop(name);
  }
}

void Spool::clear() const {
  // Under another name first: what is put from now on finds no directory.
  auto gone = directory_;
  gone += fmt::format(".gone-{}", ::getpid());
  if (::rename(directory_.c_str(), gone.c_str()) == 0) (void)base::remove_tree(gone);
}

}  // namespace backup_engine::wal
