#include "backup_engine/wal/spool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file_system.hpp"
#include "backup_engine/base/sha256.hpp"
#include "backup_engine/store/block_hash.hpp"

namespace backup_engine::wal {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;

namespace {

constexpr auto directory_name = ".lifeboat-fetch";
constexpr auto record_suffix = ".record", part_suffix = ".part";
constexpr mode_t directory_mode = 0700, file_mode = 0600;

// A file in memory; the spool's files are ours alone, and nobody cuts them.
class Mapping {
 public:
  explicit Mapping(const fs::path& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) {
    struct stat status {};
    if (!fd_.valid() || ::fstat(fd_.get(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0) return;
    size_ = static_cast<std::size_t>(status.st_size);
    at_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd_.get(), 0);
  }
  ~Mapping() {
    if (at_ != MAP_FAILED) ::munmap(at_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const {
    if (at_ == MAP_FAILED) return {};
    return {static_cast<const std::byte*>(at_), size_};
  }

 private:
  base::UniqueFd fd_;
  std::size_t size_ = 0;
  void* at_ = MAP_FAILED;
};

void remove_quietly(const fs::path& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

}  // namespace

Spool::Spool(const fs::path& beside, const std::string& repository, const std::string& cluster,
             postgres::SegmentSize size)
    : directory_(beside / directory_name),
      origin_(fmt::format("lifeboat-spool 1\nrepository {}\ncluster {}\n", repository, cluster)),
      size_(size) {}

std::string Spool::record_of(const std::string& name, std::span<const std::byte> bytes) const {
  const auto hash = store::hash_block(bytes);
  return fmt::format("{}segment {}\nbytes {}\nxxh3-128 {}\n", origin_, name, bytes.size(), base::to_hex(hash));
}

bool Spool::holds(const std::string& name) const {
  std::error_code ignored;
  return fs::exists(directory_ / name, ignored);
}

bool Spool::take(const std::string& name, const fs::path& to) const {
  const auto path = directory_ / name;
  if (!holds(name)) return false;
  bool sound = false;
  try {
    const Mapping mapping(path);
    sound = mapping.bytes().size() == size_.bytes() &&
            base::read_file(path.string() + record_suffix) == record_of(name, mapping.bytes());
  } catch (const Error&) {
    sound = false;  // no record
  }
  if (sound && ::rename(path.c_str(), to.c_str()) != 0) {
    throw base::system_error(errno, "rename to " + to.string(), path.string());
  }
  drop(name);
  return sound;
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
  const auto part = directory_ / (name + part_suffix), record = directory_ / (name + record_suffix);
  remove_quietly(part);
  remove_quietly(record);
  {
    const auto file = file_system.create(part, file_mode);
    std::uint64_t written = 0;
    fill([&](std::span<const std::byte> bytes) {
      file->write_at(written, bytes);
      written += bytes.size();
    });
    file->close();
  }
  const Mapping mapping(part);
  const auto text = record_of(name, mapping.bytes());
  const auto file = file_system.create(record, file_mode);
  file->write_at(0, std::as_bytes(std::span(text)));
  file->close();
  file_system.rename(part, directory_ / name);
}

void Spool::keep_near(const postgres::WalSegment& wanted, unsigned ahead) const {
  std::error_code error;
  for (fs::directory_iterator entry(directory_, error), end; !error && entry != end; entry.increment(error)) {
    const auto name = entry->path().filename().string();
    const auto segment = postgres::parse_segment_name(name, size_);
    if (!segment || (segment->number >= wanted.number && segment->number - wanted.number <= 2ULL * ahead)) continue;
    drop(name);
  }
}

void Spool::clear() const {
  // Under another name first: what is put from now on finds no directory.
  auto gone = directory_;
  gone += fmt::format(".gone-{}", ::getpid());
  if (::rename(directory_.c_str(), gone.c_str()) == 0) remove_quietly(gone);
}

}  // namespace backup_engine::wal
